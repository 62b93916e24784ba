"""Lock Azure ML environment definitions and run their models on your own machine."""

__version__ = "0.1.0"

_FACE = "envsync.sdk"


def __getattr__(name: str) -> object:
    """Hand on what `envsync.sdk` offers; it is imported when it is first asked for.

    Its names begin with a capital, those of the rooms do not. It is not named in an import
    statement, since the rooms import this package, and none may import the face.
    """
    if name[:1].isupper() or name == "__all__":
        from importlib import import_module  # noqa: PLC0415  # importing envsync stays free

        face = import_module(_FACE)
        if name in (*face.__all__, "__all__"):
            value: object = getattr(face, name)
            return value
    message = f"module 'envsync' has no attribute {name!r}"
    raise AttributeError(message)


def __dir__() -> list[str]:
    from importlib import import_module  # noqa: PLC0415  # as above

    return sorted({*globals(), *import_module(_FACE).__all__})
