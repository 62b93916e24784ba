"""Lock Azure ML environment definitions and run their models on your own machine."""

from importlib import import_module as _import_module

__version__ = "0.1.0"

_SDK = "envsync.sdk"


def __getattr__(name: str) -> object:
    """Return the names of `envsync.sdk`, which is imported on first use.

    Its names begin with a capital; those of modules do not. There is no import statement for it,
    since every module imports this package, and none below the SDK may import the SDK.
    """
    if name[:1].isupper() or name == "__all__":
        sdk = _import_module(_SDK)
        if name in (*sdk.__all__, "__all__"):
            value: object = getattr(sdk, name)
            return value
    message = f"module 'envsync' has no attribute {name!r}"
    raise AttributeError(message)


def __dir__() -> list[str]:
    return sorted({*globals(), *_import_module(_SDK).__all__})
