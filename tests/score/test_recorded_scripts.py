"""The answers that Azure ML's own server gave to its recorded scripts."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from envsync.errors import EnvsyncError
from envsync.model.scoring.target import Answer, Interpreter, ScoringRequest, ScoringTarget
from envsync.score.session import score_requests

RECORDED = Path(__file__).resolve().parents[2] / ".." / "shared" / "oracle" / "scoring"

# What `score` can't be asked; the server's tests ask it.
ABOUT_HTTP = {
    "s19_request_headers",
    "s22_input_schema",  # which also looks at the content type
    "s28_timeout",
    "s36_big_body",
    "s37_request_id_headers",
    "s38_cors",
}
# The real server trips here, and envsync does better.
BETTER = {
    "s06_return_numpy",
    "s07_return_numpy_list",
    "s32_subdir_helper_fails",
    "s34_async_run",
}


def load(folder: Path) -> dict[str, Any]:
    recorded: dict[str, Any] = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    return recorded


def ask(folder: Path, recorded: dict[str, Any], python: Path) -> list[tuple[Any, Answer]]:
    script = Path(recorded["args"][recorded["args"].index("--entry_script") + 1])
    target = ScoringTarget(
        interpreter=Interpreter(python=python),
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
    return sorted(
        path.parent
        for path in RECORDED.glob("*/expected.json")
        if path.parent.name not in ABOUT_HTTP
    )


@pytest.mark.skipif(not folders(), reason="the recorded scripts are not beside this checkout")
@pytest.mark.parametrize("folder", folders(), ids=lambda folder: folder.name)
@pytest.mark.e2e
def test_a_recorded_script_answers_as_recorded(folder: Path, scoring_python: Path) -> None:
    recorded = load(folder)
    if not recorded["came_up"] and folder.name not in BETTER:
        with pytest.raises(EnvsyncError):
            ask(folder, recorded, scoring_python)
        return
    for expected, answer in ask(folder, recorded, scoring_python):
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
