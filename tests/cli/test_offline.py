"""Environments made without a network: from the caches, or not at all and with names."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from channel import Channel
    from conftest import Done

pytestmark = pytest.mark.e2e


@pytest.fixture
def without_network(
    locked: Callable[..., Done], monkeypatch: pytest.MonkeyPatch, empty_caches: None
) -> Callable[..., Done]:
    """Return `envsync` with a locked definition and empty caches, and nobody who would answer."""
    del empty_caches

    def cut() -> None:
        monkeypatch.delenv("ENVSYNC_CONFIG")
        for name in ("http_proxy", "https_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:1")

    locked.cut = cut  # type: ignore[attr-defined]
    return locked


def test_what_is_cached_is_enough(without_network: Callable[..., Done], tmp_path: Path) -> None:
    assert without_network("build-local", "d", "-p", "one").status == 0
    without_network.cut()  # type: ignore[attr-defined]

    done = without_network("build-local", "d", "-p", "two", "--offline")

    assert done.status == 0, done
    assert (tmp_path / "two" / "bin" / "python").exists()


def test_conda_packages_that_are_not_cached_are_named(
    without_network: Callable[..., Done], tmp_path: Path
) -> None:
    without_network.cut()  # type: ignore[attr-defined]

    done = without_network("build-local", "d", "-p", "env", "--offline")

    assert (done.status, done.stdout) == (1, "")
    error, hint = done.stderr.splitlines()[-2:]
    assert "`six 1.17.0`" in error
    assert error.endswith(f"not in the cache `{tmp_path / 'rattler' / 'pkgs'}`")
    assert hint == "Hint: run it once without `--offline`"
    assert not (tmp_path / "env").exists()


def test_a_cached_package_of_another_archive_does_not_do(
    without_network: Callable[..., Done], tmp_path: Path
) -> None:
    assert without_network("build-local", "d", "-p", "one").status == 0
    lock = tmp_path / "d" / "conda-lock.yml"
    text = lock.read_text()
    start = text.index("- name: six")
    digests = text.index("sha256: ", start) + len("sha256: ")
    lock.write_text(text[:digests] + "0" * 64 + text[digests + 64 :])
    without_network.cut()  # type: ignore[attr-defined]

    done = without_network("build-local", "d", "-p", "two", "--offline")

    assert done.status == 1
    assert "Error: `six 1.17.0` in the cache is not the archive that was locked" in done.stderr


def test_pip_packages_that_are_not_cached_are_named(
    without_network: Callable[..., Done], tmp_path: Path
) -> None:
    assert without_network("build-local", "d", "-p", "one").status == 0
    shutil.rmtree(tmp_path / "uv")
    without_network.cut()  # type: ignore[attr-defined]

    done = without_network("build-local", "d", "-p", "two", "--offline")

    assert done.status == 1
    assert "Error: Cannot install the pip packages\n" in done.stderr
    assert "idna" in done.stderr
    assert done.stderr.endswith("Hint: run it once without `--offline`\n")
    assert not (tmp_path / "two").exists()


@pytest.mark.parametrize("other", ["--reinstall", "--docker"])
def test_what_needs_a_network_is_refused_beside_it(
    envsync: Callable[..., Done], other: str
) -> None:
    assert envsync("build-local", "--offline", other).status == 2


@pytest.mark.usefixtures("empty_caches")
def test_a_lock_that_needs_what_is_not_cached_says_what_to_do(
    envsync: Callable[..., Done],
    define: Callable[..., Path],
) -> None:
    define("python")

    done = envsync("lock", "d", "--offline")

    assert done.status == 1
    assert "Error: Cannot read channel `conda-forge` (" in done.stderr
    assert done.stderr.endswith("\nHint: run it once without `--offline`\n")


@pytest.mark.usefixtures("empty_caches")
def test_a_channel_of_files_needs_no_network_and_an_index_does(
    envsync: Callable[..., Done],
    define: Callable[..., Path],
    embedded_channel: Channel,
) -> None:
    definition = define("python") / "conda_dependencies.yml"
    definition.write_text(
        f"channels:\n- {embedded_channel.path.as_uri()}\ndependencies:\n- python\n"
    )

    assert envsync("lock", "d", "--offline").status == 0
    definition.write_text(f"{definition.read_text()}- pip:\n  - idna==3.10\n")
    done = envsync("lock", "d", "--offline")

    assert done.status == 1
    assert "idna was not found in the cache" in done.stderr
    assert done.stderr.endswith("\nHint: run it once without `--offline`\n")
