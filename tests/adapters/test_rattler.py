import json
import os
import shutil
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest
from channel import CONDA_FORGE, Channel, Served, serve
from support.fakes import RecordingReporter, conda_package

from envsync.adapters.rattler import RattlerInstaller, RattlerSolver, load_config
from envsync.adapters.rattler.record import to_record
from envsync.errors import DefinitionError, EnvsyncError, UnsatisfiableError
from envsync.model.channel import resolve_channel
from envsync.model.lockfile import LockedPackage
from envsync.model.virtual_package import DEFAULTS, VirtualPackage
from envsync.solve.request import CondaRequest


def request_for(*specs: str, channels: tuple[str, ...] = ("conda-forge",)) -> CondaRequest:
    return CondaRequest(
        subdir="linux-64",
        channels=tuple(resolve_channel(name, "linux-64") for name in channels),
        match_specs=specs,
        virtual_packages=DEFAULTS["linux-64"],
    )


def solve(request: CondaRequest) -> tuple[LockedPackage, ...]:
    return RattlerSolver(load_config()).solve(request)


def install(packages: tuple[LockedPackage, ...], target: Path, prefix: Path) -> RecordingReporter:
    reporter = RecordingReporter()
    RattlerInstaller(load_config()).install(
        packages, target=target, prefix=prefix, requested=("six",), reporter=reporter
    )
    return reporter


@pytest.mark.e2e
def test_records_keep_the_canonical_address_of_a_mirrored_channel(channel: Served) -> None:
    packages = {package.name: package for package in solve(request_for("six", "python"))}

    assert packages["six"].url.startswith("https://conda.anaconda.org/conda-forge/")
    assert packages["six"].sha256 is not None
    assert packages["six"].md5 is not None
    assert channel.requests


def test_records_say_what_they_are_on_other_indexes(tmp_path: Path) -> None:
    record = {
        "name": "odd",
        "version": "1.0",
        "build": "0",
        "build_number": 0,
        "depends": [],
        "md5": "0" * 32,
        "subdir": "noarch",
    }
    packages = {
        "odd-1.0-0.conda": {**record, "purls": ["pkg:pypi/even@1.0"]},
        "mute-1.0-0.conda": {**record, "name": "mute"},
    }
    for subdir in ("noarch", "linux-64"):
        (tmp_path / subdir).mkdir()
        had = packages if subdir == "noarch" else {}
        (tmp_path / subdir / "repodata.json").write_text(
            json.dumps({"info": {"subdir": subdir}, "packages": {}, "packages.conda": had})
        )
    request = request_for("odd", "mute", channels=(tmp_path.as_uri(),))

    mute, odd = solve(request)

    assert (mute.purls, odd.purls) == (None, ("pkg:pypi/even@1.0",))
    assert RattlerSolver(load_config()).list_names(request) == {"mute", "odd"}


@pytest.mark.e2e
@pytest.mark.usefixtures("channel")
def test_a_package_that_is_nowhere_is_named() -> None:
    with pytest.raises(UnsatisfiableError) as caught:
        solve(request_for("no-such-package"))

    assert caught.value.message.startswith(
        "No solution for `linux-64` with channel `conda-forge`\n  "
    )
    assert "no-such-package" in caught.value.message


@pytest.mark.slow
def test_a_channel_that_cannot_be_reached_is_named() -> None:
    with pytest.raises(EnvsyncError) as caught:
        solve(request_for("six", channels=("http://user:hunter2@127.0.0.1:1/mine",)))

    assert "Cannot read channel `http://127.0.0.1:1/mine`" in caught.value.message
    assert "hunter2" not in caught.value.message


def test_a_match_spec_that_is_none_is_refused() -> None:
    with pytest.raises(DefinitionError, match="`six===` is not a match spec"):
        solve(request_for("six==="))


@pytest.mark.e2e
@pytest.mark.usefixtures("realchannel")
@pytest.mark.parametrize(
    "spec", ["python=3.7.*", "python~=3.7.4", "python 3.7.*", "main::python=3.7", "python=3.7.16"]
)
def test_the_forms_that_people_write_are_understood(spec: str) -> None:
    spec = spec.replace("main::", "https://repo.anaconda.com/pkgs/main::")

    packages = {
        package.name: package for package in solve(request_for(spec, channels=("anaconda",)))
    }

    assert packages["python"].version.startswith("3.7.")
    assert packages["python"].url.startswith("https://repo.anaconda.com/pkgs/main/")


