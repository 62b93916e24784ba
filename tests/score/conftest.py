"""Entry scripts written on the spot, and the Pythons that run them."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Callable
from pathlib import Path  # noqa: TC003  # pytest reads the annotations

import pytest
from channel import default_cache
from support.pythons import PYTHONS
from support.scoring_python import make_scoring_python

from envsync.model.scoring.target import Answer, Interpreter, ScoringRequest, ScoringTarget
from envsync.score.session import score_requests

# Taken before a test has a home of its own.
_CACHE = default_cache()

Ask = Callable[..., tuple[Answer, ...]]


_BETWEEN = list(PYTHONS)[1:-1]


@pytest.fixture(
    params=[
        pytest.param(path, id=version, marks=[pytest.mark.slow] * (version in _BETWEEN))
        for version, path in PYTHONS.items()
    ]
)
def any_python(request: pytest.FixtureRequest) -> Path:
    """Run the test once for each Python that the machine has; only the ends are quick together."""
    path: Path = request.param
    return path


@pytest.fixture
def python() -> Path:
    """Give one Python, where the version makes no difference."""
    return next(iter(reversed(PYTHONS.values())))


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """Give a function that runs requests through a script, in a child of the given Python."""

    def _ask(
        python: Path, script: str, *bodies: bytes | str, model_dir: Path | None = None
    ) -> tuple[Answer, ...]:
        path = tmp_path / "score.py"
        path.write_text(textwrap.dedent(script), encoding="utf-8")
        target = ScoringTarget(
            interpreter=Interpreter(python=python),
            entry_script=path,
            app_root=tmp_path,
            model_dir=model_dir,
        )
        requests = [
            ScoringRequest(source=f"request {at}", body=_as_bytes(body))
            for at, body in enumerate(bodies)
        ]
        return tuple(score_requests(target, requests, environ=os.environ))

    return _ask


def _as_bytes(body: bytes | str) -> bytes:
    return body if isinstance(body, bytes) else body.encode("utf-8")


@pytest.fixture(scope="session")
def scoring_python() -> Path:
    """Give a Python with numpy, pandas, scikit-learn and inference-schema."""
    return make_scoring_python(_CACHE)
