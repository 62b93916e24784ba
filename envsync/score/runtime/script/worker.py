"""A worker: loads the entry script, says that it is ready, answers until no request is left."""

import logging
import os
import sys

from ..protocol import failure
from ..protocol.channel import Channel
from . import caller, lifeline, script
from .standin import modules as standin
from .timelimit import VARIABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable

    from .profiling import Profile

_OPTIONS = (
    "--entry-script",
    "--app-root",
    "--model-dir",
    "--supervised",
    "--profile",
    "--debug",
    "--debug-host",
    "--debug-port",
    "--max-memory",
    "--max-cpu",
)
_LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_PICKLED = ("sklearn", "numpy", "pandas", "scipy", "joblib", "xgboost", "lightgbm", "torch")
_LONG_ENOUGH = str(7 * 86400 * 1000)
LOADING_FAILED = 3


def main(arguments: "list[str]") -> int:
    """Work with the options *arguments*; return the exit status."""
    options = _parse(arguments)
    lifeline.end_with_parent()
    channel = Channel()
    born_as = os.getpid()
    try:
        profile = _profile_if_wanted(options)
        ready = _load(options, channel, profile)
        if ready is not None:
            _serve(ready, channel, born_as)
        if profile is not None:
            profile.report()
    except KeyboardInterrupt:
        return 130
    finally:
        channel.close()
    return LOADING_FAILED if ready is None else 0


def _parse(arguments: "list[str]") -> "dict[str, str]":
    options = dict(zip(arguments[::2], arguments[1::2]))
    unknown = [name for name in options if name not in _OPTIONS]
    if unknown or len(arguments) % 2:
        sys.exit("unknown option: " + " ".join(unknown or arguments[-1:]))
    return options


def _profile_if_wanted(options: "dict[str, str]") -> "Profile | None":
    if "--profile" not in options:
        return None
    from .profiling import Profile  # noqa: PLC0415  # seldom wanted

    return Profile()


def _debugger_if_wanted(options: "dict[str, str]") -> "Callable[[BaseException], None] | None":
    if "--debug" not in options:
        return None
    from .debugging import post_mortem  # noqa: PLC0415  # seldom wanted

    return post_mortem


def _attach_debugger(
    options: "dict[str, str]", entry_script: str
) -> "Callable[[BaseException], None] | None":
    from .remote_debugging import wait_for_debugger  # noqa: PLC0415  # seldom wanted

    os.environ[VARIABLE] = _LONG_ENOUGH  # a person looks around in `run()`
    host = options.get("--debug-host", "127.0.0.1")
    return wait_for_debugger(host, int(options["--debug-port"]), entry_script)


def _limit(options: "dict[str, str]") -> None:
    memory, cpu = options.get("--max-memory"), options.get("--max-cpu")
    if memory or cpu:
        from .limits import limit_resources  # noqa: PLC0415  # seldom wanted

        limit_resources(int(memory) if memory else None, int(cpu) if cpu else None)


def _load(
    options: "dict[str, str]", channel: Channel, profile: "Profile | None"
) -> "caller.Caller | None":
    entry_script = os.path.abspath(options["--entry-script"])
    app_root = os.path.abspath(options.get("--app-root", "."))
    model_dir = options.get("--model-dir")
    if model_dir is not None:
        model_dir = os.path.abspath(model_dir)
    script.prepare_environment(entry_script, app_root, model_dir)
    standin.offer_modules()
    _show_logging()
    _limit(options)
    debug = _debugger_if_wanted(options)
    try:
        if "--debug-port" in options:
            debug = _attach_debugger(options, entry_script) or debug
    except OSError as error:
        channel.send({"loaded": False, "kind": "debugger", "failure": failure.describe(error)})
        return None
    try:
        ready = caller.Caller(
            entry_script,
            is_alone="--supervised" not in options,
            profile=profile,
            debug=debug,
        )
    except failure.ContractError as error:
        channel.send({"loaded": False, "kind": error.kind, "failure": failure.describe(error)})
        return None
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        if debug is not None:
            debug(error)
        kind = _kind_of(error, entry_script)
        told = {"kind": kind, "failure": failure.describe(error), "versions": _versions()}
        channel.send(dict(told, loaded=False))
        return None
    channel.send(dict(ready.describe(), loaded=True, sources=_sources(entry_script, app_root)))
    return ready


def _show_logging() -> None:
    """Show what the script logs from INFO on, unless it sets logging up itself.

    No handler is installed for that, so that the script's own `basicConfig` still counts.
    """
    last = logging.StreamHandler()
    last.setFormatter(logging.Formatter(_LOG_FORMAT))
    logging.lastResort = last
    logging.root.setLevel(logging.INFO)


def _kind_of(error: BaseException, entry_script: str) -> str:
    """Return `syntax` for a script that doesn't parse, else where it failed: `import`, `init`."""
    if isinstance(error, SyntaxError) and error.filename == entry_script:
        return "syntax"
    if isinstance(error, (SyntaxError, ValueError)) and "null byte" in str(error):
        return "syntax"  # the parser's own word for what is no text, in all versions
    place = error.__traceback__
    while place is not None:
        code = place.tb_frame.f_code
        if code.co_name == "<module>" and code.co_filename == entry_script:
            return "import"
        place = place.tb_next
    return "init" if script.ENTRY_MODULE in sys.modules else "import"


def _versions() -> "list[str]":
    """Return the versions of what models are pickled with, as far as it is imported."""
    found = [(name, getattr(sys.modules.get(name), "__version__", None)) for name in _PICKLED]
    return ["{} {}".format(name, version) for name, version in found if version]


def _sources(entry_script: str, app_root: str) -> "list[str]":
    """Return the files that the script's own modules were loaded from."""
    script_directory = os.path.dirname(entry_script)
    files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    own = (script_directory + os.sep, app_root + os.sep)
    return sorted(
        {
            path
            for path in files
            if path and path.startswith(own) and not path.startswith(sys.prefix + os.sep)
        }
    )


def _serve(ready: "caller.Caller", channel: Channel, born_as: int) -> None:
    while True:
        received = channel.receive()
        if received is None:
            return
        for header, body in ready.answer(*received):
            if os.getpid() != born_as:
                os._exit(0)  # the script forked, and this is the child: not its answer to give
            channel.send(header, body)