@pytest.mark.e2e
@pytest.mark.usefixtures("realchannel")
def test_the_first_channel_that_has_a_package_gives_it() -> None:
    first, second = "anaconda", "conda-forge"

    numpy = {
        package.name: package for package in solve(request_for("numpy", channels=(first, second)))
    }

    assert "repo.anaconda.com" in numpy["numpy"].url


@pytest.mark.e2e
@pytest.mark.usefixtures("realchannel")
def test_a_contradiction_ends_in_the_solvers_reasons() -> None:
    with pytest.raises(UnsatisfiableError) as caught:
        solve(request_for("python=3.10", "numpy=1.24", "pandas=3"))

    assert any("pandas" in reason for reason in caught.value.reasons)
    assert any("numpy" in reason for reason in caught.value.reasons)


@pytest.mark.parametrize("spelling", ["file://", "FILE://", "file://localhost", "file:"])
def test_an_archive_that_was_swapped_is_refused_by_name(tmp_path: Path, spelling: str) -> None:
    archive = tmp_path / "noarch" / "tiny-1.0-0.conda"
    archive.parent.mkdir()
    archive.write_bytes(b"not what was locked")
    package = LockedPackage(
        name="tiny",
        version="1.0",
        manager="conda",
        subdir="linux-64",
        url=f"{spelling}{archive}",
        sha256="0" * 64,
        build="0",
    )

    with pytest.raises(EnvsyncError, match="is not the archive that was locked"):
        install((package,), tmp_path / "target", tmp_path / "prefix")

    assert not (tmp_path / "target").exists()


