"""A private home for every test, and the channels and engines that some of them need."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from channel import CONDA_FORGE, Channel, Served, build_channel, default_cache, serve
from support.images.base_image import import_base, make_base_archive, why_not

from envsync.adapters import docker_engine as docker
from envsync.cli.terminal.remedies import word_remedy
from envsync.errors import EnvsyncError
from envsync.remedy import use_words

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

SHARED = Path(__file__).resolve().parents[2] / "shared"
NO_SHARED = "needs ../shared, which is not beside this checkout"
_WANT_OF_SHARED = re.compile(r"shared|corpus|recorded|beside this checkout")

# Taken before any test has a private home: what is costly to make or fetch outlives the tests.
_CACHE = default_cache()
_LEAKS = ("_PROXY", "CONDA_", "ENVSYNC_", "MAMBA_", "PIXI_", "RATTLER_", "UV_PROJECT", "XDG_")
_WEIGHTS = {"docker": 200, "e2e": 40, "slow": 20}  # of a test, where another weighs one
_KEPT = ("ENVSYNC_TEST_CACHE", "ENVSYNC_REQUIRE_ALL", "ENVSYNC_HOSTILE_EXAMPLES")

# A shell that starts the tests in the background, or `nohup`, has them and all they start ignore
# Ctrl-C or the end of the terminal.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

# Without bytecode every process that the tests start compiles all that it imports.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


@pytest.fixture(autouse=True)
def private_home(
    tmp_path_factory: pytest.TempPathFactory,
    rattler_cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Iterator[Path]:
    """Give the test a home of its own; its user's settings and files are out of sight.

    Proxies are kept for `e2e` tests, which may need them to reach an index. The home goes with
    the test: all of them would be some 10 GB.
    """
    home = tmp_path_factory.mktemp("home")
    needs_network = request.node.get_closest_marker("e2e") is not None
    for name in list(os.environ):
        is_proxy = name.upper().endswith("_PROXY")
        is_leak = is_proxy or name.startswith(_LEAKS)
        if is_leak and name not in _KEPT and not (is_proxy and needs_network):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("ENVSYNC_HOME", str(home / ".envsync"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / ".cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(home / ".local/share"))
    monkeypatch.setenv("RATTLER_CACHE_DIR", str(rattler_cache))
    monkeypatch.setenv("UV_CACHE_DIR", str(_CACHE / "uv"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    yield home
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(autouse=True)
def words_of_the_command_line() -> None:
    """Word remedies as the command line does, whatever a test before has imported."""
    use_words(word_remedy)


@pytest.fixture(scope="module")
def module_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a folder that the tests of one module share and that goes with them."""
    folder = tmp_path_factory.mktemp("module")
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def lasting_cache() -> Path:
    """Return the folder whose content outlives the tests: what is costly to make or fetch."""
    return _CACHE


@pytest.fixture(scope="session")
def rattler_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the package cache that the tests share; one that damages it makes its own."""
    return tmp_path_factory.mktemp("rattler-cache")


@pytest.fixture(scope="session")
def realchannel_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the cache of the tests that see the real channels."""
    return tmp_path_factory.mktemp("rattler-cache-real")


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the material that lies beside this checkout."""
    if not SHARED.is_dir():
        pytest.skip(NO_SHARED)
    return SHARED


@pytest.fixture(scope="session")
def embedded_channel() -> Channel:
    """Return the embedded channel as a folder."""
    return build_channel(_CACHE)


@pytest.fixture(scope="session")
def served_channel(embedded_channel: Channel) -> Iterator[Served]:
    """Serve the embedded channel in the place of conda-forge."""
    with serve({CONDA_FORGE: embedded_channel.path}) as served:
        yield served


@pytest.fixture
def channel(served_channel: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Served:
    """Let envsync take the embedded channel for conda-forge during this test."""
    _configure(served_channel, tmp_path, monkeypatch)
    return served_channel


@pytest.fixture(scope="session")
def served_realchannel(shared: Path) -> Iterator[Served]:
    """Serve the real channels' metadata, of which no archive can be had."""
    root = shared / "realchannel"
    folders = {
        CONDA_FORGE: root / "conda-forge",
        "https://repo.anaconda.com/pkgs/main/": root / "main",
        "https://repo.anaconda.com/pkgs/r/": None,
        "https://conda.anaconda.org/pytorch/": root / "pytorch",
    }
    with serve(folders) as served:
        yield served


@pytest.fixture
def realchannel(
    served_realchannel: Served,
    realchannel_cache: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Served:
    """Let envsync see the real channels' metadata during this test."""
    _configure(served_realchannel, tmp_path, monkeypatch)
    # The embedded channel has the same address, under which repodata is cached.
    monkeypatch.setenv("RATTLER_CACHE_DIR", str(realchannel_cache))
    return served_realchannel


@pytest.fixture(scope="session")
def docker_engine() -> Iterator[docker.DockerEngine]:
    """Return a connection to the Docker Engine of this machine."""
    with contextlib.ExitStack() as stack:
        try:
            engine = stack.enter_context(docker.connect())
        except EnvsyncError as error:
            pytest.skip(error.message)
        yield engine


@pytest.fixture(scope="session")
def base_image(docker_engine: docker.DockerEngine) -> str:
    """Return the name of an image in the engine that is a bare Debian and nothing else."""
    lack = why_not()
    if lack is not None:
        pytest.skip(lack)
    return import_base(docker_engine, make_base_archive(_CACHE))


def _configure(served: Served, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = directory / "envsync-config.toml"
    config.write_text(served.config, encoding="utf-8")
    monkeypatch.setenv("ENVSYNC_CONFIG", str(config))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take longest first, so that two processes end at about the same time."""
    weights: Counter[Path] = Counter()
    for item in items:
        weights[item.path] += max(
            (weight for name, weight in _WEIGHTS.items() if item.get_closest_marker(name)),
            default=1,
        )
    items.sort(key=lambda item: -weights[item.path])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where everything must run, fail what would have been skipped."""
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Do the same for modules that skip themselves."""
    report = yield
    _refuse_skip(report)
    return report


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if not report.skipped or hasattr(report, "wasxfail") or not _must_run_all():
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    if not SHARED.is_dir() and _WANT_OF_SHARED.search(reason):
        return
    report.outcome = "failed"
    report.longrepr = f"skipped where nothing may be: {reason}"


def _must_run_all() -> bool:
    return any(
        os.environ.get(name, "").lower() in {"1", "true"} for name in ("CI", "ENVSYNC_REQUIRE_ALL")
    )
