"""The way in: `<python> -B <this file> worker|serve ...`, whatever the environment holds.

The runtime's modules are loaded as a package under a name of their own, so that they neither
shadow a module of the entry script's nor are shadowed by one.
"""

import os
import sys
import types

PACKAGE = "_envsync_runtime"
FACES = {"worker": "script.worker", "serve": "server.serve"}


def _open_package() -> None:
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or ".") != here]
    package = types.ModuleType(PACKAGE, "The runtime of envsync.")
    package.__path__ = [here]
    sys.modules[PACKAGE] = package


def _main() -> int:
    _open_package()
    face = sys.argv[1] if len(sys.argv) > 1 else ""
    if face not in FACES:
        sys.stderr.write("usage: python -B {} {}\n".format(__file__, "|".join(FACES)))
        return 2
    # Bytecode of these modules is kept, as of any package: an interpreter of another release than
    # envsync's would else compile them at each start. What `-B` says is for the entry script, and
    # for the environment, if its own library came without bytecode.
    is_kept = not os.environ.get("PYTHONDONTWRITEBYTECODE")
    sys.dont_write_bytecode = not (is_kept and os.path.exists(getattr(types, "__cached__", "")))
    module = __import__(PACKAGE + "." + FACES[face], fromlist=["main"])
    if face != "worker":
        return int(module.main(sys.argv[2:]))
    sys.dont_write_bytecode = True
    status = int(module.main(sys.argv[2:]))
    _leave(status)
    return status


def _leave(status: int) -> None:
    """End the process as it would end, but for taking apart what the script has loaded.

    That may take longer than all of its answers: a tenth of a second for scikit-learn.
    """
    import atexit  # noqa: PLC0415  # only here

    try:
        if "threading" in sys.modules:
            sys.modules["threading"]._shutdown()  # noqa: SLF001  # it waits for threads
        atexit._run_exitfuncs()  # noqa: SLF001
        sys.stdout.flush()
        sys.stderr.flush()
    except (Exception, KeyboardInterrupt):  # noqa: BLE001  # whatever the script left behind
        return  # then by the usual way
    os._exit(status)


if __name__ == "__main__":
    sys.exit(_main())
elif __name__ == "__mp_main__":
    # A child that multiprocessing spawned: it has to find the entry script's own functions.
    _open_package()
    __import__(PACKAGE + ".script.script", fromlist=["offer_entry_module"]).offer_entry_module()
