"""The recorded scripts, served: every request of theirs, with its status, headers and body."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from support.served import serve_script

RECORDED = Path(__file__).resolve().parents[2] / ".." / "shared" / "oracle" / "scoring"
RECORDED_LENGTH = 1500  # longer bodies are shortened in the record
HEADERS = ("content-type", "x-ms-run-function-failed")

# Where envsync does better, or the record can't be replayed.
OTHERWISE = {
    "s06_return_numpy": "numpy's arrays are JSON here",
    "s30_model_dir_env": "shows paths and variables of its own machine",
    "s32_subdir_helper_fails": "modules beside the script are found here",
    "s34_async_run": "awaited here",
    "s36_big_body": "has a body that the record shortens",
}


def folders() -> list[Path]:
    return sorted(path.parent for path in RECORDED.glob("*/expected.json"))


@pytest.mark.e2e
@pytest.mark.skipif(not folders(), reason="the recorded scripts are not beside this checkout")
@pytest.mark.parametrize(
    "folder",
    [folder for folder in folders() if folder.name not in OTHERWISE],
    ids=lambda folder: folder.name,
)
def test_a_recorded_script_is_served_as_recorded(
    folder: Path, scoring_python: Path, tmp_path: Path
) -> None:
    recorded = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    work = tmp_path / "work"
    shutil.copytree(folder, work)
    script = (work / "score.py").read_text(encoding="utf-8")
    came_up = recorded["came_up"]
    with serve_script(
        scoring_python, work, script, environ=recorded["env"], is_ready=came_up
    ) as served:
        if not came_up:
            assert served.process.wait(30) in {1, 2}
            return
        for expected in recorded["responses"]:
            method, path, body, headers = expected["request"]
            data = None if body is None else body.encode("latin-1")
            reply = served.ask(method, path.replace(" ", "%20"), data, headers)
            found = {name.lower(): value for name, value in reply.headers.items()}
            assert reply.status == expected["status"]
            assert reply.body.decode()[:RECORDED_LENGTH] == expected["body"]
            assert picked(found, expected) == picked(expected["headers"], expected)


def picked(headers: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    """Return the headers that have to be the same, of those that were recorded."""
    return {name: headers.get(name) for name in HEADERS if name in expected["headers"]}
