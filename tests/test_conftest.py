from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

TESTS = Path(__file__).resolve().parent
PASSES = "def test_it(): pass"
SKIPS = "import pytest\ndef test_it(): pytest.skip('needs a daemon')"
SKIPS_AS_A_MODULE = "import pytest\npytest.skip('needs a daemon', allow_module_level=True)"
FAILS_AS_EXPECTED = "import pytest\n@pytest.mark.xfail\ndef test_it(): assert False"


def _run_pytest(path: Path, code: str, **environ: str) -> tuple[int, str]:
    path.write_text(code, encoding="utf-8")
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in {"CI", "ENVSYNC_REQUIRE_ALL"} and not name.startswith("PYTEST")
    }
    options = ["-p", "conftest", "-p", "no:cacheprovider", "--rootdir", str(path.parent), "-q"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(path)],
        cwd=path.parent,
        env={**inherited, **environ, "PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("code", [SKIPS, SKIPS_AS_A_MODULE])
@pytest.mark.parametrize("name", ["CI", "ENVSYNC_REQUIRE_ALL"])
def test_where_all_must_run_a_skip_is_a_failure(tmp_path: Path, code: str, name: str) -> None:
    status, output = _run_pytest(tmp_path / "test_x.py", code, **{name: "true"})

    assert status != 0
    assert "skipped where nothing may be" in output
    assert "needs a daemon" in output


@pytest.mark.parametrize("code", [PASSES, FAILS_AS_EXPECTED])
def test_where_all_must_run_other_outcomes_stand(tmp_path: Path, code: str) -> None:
    status, output = _run_pytest(tmp_path / "test_x.py", code, CI="true")

    assert status == 0, output


def test_elsewhere_a_skip_is_a_skip(tmp_path: Path) -> None:
    status, output = _run_pytest(tmp_path / "test_x.py", SKIPS)

    assert status == 0
    assert "1 skipped" in output


def test_a_test_has_a_home_of_its_own(private_home: Path) -> None:
    assert Path.home() == private_home
    assert list(private_home.iterdir()) == []
    assert os.environ["ENVSYNC_HOME"].startswith(str(private_home))
    assert "ENVSYNC_CONFIG" not in os.environ
