from __future__ import annotations

import asyncio
import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from channel import CONDA_FORGE, build_channel, serve
from channel.wanted import to_specifier
from rattler import Client, Gateway, MatchSpec, RepoDataRecord, VirtualPackage, install, solve
from rattler.config import Config

if TYPE_CHECKING:
    from channel import Channel, Served

pytestmark = pytest.mark.e2e


async def _solve(served: Served, specs: list[str], cache: Path) -> list[RepoDataRecord]:
    gateway = Gateway.from_config(Config.from_toml(served.config), cache_dir=cache)
    return await solve(
        [CONDA_FORGE],
        [MatchSpec(spec) for spec in specs],
        gateway=gateway,
        platforms=["linux-64", "noarch"],
        virtual_packages=VirtualPackage.detect(),
    )


@pytest.fixture(scope="module")
def prefix(served_channel: Served, module_folder: Path, rattler_cache: Path) -> Path:
    specs = ["python", "scikit-learn", "pip", "six=1.16", "requests"]
    target = module_folder / "prefix"

    async def make() -> None:
        records = await _solve(served_channel, specs, module_folder / "repodata")
        client = Client.from_config(Config.from_toml(served_channel.config))
        await install(records, target, cache_dir=rattler_cache, client=client, show_progress=False)

    asyncio.run(make())
    return target


def _run(prefix: Path, code: str) -> str:
    command = [str(prefix / "bin/python"), "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={})
    assert done.stderr == ""
    return done.stdout


def test_records_keep_the_canonical_address(served_channel: Served, tmp_path: Path) -> None:
    records = asyncio.run(_solve(served_channel, ["python", "click"], tmp_path))

    assert {record.name.normalized for record in records} == {"python", "click"}
    assert all(record.url.startswith(CONDA_FORGE) for record in records)
    assert all(record.sha256 for record in records)


def test_an_older_version_can_be_asked_for(served_channel: Served, tmp_path: Path) -> None:
    records = asyncio.run(_solve(served_channel, ["six=1.16"], tmp_path))

    assert "1.16.0" in {str(record.version) for record in records}


def test_python_has_its_modules_and_its_site_packages(prefix: Path) -> None:
    code = "import bz2, ctypes, lzma, sqlite3, ssl, sysconfig; print(sysconfig.get_path('purelib'))"
    site_packages = Path(_run(prefix, code).strip())

    assert site_packages.parent.parent == prefix / "lib"
    assert site_packages.name == "site-packages"


def test_python_loads_only_libraries_of_its_prefix_and_glibc(prefix: Path) -> None:
    code = (
        "import bz2, ctypes, lzma, sqlite3, ssl, readline, scipy.linalg, sklearn.linear_model\n"
        "print(open('/proc/self/maps').read())"
    )
    loaded = {
        line.split(maxsplit=5)[5] for line in _run(prefix, code).splitlines() if ".so" in line
    }
    foreign = {Path(path).name for path in loaded if not path.startswith(str(prefix))}

    assert {name.split(".")[0].split("-")[0] for name in foreign} <= {
        *("ld", "libc", "libdl", "libm", "libpthread", "librt", "libutil"),
    }


def test_a_model_is_fitted(prefix: Path) -> None:
    code = (
        "from sklearn.linear_model import Ridge\n"
        "print(Ridge(alpha=0).fit([[0], [1]], [1, 3]).predict([[2]])[0].round(6))"
    )

    assert _run(prefix, code) == "5.0\n"


def test_scripts_name_the_prefix_they_are_installed_to(prefix: Path) -> None:
    pip = prefix / "bin/pip"
    first_line = pip.read_text(encoding="utf-8").splitlines()[0]
    done = subprocess.run(
        [str(pip), "list", "--format", "json"], capture_output=True, text=True, check=True, env={}
    )

    assert str(prefix) in first_line
    assert {"name": "six", "version": "1.16.0"} in json.loads(done.stdout)


def test_no_file_names_the_python_it_was_made_from(prefix: Path) -> None:
    build_record = next((prefix / "lib").glob("python*/_sysconfigdata*.py"))

    assert str(prefix) in build_record.read_text(encoding="utf-8")
    assert "placehold" not in build_record.read_text(encoding="utf-8")


def test_a_second_build_is_the_first(embedded_channel: Channel) -> None:
    again = build_channel(embedded_channel.path.parent)

    assert again == embedded_channel


def test_the_channel_says_that_it_stands_in(embedded_channel: Channel) -> None:
    facts = json.loads((embedded_channel.path / "channel.json").read_text(encoding="utf-8"))

    assert facts["notice"].startswith("This channel stands in for conda-forge")


def test_a_subdir_that_is_not_there_is_empty(served_channel: Served, tmp_path: Path) -> None:
    gateway = Gateway.from_config(Config.from_toml(served_channel.config), cache_dir=tmp_path)
    names = asyncio.run(gateway.names([CONDA_FORGE], ["win-64"]))

    assert names == []


def test_real_metadata_is_served_under_its_own_address(
    served_realchannel: Served, tmp_path: Path
) -> None:
    records = asyncio.run(_solve(served_realchannel, ["python=3.10", "numpy"], tmp_path))

    assert len(records) > 10
    assert all(record.url.startswith(CONDA_FORGE) for record in records)


def test_requests_are_recorded(tmp_path: Path) -> None:
    (tmp_path / "noarch").mkdir()
    with serve({CONDA_FORGE: tmp_path}) as served:
        gateway = Gateway.from_config(Config.from_toml(served.config), cache_dir=tmp_path / "cache")
        with pytest.raises(Exception, match="noarch"):
            asyncio.run(gateway.names([CONDA_FORGE], ["noarch"]))

    assert "/channel0/noarch/repodata.json" in served.requests


@pytest.mark.parametrize(
    ("conda", "index"),
    [
        ("=1.26", "==1.26.*"),
        ("1.26.*", "==1.26.*"),
        ("==1.26.4", "==1.26.4"),
        ("=1.26.4=py311_0", "==1.26.4.*"),
        (">=1.24,<2", ">=1.24,<2"),
        ("~=1.24", "~=1.24"),
        ("*", ""),
    ],
)
def test_conda_pins_become_index_pins(conda: str, index: str) -> None:
    assert to_specifier(conda) == index