@pytest.mark.e2e
def test_an_archive_that_was_swapped_on_its_server_is_refused(
    embedded_channel: Channel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(embedded_channel.path, copy)
    monkeypatch.setenv("RATTLER_CACHE_DIR", str(tmp_path / "cache"))
    config = tmp_path / "config.toml"
    with serve({CONDA_FORGE: copy}) as served:
        config.write_text(served.config)
        monkeypatch.setenv("ENVSYNC_CONFIG", str(config))
        (six,) = (package for package in solve(request_for("six")) if package.name == "six")
        (archive,) = copy.glob(f"*/{six.url.rpartition('/')[2]}")
        others = [path for path in archive.parent.glob("*.conda") if path != archive]
        shutil.copyfile(others[0], archive)

        with pytest.raises(EnvsyncError) as caught:
            install((six,), tmp_path / "target", tmp_path / "prefix")

    assert "six" in caught.value.message


@pytest.mark.e2e
@pytest.mark.usefixtures("channel")
def test_packages_are_linked_as_if_they_lay_at_the_final_path(tmp_path: Path) -> None:
    packages = solve(request_for("six", "python"))
    target, prefix = tmp_path / "target", tmp_path / "prefix"

    reporter = install(packages, target, prefix)
    target.rename(prefix)

    assert reporter.advanced == len(packages)
    done = subprocess.run(
        [prefix / "bin" / "python", "-c", "import six, ssl, sys; print(sys.prefix)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == str(prefix)
    (record,) = (prefix / "conda-meta").glob("six-*.json")
    assert json.loads(record.read_text())["requested_specs"] == ["six"]


@pytest.mark.e2e
@pytest.mark.usefixtures("channel")
def test_an_edit_in_one_environment_does_not_reach_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RATTLER_CACHE_DIR", str(tmp_path / "cache"))
    packages = solve(request_for("six", "python"))
    install(packages, tmp_path / "one", tmp_path / "one")
    (module,) = (tmp_path / "one").glob("lib/python3*/site-packages/six.py")
    good = module.read_bytes()
    later = time.time() + 60
    module.write_bytes(b"# edited\n")
    os.utime(module, (later, later))

    reporter = install(packages, tmp_path / "two", tmp_path / "two")

    (module,) = (tmp_path / "two").glob("lib/python3*/site-packages/six.py")
    assert module.read_bytes() == good
    assert reporter.notes == ["Files of `six` in the cache were edited; they are restored"]


@pytest.mark.e2e
@pytest.mark.usefixtures("channel")
def test_entry_points_that_the_cache_lost_are_had_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RATTLER_CACHE_DIR", str(tmp_path / "cache"))
    packages = solve(request_for("pip", "python"))
    install(packages, tmp_path / "one", tmp_path / "one")
    (cached,) = (tmp_path / "cache").glob("pkgs/pip-*/info/link.json")
    cached.unlink()
    later = time.time() + 60
    os.utime(cached.parent, (later, later))

    reporter = install(packages, tmp_path / "two", tmp_path / "two")

    assert (tmp_path / "two/bin/pip").exists()
    assert reporter.notes == ["Metadata of `pip` in the cache was changed; it is had anew"]


@pytest.mark.e2e
@pytest.mark.usefixtures("channel")
@pytest.mark.parametrize("harm", ["missing", "folder", "dangling link"])
def test_a_file_that_the_cache_lost_is_had_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, harm: str
) -> None:
    monkeypatch.setenv("RATTLER_CACHE_DIR", str(tmp_path / "cache"))
    packages = solve(request_for("six", "python"))
    install(packages, tmp_path / "one", tmp_path / "one")
    (cached,) = (tmp_path / "cache").glob("pkgs/six-*/site-packages/six.py")
    good = cached.read_bytes()
    cached.unlink()
    if harm == "folder":
        cached.mkdir()
    elif harm == "dangling link":
        cached.symlink_to("nowhere")
        later = time.time() + 60
        os.utime(cached, (later, later), follow_symlinks=False)

    install(packages, tmp_path / "two", tmp_path / "two")

    (module,) = (tmp_path / "two").glob("lib/python3*/site-packages/six.py")
    assert module.read_bytes() == good


def test_a_configuration_that_is_not_there_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENVSYNC_CONFIG", str(tmp_path / "none.toml"))

    with pytest.raises(DefinitionError, match="Cannot read the configuration"):
        load_config()


def test_the_home_may_hold_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENVSYNC_HOME", str(tmp_path))
    (tmp_path / "config.toml").write_text(
        '[mirrors]\n"https://a.example/" = ["https://b.example/"]\n'
    )

    assert load_config().mirrors == {"https://a.example/": ["https://b.example/"]}


def test_this_machine_is_known_and_can_be_overridden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONDA_OVERRIDE_GLIBC", "2.17")

    facts = {
        fact.name: fact.version for fact in RattlerSolver(load_config()).detect_virtual_packages()
    }

    assert facts["__glibc"] == "2.17"
    assert "__unix" in facts


@pytest.mark.parametrize(
    "changes",
    [{"version": "~~"}, {"version": "1_.2"}, {"build": "a_" + "9" * 5000}, {"sha256": "0"}],
    ids=["version", "odd", "build", "hash"],
)
def test_an_entry_that_no_channel_could_have_is_refused(changes: dict[str, str]) -> None:
    package = replace(conda_package("six"), **changes)  # type: ignore[arg-type]

    with pytest.raises(DefinitionError, match=r"`six .*` is no conda package: "):
        to_record(package)


@pytest.mark.e2e
@pytest.mark.usefixtures("channel")
def test_an_entry_that_no_channel_could_have_is_not_preferred() -> None:
    wrong = replace(conda_package("six"), version="~~")

    packages = solve(replace(request_for("six"), preferred=(wrong,)))

    assert "1.17.0" in {package.version for package in packages}


@pytest.mark.parametrize(
    "fact",
    [
        VirtualPackage(name="__glibc", version="$$"),
        VirtualPackage(name="__gl/ibc", version="2"),
        VirtualPackage(name="__glibc", version="2", build="="),
    ],
    ids=["version", "name", "build"],
)
def test_a_fact_that_is_none_is_refused(fact: VirtualPackage) -> None:
    with pytest.raises(DefinitionError, match=r"`__gl.*` is no virtual package: "):
        solve(replace(request_for("six"), virtual_packages=(fact,)))
