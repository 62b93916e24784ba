"""Wheels whose hash is right and whose content is hostile: nothing outside is touched."""

from __future__ import annotations

import contextlib
import stat
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest
from support.fakes import pip_request
from support.wheels import make_wheel

from envsync.adapters.git import GitRepositories
from envsync.adapters.uv import PipOrigin, UvInstaller, UvSolver, UvUnpacker
from envsync.errors import EnvsyncError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from envsync.model.lockfile import LockedPackage

pytestmark = pytest.mark.slow

DATA = "bad-1.0.data"
INFO = "bad-1.0.dist-info"
UP = "../" * 12
SECRET = "the secret of another"  # noqa: S105  # planted


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    folder = tmp_path / "victim"
    folder.mkdir()
    (folder / "secret").write_text(SECRET)
    return folder


@pytest.fixture
def lock(tmp_path: Path) -> Callable[[], Sequence[LockedPackage]]:
    (tmp_path / "wheels").mkdir()

    def run() -> Sequence[LockedPackage]:
        options = ("--no-index", f"--find-links {tmp_path / 'wheels'}")
        request = pip_request(tmp_path, "bad", options=options)
        return UvSolver(GitRepositories(tmp_path / "git")).solve(request)

    return run


def make_environment(path: Path) -> Path:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", path], check=True)
    return path / "bin" / "python"


def install(tmp_path: Path, packages: Sequence[LockedPackage], *, way: str) -> None:
    """Install *packages* into a prefix, or unpack them as for an image."""
    repositories, origin = GitRepositories(tmp_path / "git"), PipOrigin(directory=tmp_path)
    if way == "prefix":
        python = make_environment(tmp_path / "env")
        UvInstaller(repositories, origin).install(packages, python=python)
    else:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        unpacker = UvUnpacker(repositories, origin)
        unpacker.unpack(packages, target=tmp_path / "env", python_version=version)


@pytest.mark.parametrize("way", ["prefix", "image"])
@pytest.mark.parametrize(
    "name",
    [
        UP + "{victim}/new",
        "/{victim}/new",
        f"{DATA}/scripts/{UP}{{victim}}/new",
        f"{DATA}/data/{UP}{{victim}}/new",
        f"{DATA}/headers/{UP}{{victim}}/new",
        f"{DATA}/purelib/{UP}{{victim}}/new",
        f"{DATA}/scripts/python",
        f"{DATA}/data/bin/python",
        f"{DATA}/data/pyvenv.cfg",
        f"{DATA}/data/conda-meta/forged-1.0-0.json",
    ],
)
def test_a_wheel_writes_nothing_outside_and_nothing_of_the_environment_itself(
    tmp_path: Path,
    victim: Path,
    lock: Callable[[], Sequence[LockedPackage]],
    name: str,
    way: str,
) -> None:
    path = name.format(victim=str(victim).lstrip("/"))
    make_wheel(tmp_path / "wheels", "bad", "1.0", more={path: "{}"})

    is_outside = "new" in name  # which uv leaves out, or refuses
    with contextlib.suppress(EnvsyncError) if is_outside else pytest.raises(EnvsyncError):
        install(tmp_path, lock(), way=way)

    assert [each.name for each in victim.iterdir()] == ["secret"]
    assert (victim / "secret").read_text() == SECRET


@pytest.mark.parametrize("way", ["prefix", "image"])
@pytest.mark.parametrize("command", ["{up}{victim}/new", "python", "../lib/x", "/{victim}/new"])
def test_a_console_script_lies_in_its_folder(
    tmp_path: Path,
    victim: Path,
    lock: Callable[[], Sequence[LockedPackage]],
    command: str,
    way: str,
) -> None:
    name = command.format(up=UP, victim=str(victim).lstrip("/"))
    text = f"[console_scripts]\n{name} = bad:main\n"
    make_wheel(tmp_path / "wheels", "bad", "1.0", more={f"{INFO}/entry_points.txt": text})

    with pytest.raises(EnvsyncError):
        install(tmp_path, lock(), way=way)

    assert [each.name for each in victim.iterdir()] == ["secret"]


@pytest.mark.parametrize("way", ["prefix", "image"])
def test_a_link_in_a_wheel_leads_nowhere(
    tmp_path: Path, victim: Path, lock: Callable[[], Sequence[LockedPackage]], way: str
) -> None:
    wheel = make_wheel(tmp_path / "wheels", "bad", "1.0")
    with zipfile.ZipFile(wheel, "a") as archive:
        link = zipfile.ZipInfo("bad_link.py")
        link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, str(victim / "secret"))

    install(tmp_path, lock(), way=way)

    (made,) = (tmp_path / "env" / "lib").glob("python*/site-packages/bad_link.py")
    assert not made.is_symlink()
    assert SECRET not in made.read_text()


@pytest.mark.parametrize("row", ["{up}{victim}/secret", "/{victim}/secret", "linked/secret"])
def test_what_an_earlier_package_claims_outside_is_not_removed(
    tmp_path: Path, victim: Path, lock: Callable[[], Sequence[LockedPackage]], row: str
) -> None:
    make_wheel(tmp_path / "wheels", "bad", "1.0")
    python = make_environment(tmp_path / "env")
    (modules,) = (tmp_path / "env" / "lib").glob("python*/site-packages")
    (modules / "linked").symlink_to(victim)
    (modules / "bad-0.9.dist-info").mkdir()
    (modules / "bad-0.9.dist-info" / "METADATA").write_text("Name: bad\nVersion: 0.9\n")
    name = row.format(up=UP, victim=str(victim).lstrip("/"))
    (modules / "bad-0.9.dist-info" / "RECORD").write_text(f"{name},,\nbad-0.9.dist-info/RECORD,,\n")
    installer = UvInstaller(GitRepositories(tmp_path / "git"), PipOrigin(directory=tmp_path))

    with pytest.raises(EnvsyncError, match=r"pip package `bad` claims `.*outside of its env"):
        installer.install(lock(), python=python)

    assert (victim / "secret").read_text() == SECRET
