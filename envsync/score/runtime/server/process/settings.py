"""What the server was told: by its command line, and by the variables that Azure ML reads."""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Mapping

MEBIBYTE = 1024 * 1024


class UsageError(Exception):
    """The command line says something that can't be."""


class Settings:
    """The options of the server, checked; see `_OPTIONS` for their names and defaults."""

    def __init__(self, arguments: "list[str]", environ: "Mapping[str, str]") -> None:
        given = _parse(arguments)
        self.entry_script = os.path.abspath(given["entry-script"])
        self.app_root = os.path.abspath(given["app-root"])
        self.model_dir = os.path.abspath(given["model-dir"]) if given["model-dir"] else ""
        self.host = given["host"]
        self.port = _number(given, "port", 0, 65535)
        given["workers"] = given["workers"] or environ.get("WORKER_COUNT", "1")
        self.workers = _number(given, "workers", 1, 512)
        self.debug_port = _number(given, "debug-port", 0, 65535)
        self.debug_host = given["debug-host"]
        if self.debug_port and (self.workers > 1 or given["reload"] == "yes"):
            raise UsageError("--debug-port is for one worker, without --reload")
        self.max_body = _number(given, "max-body", 1, 4095) * MEBIBYTE
        self.grace = _number(given, "grace", 0, 86400)
        self.reload = given["reload"] == "yes"
        self.access_log = given["access-log"] == "yes"
        self.show_errors = given["show-errors"] == "yes"
        self.lock_digest = given["lock-digest"]
        self.hosts = _words(given["hosts"])
        self.ends_at_hang_up = given["hang-up"] == "stop"
        self.control = given["control"]
        self.take_over = given["take-over"]
        self.version = given["version"]
        if environ.get("SERVER_VERSION_LOG_RESPONSE_ENABLED", "").lower() == "false":
            self.version = ""
        self.cors_origins = _words(environ.get("AML_CORS_ORIGINS", ""))
        self.service_name = environ.get("SERVICE_NAME", "ML service")
        self.service_version = environ.get("SERVICE_VERSION", "1.0")
        self.service_path_prefix = environ.get("SERVICE_PATH_PREFIX", "").strip("/")


_OPTIONS = {
    "entry-script": "score.py",
    "app-root": ".",
    "model-dir": "",
    "host": "localhost",
    "port": "6789",
    "workers": "",
    "max-body": "128",
    "grace": "30",
    "reload": "no",
    "access-log": "yes",
    "show-errors": "no",
    "debug-host": "127.0.0.1",
    "debug-port": "0",
    "hosts": "*",
    "hang-up": "reload",
    "control": "",
    "take-over": "",
    "lock-digest": "",
    "version": "envsync/0",
}


def _parse(arguments: "list[str]") -> "dict[str, str]":
    given = dict(_OPTIONS)
    for name, value in zip(arguments[::2], arguments[1::2]):
        if not name.startswith("--") or name[2:] not in given:
            raise UsageError("No such option: {}".format(name))
        given[name[2:]] = value
    if len(arguments) % 2:
        raise UsageError("Option {} needs a value".format(arguments[-1]))
    return given


def _number(given: "dict[str, str]", name: str, least: int, most: int) -> int:
    text = given[name]
    if not text.isdigit() or not least <= int(text) <= most:
        message = "`{}` for --{} is no number from {} to {}".format(text, name, least, most)
        raise UsageError(message)
    return int(text)


def _words(text: str) -> "tuple[str, ...]":
    return tuple(word.strip() for word in text.split(",") if word.strip())
