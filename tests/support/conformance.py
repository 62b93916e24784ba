"""The black-box cases that were recorded from Azure ML's own server, and where envsync differs."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

SUITE = Path(__file__).resolve().parents[2] / ".." / "shared" / "conformance"
FAILED = "unexpected error occurred in scoring script"

# Where envsync answers otherwise, on purpose: the reason, and what it answers.
DEVIATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "returns_np/ndarray": ("documented", {"status": 200, "body_json": [1, 2]}),
    "returns_np/ndarray_in_dict": ("documented", {"status": 200, "body_json": {"result": [1.0]}}),
    "returns_np/float32": ("documented", {"status": 200, "body_json": 1.5}),
    "returns_np/dataframe": ("documented", {"status": 200, "body_json": [{"a": 1}, {"a": 2}]}),
    "schema_output_df/documented-but-500": (
        "documented: a DataFrame under @output_schema",
        {"status": 200, "body_json": [{"a1": 1, "a2": 2}, {"a1": 2, "a2": 3}]},
    ),
    "returns/tojson": ("documented", {"status": 200, "body_json": {"from": "toJSON"}}),
    "returns/to_json": (
        "the same promise in Python's spelling",
        {"status": 200, "body_json": {"from": "to_json"}},
    ),
    "crash/hard-exit-drops-the-connection": (
        "every request gets one answer",
        {"status": 500, "headers": {"x-ms-run-function-failed": "True"}, "body_regex": FAILED},
    ),
    "sysexit/sys-exit-is-html-500": (
        "JSON with identifiers, as for any other failure",
        {"status": 500, "headers": {"x-ms-run-function-failed": "True"}, "body_regex": FAILED},
    ),
    "raises/timeout_error": (
        "a socket's timeout is not the scoring timeout",
        {"status": 500, "body_regex": FAILED},
    ),
    "timeout_swallowed/except-exception-hides-it": (
        "the limit holds whatever the script catches",
        {"status": 500, "body_json": {"message": "Scoring timeout after 300 ms"}},
    ),
    "async_run/coroutine-is-500": ("awaited", {"status": 200, "body_json": {"ok": True}}),
    "schema_numpy/invalid-utf8-500": ("the client is at fault", {"status": 400}),
    "echo/form-urlencoded-becomes-empty": (
        "plain `curl -d` sends this type",
        {"status": 200, "body_json": '{"data":1}'},
    ),
    "echo/score-put-405-no-allow": (
        "RFC 9110 wants an Allow header",
        {"status": 405, "headers": {"Allow": {"set": ["GET", "OPTIONS", "POST"]}}},
    ),
    "echo/connection-close": (
        "connections are kept",
        {"status": 200, "headers": {"Connection": "keep-alive"}},
    ),
    "echo/init-log-and-run-log": (
        "what the script prints stays as it is",
        {"status": 200, "log_regex": ["^echo-run-marker$"]},
    ),
    "user_logging/info-lost": (
        "what the script logs is shown",
        {"status": 200, "log_regex": ["user-info-marker"]},
    ),
    "env/identity": (
        "in sys.modules, so that pickles and dataclasses work",
        {
            "status": 200,
            "body_json": {"name": "entry_module", "file": "env.py", "in_sys_modules": True},
        },
    ),
    "own_dataclass/startup": ("the script is in sys.modules", {"startup": "ok"}),
    "own_pickle/startup": ("the script is in sys.modules", {"startup": "ok"}),
    "sibling_elsewhere/startup": ("modules beside the script are found", {"startup": "ok"}),
    "config_json_broken/startup": ("a stray config.json is left alone", {"startup": "ok"}),
    "config_json/timeout-from-config-json": (
        "a stray config.json is left alone",
        {"status": 200, "body_json": "slept"},
    ),
}
# The other server's name, and the form of its log.
NOT_OURS = ("echo/log-timestamp-format",)


def make_suite(folder: Path, python: Path) -> Path:
    """Copy the suite into *folder*, train its models with *python*, write our deviations down."""
    copy = folder / "conformance"
    shutil.copytree(SUITE, copy)
    subprocess.run([python, copy / "train_models.py"], check=True, capture_output=True)
    overrides = {name: expected for name, (_, expected) in DEVIATIONS.items()}
    (copy / "deviations.json").write_text(json.dumps(overrides))
    return copy


def read_failures(found: Path, fewest: int) -> dict[str, list[str]]:
    """Return the errors of the cases that failed, where at least *fewest* ran."""
    cases: list[dict[str, Any]] = json.loads(found.read_text())
    assert len(cases) >= fewest
    wrong = {case["name"]: case["errors"] for case in cases if not case["ok"]}
    return {name: why for name, why in wrong.items() if name not in NOT_OURS}
