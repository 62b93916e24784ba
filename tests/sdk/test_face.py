"""What `import envsync` hands on, and what it costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

import envsync
from envsync import sdk


def modules_after(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


def test_the_package_hands_on_what_the_face_offers() -> None:
    for name in sdk.__all__:
        assert getattr(envsync, name) is getattr(sdk, name)
        assert name in dir(envsync)


def test_a_star_import_takes_the_face_and_nothing_else() -> None:
    taken: dict[str, object] = {}
    exec("from envsync import *", taken)  # noqa: S102  # it can't stand in a function

    assert taken.keys() - {"__builtins__"} == set(sdk.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    for name in ("EnvironmentX", "environment", "_Environment"):
        with pytest.raises(AttributeError, match=f"module 'envsync' has no attribute '{name}'"):
            getattr(envsync, name)


@pytest.mark.parametrize("code", ["import envsync", "from envsync import process"])
def test_importing_the_package_or_a_room_imports_no_face(code: str) -> None:
    assert not {name for name in modules_after(code) if name.startswith("envsync.sdk")}


def test_the_face_imports_no_engine_and_no_command_line() -> None:
    loaded = modules_after("from envsync import Environment, CondaDependencies")

    assert not loaded & {"rattler", "conda_lock", "docker", "uv", "click", "rich", "asyncio"}
    assert not {name for name in loaded if name.startswith("envsync.cli")}
