"""The answers that Azure ML's own server gave to its recorded scripts."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from pythons import PYTHONS

from envsync.errors import EnvsyncError
from envsync.model.scoring import Answer, Interpreter, ScoringRequest, ScoringTarget
from envsync.score.session import score_requests

RECORDED = Path(__file__).resolve().parents[2] / ".." / "shared" / "oracle" / "scoring"
PYTHON = list(PYTHONS.values())[-1]

# What `score` can't be asked: these need HTTP, or packages that this Python may lack.
NOT_HERE = {
    "s06_return_numpy": "needs numpy",
    "s07_return_numpy_list": "needs numpy",
    "s19_request_headers": "is about HTTP",
    "s22_input_schema": "needs inference-schema",
    "s28_timeout": "is about the server's time limit",
    "s36_big_body": "has a body that the record shortens",
    "s37_request_id_headers": "is about HTTP",
    "s38_cors": "is about HTTP",
}
# The real server trips here, and envsync does better.
BETTER = {"s32_subdir_helper_fails", "s34_async_run"}


def load(folder: Path) -> dict[str, Any]:
    recorded: dict[str, Any] = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    return recorded


def ask(folder: Path, recorded: dict[str, Any]) -> list[tuple[Any, Answer]]:
    script = Path(recorded["args"][recorded["args"].index("--entry_script") + 1])
    target = ScoringTarget(
        interpreter=Interpreter(python=PYTHON),
        entry_script=folder / script,
        app_root=folder,
        model_dir=folder / "models" if (folder / "models").is_dir() else None,
    )
    posts = [one for one in recorded["responses"] if one["request"][:2] == ["POST", "/score"]]
    requests = [
        ScoringRequest(source=str(at), body=one["request"][2].encode("latin-1"))
        for at, one in enumerate(posts)
    ]
    answers = list(score_requests(target, requests, environ=os.environ))
    return list(zip(posts, answers, strict=True))


def folders() -> list[Path]:
    return sorted(path.parent for path in RECORDED.glob("*/expected.json"))


@pytest.mark.skipif(not folders(), reason="the recorded scripts are not beside this checkout")
@pytest.mark.parametrize("folder", folders(), ids=lambda folder: folder.name)
def test_a_recorded_script_answers_as_recorded(folder: Path) -> None:
    if folder.name in NOT_HERE:
        pytest.skip(NOT_HERE[folder.name])
    recorded = load(folder)
    if not recorded["came_up"] and folder.name not in BETTER:
        with pytest.raises(EnvsyncError):
            ask(folder, recorded)
        return
    for expected, answer in ask(folder, recorded):
        if folder.name in BETTER:
            assert answer.status == 200
        else:
            assert answer.status == expected["status"]
            assert body_of(folder, answer.body) == body_of(folder, expected["body"].encode())


def body_of(folder: Path, body: bytes) -> Any:
    """Return the body without what differs from machine to machine."""
    if folder.name == "s30_model_dir_env":
        return sorted(json.loads(body)[0].keys())
    return body
