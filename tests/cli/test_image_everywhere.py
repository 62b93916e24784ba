"""The same lock comes to the same image, whoever makes it, and wherever."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.images.images import print_id, read_layout
from support.pythons import PYTHONS
from uv import find_uv_bin

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from conftest import Done

pytestmark = pytest.mark.e2e

_CHECKOUT = Path(__file__).resolve().parents[2]
_NOBODY = 65534
_OTHERS = [it for it in PYTHONS if int(it.partition(".")[2]) >= 10]
_BUILD = ("-m", "envsync", "build-local", "d", "--base", "base.tar", "--print-id")
_OUT = ("--output", "made/image.tar", "--oci", "made/layout")


@pytest.fixture
def make_elsewhere(locked: Callable[..., Done], tmp_path: Path) -> Callable[..., tuple[str, str]]:
    """Return what makes the image with nothing of this user's, and tells its id and its bytes."""
    del locked

    def make(
        python: str, *, environ: dict[str, str] | None = None, before: Sequence[str] = ()
    ) -> tuple[str, str]:
        home = tmp_path / "some where"
        shutil.rmtree(tmp_path / "made", ignore_errors=True)
        shutil.rmtree(home, ignore_errors=True)
        for folder in (home, tmp_path / "made"):
            folder.mkdir()
            if os.geteuid() == 0:
                os.chown(folder, _NOBODY, _NOBODY)
        own = {"HOME": str(home), "ENVSYNC_HOME": f"{home}/envsync", "TMPDIR": str(home)}
        own |= {"RATTLER_CACHE_DIR": f"{home}/packages", "UV_CACHE_DIR": f"{home}/uv"}
        own |= {"PYTHONPATH": str(_CHECKOUT), "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            [*before, python, *_BUILD, *_OUT],
            cwd=tmp_path,
            env={**os.environ, **own, **(environ or {})},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        _, config = read_layout(tmp_path / "made/layout")
        assert f"sha256:{_hash_json(config)}" == done.stdout.strip()
        image = (tmp_path / "made/image.tar").read_bytes()
        return done.stdout.strip(), hashlib.sha256(image).hexdigest()

    return make


@pytest.fixture
def expected(locked: Callable[..., Done], tmp_path: Path) -> tuple[str, str]:
    known = print_id(locked, "--output", "here.tar")
    return known, hashlib.sha256((tmp_path / "here.tar").read_bytes()).hexdigest()


@pytest.mark.parametrize("version", _OTHERS)
def test_another_python_makes_the_same_image(
    version: str,
    make_elsewhere: Callable[..., tuple[str, str]],
    expected: tuple[str, str],
    lasting_cache: Path,
) -> None:
    python = _make_venv(version, lasting_cache)

    assert make_elsewhere(python) == expected


@pytest.mark.parametrize(
    ("umask", "environ"),
    [
        ("0077", {"TZ": "Asia/Kathmandu", "LC_ALL": "C", "LANG": "C"}),
        ("0000", {"TZ": "America/St_Johns", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "7"}),
        ("0027", {"TZ": "UTC", "LC_ALL": "POSIX", "PYTHONUTF8": "0", "USER": "other"}),
    ],
    ids=["Nepal", "Newfoundland", "POSIX"],
)
def test_other_umasks_locales_and_time_zones_make_the_same_image(
    umask: str,
    environ: dict[str, str],
    make_elsewhere: Callable[..., tuple[str, str]],
    expected: tuple[str, str],
) -> None:
    before = ("bash", "-c", f'umask {umask}; exec "$@"', "bash")

    assert make_elsewhere(sys.executable, environ=environ, before=before) == expected


def test_another_user_makes_the_same_image(
    make_elsewhere: Callable[..., tuple[str, str]], expected: tuple[str, str], tmp_path: Path
) -> None:
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("needs root and setpriv")
    tmp_path.chmod(0o755)
    # Nobody, who may read what only root can: this Python, and what lies above the test's folder.
    before = ["setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups"]
    before += ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]

    assert make_elsewhere(sys.executable, before=before) == expected
    assert (tmp_path / "made/image.tar").stat().st_uid == _NOBODY


def _make_venv(version: str, cache: Path) -> str:
    """Return a Python *version* that has what envsync depends on, and not envsync."""
    project = tomllib.loads((_CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]
    needed = project["dependencies"]
    told = hashlib.sha256(json.dumps([str(PYTHONS[version]), needed]).encode()).hexdigest()
    venv = cache / f"venv-compiled-{version}-{told[:12]}"
    python = venv / "bin/python"
    if not (venv / "whole").exists():
        made = [find_uv_bin(), "venv", "--clear", "--python", str(PYTHONS[version]), str(venv)]
        subprocess.run(made, check=True, capture_output=True)
        install = [find_uv_bin(), "pip", "install", "--compile-bytecode", "--python", str(python)]
        subprocess.run([*install, *needed], check=True, capture_output=True)
        (venv / "whole").touch()
    return str(python)


def _hash_json(value: object) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
