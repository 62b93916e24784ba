import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import rattler.package_streaming
from support.fakes import RecordingReporter
from support.hostile import (
    Item,
    describe,
    file,
    link,
    list_readers,
    make_package,
    make_surroundings,
    rewritten,
)

from envsync.adapters.rattler import RattlerInstaller, load_config
from envsync.errors import EnvsyncError
from envsync.image.store.notes import Notes
from envsync.model.lockfile import LockedPackage


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    return make_surroundings(tmp_path)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RATTLER_CACHE_DIR", str(tmp_path / "rattler"))
    return tmp_path / "rattler" / "pkgs"


def install(
    packages: Sequence[LockedPackage], target: Path, *, offline: bool = False
) -> RecordingReporter:
    reporter = RecordingReporter()
    target.mkdir(parents=True)
    RattlerInstaller(load_config(), offline=offline).install(
        packages, target=target, prefix=target, requested=(), reporter=reporter
    )
    return reporter


UP = "../" * 12

HOSTILE: dict[str, tuple[Item, ...]] = {
    "a path that climbs": (file("x", listed="../../mine/script.sh"),),
    "a path that climbs in its middle": (file("x", listed="lib/../../../mine/script.sh"),),
    "an absolute path": (file("x", listed="MINE/script.sh"),),
    "a path with backslashes": (file("x", listed="..\\..\\mine\\script.sh"),),
    "an empty path": (file("x", listed=""),),
    "the prefix itself": (file("x", listed="."),),
    "a path with a NUL": (file("x", listed="a\0b"),),
    "half a surrogate": (file("x", listed="\ud800"),),
    "a file that climbs and is rewritten": (rewritten("x", listed="../../mine/script.sh"),),
    "a file below its own link": (link("lib", "MINE"), file("x", listed="lib/script.sh")),
    "a file below its own relative link": (
        link("a/lib", f"{UP}MINE"),
        file("x", listed="a/lib/script.sh"),
    ),
    "a rewritten file below its own link": (
        link("lib", "MINE"),
        rewritten("x", listed="lib/script.sh"),
    ),
    "a folder below its own link": (
        link("lib", "MINE"),
        file("x", listed="lib/folder", kind="directory"),
    ),
    "a link that is rewritten": (
        link("x", "MINE/secret", more={"prefix_placeholder": "/opt/x", "file_mode": "text"}),
    ),
    "a link that is listed as a file": (link("x", "MINE/secret", kind="hardlink"),),
    "a link that is listed as a folder": (link("x", "MINE/folder", kind="directory"),),
    "a link and a file at one path": (link("x", "MINE/script.sh"), rewritten("y", listed="x")),
    "a file twice, once rewritten": (file("x"), rewritten("y", listed="x")),
    "conda's notes": (file("conda-meta/history"),),
    "conda's notes in other letters": (file("Conda-Meta/history"),),
    "conda's notes as a link": (link("conda-meta", "MINE/folder"),),
    "a link among conda's notes": (link("conda-meta/state", "MINE/script.sh"),),
    "our receipt": (link("conda-meta/envsync/receipt.json", "MINE/script.sh"),),
    "what rattler puts aside": (link("__clobbers__", "MINE/folder"),),
    "an archive that Python imports from": (file("lib/python311.zip"),),
    "another home for Python": (file("pyvenv.cfg"),),
    "another path for Python": (file("bin/python3.11._pth"),),
    "a module of Python's own": (file("lib/python3.11/platform/__init__.py"),),
}


def aim(items: Sequence[Item], mine: Path) -> list[Item]:
    """Let *items* lead to the files of this test."""

    def put(text: str | None) -> str | None:
        return text.replace("/MINE", str(mine)).replace("MINE", str(mine)) if text else text

    return [
        Item(
            path=it.path,
            content=it.content,
            target=put(it.target),
            kind=it.kind,
            listed=put(it.listed),
            more=it.more,
        )
        for it in items
    ]


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("is_in_cache", [False, True], ids=["fetched", "in the cache"])
def test_a_hostile_package_is_refused_by_name_before_anything_is_linked(
    name: str, tmp_path: Path, mine: Path, cache: Path, *, is_in_cache: bool
) -> None:
    package = make_package(tmp_path / "channel", aim(HOSTILE[name], mine))
    if is_in_cache:
        unpack_as_another_tool(package, cache)
    before = describe(mine)

    with pytest.raises(EnvsyncError, match=r"^Package `evil 1\.0` is unsafe: ") as caught:
        install([package], tmp_path / "envs" / "x")

    assert str(tmp_path / "envs") not in caught.value.message
    assert describe(mine) == before
    assert not any((tmp_path / "envs" / "x").iterdir())
    assert list_readers(tmp_path / "envs") == []
    assert list_readers(cache) == []


def unpack_as_another_tool(package: LockedPackage, cache: Path) -> None:
    """Put *package* where rattler's tools keep it, as one of them does that checks nothing."""
    folder = cache / "evil-1.0-0"
    rattler.package_streaming.extract(Path(package.url.removeprefix("file://")), folder)
    (cache / "evil-1.0-0.lock").write_bytes(bytes(8) + bytes.fromhex(package.sha256 or ""))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_package_in_the_cache_is_refused_where_no_other_can_be_had(
    name: str, tmp_path: Path, mine: Path, cache: Path
) -> None:
    package = make_package(tmp_path / "channel", aim(HOSTILE[name], mine))
    unpack_as_another_tool(package, cache)
    archive = Path(package.url.removeprefix("file://"))
    away = conda_url(package, "https://conda.example.org/forge")
    archive.unlink()
    before = describe(mine)

    with pytest.raises(EnvsyncError, match=r"^Package `evil 1\.0` is unsafe: "):
        install([away], tmp_path / "envs" / "x", offline=True)

    assert describe(mine) == before
    assert not any((tmp_path / "envs" / "x").iterdir())


def conda_url(package: LockedPackage, channel: str) -> LockedPackage:
    return replace(package, url=f"{channel}/{package.subdir}/{package.url.rpartition('/')[2]}")


@pytest.mark.parametrize(
    "index",
    [{"name": "another"}, {"version": "2.0"}, {"build": "1"}, {"name": ["evil"]}],
    ids=["name", "version", "build", "kind"],
)
def test_a_package_that_says_that_it_is_another_is_refused(
    index: dict[str, object], tmp_path: Path, cache: Path
) -> None:
    package = make_package(tmp_path / "channel", [file("x")], index=index)

    with pytest.raises(EnvsyncError, match=r"`info/index\.json` says that it is"):
        install([package], tmp_path / "x")

    assert not list(cache.glob("*-*-*"))


METADATA = {
    "no index": {"index.json": None},
    "an index that is no object": {"index.json": "[]"},
    "an index of nothing but brackets": {"index.json": "[" * 100_000},
    "no list of files": {"paths.json": None},
    "a kind that is a list": {"paths.json": '{"paths": [{"_path": "x", "path_type": []}]}'},
    "files that are no list": {"paths.json": '{"paths": 1, "paths_version": 1}'},
    "a file that is no object": {"paths.json": '{"paths": ["x"], "paths_version": 1}'},
    "a file without a path": {"paths.json": '{"paths": [{"path_type": "hardlink"}]}'},
    "a kind that is none": {"paths.json": '{"paths": [{"_path": "x", "path_type": "device"}]}'},
    "a key twice": {
        "paths.json": '{"paths": [{"_path": "x", "_path": "../y", "path_type": "hardlink"}]}'
    },
    "old lines that climb": {"paths.json": None, "files": "x\n../../mine/script.sh\n"},
    "old lines that are absolute": {"paths.json": None, "files": "/etc/passwd\n"},
    "an old line for conda's notes": {"paths.json": None, "files": "conda-meta/state\n"},
}


@pytest.mark.parametrize("name", METADATA)
def test_metadata_that_can_not_be_is_refused(
    name: str, tmp_path: Path, mine: Path, cache: Path
) -> None:
    package = make_package(tmp_path / "channel", [file("x")], info=METADATA[name])
    before = describe(mine)

    with pytest.raises(EnvsyncError, match=r"^Package `evil 1\.0` is (unsafe|damaged): "):
        install([package], tmp_path / "envs" / "x")

    assert describe(mine) == before
    assert not list(cache.glob("*-*-*"))


def test_an_old_package_with_a_link_that_is_rewritten_is_refused(
    tmp_path: Path, mine: Path, cache: Path
) -> None:
    items = [link("lib/li nk", str(mine / "secret"))]
    lines = {"paths.json": None, "files": "lib/li nk\n", "has_prefix": '/opt/x text "lib/li nk"\n'}
    package = make_package(tmp_path / "channel", items, info=lines)

    with pytest.raises(EnvsyncError, match=r"`lib/li nk` is a link"):
        install([package], tmp_path / "x")

    assert list_readers(cache) == []


@pytest.mark.parametrize("info", ["index.json", "paths.json", "link.json"])
@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_metadata_in_the_cache_that_is_no_file_is_not_read(
    info: str, kind: str, tmp_path: Path, mine: Path, cache: Path
) -> None:
    package = make_package(tmp_path / "channel", [file("x")], index={"noarch": "python"})
    unpack_as_another_tool(package, cache)
    path = cache / "evil-1.0-0" / "info" / info
    path.unlink(missing_ok=True)
    if kind == "link":
        path.symlink_to(mine / "secret")
    else:
        os.mkfifo(path)
    away = conda_url(package, "https://conda.example.org/forge")

    with pytest.raises(EnvsyncError, match=rf"`info/{info}` can't be read") as caught:
        install([away], tmp_path / "x", offline=True)

    assert "key to the house" not in str(caught.value)


COMMANDS = ["../../mine/script.sh", "/x", "a/b", "..", ".hidden", "", "a\\b", "a\nb"]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_that_is_no_name_is_refused(
    command: str, tmp_path: Path, mine: Path, cache: Path
) -> None:
    points = {"type": "python", "entry_points": [f"{command} = a:b"]}
    link_json = json.dumps({"noarch": points, "package_metadata_version": 1})
    package = make_package(
        tmp_path / "channel",
        [file("site-packages/a.py")],
        index={"noarch": "python"},
        info={"link.json": link_json},
        subdir="noarch",
    )
    before = describe(mine)

    with pytest.raises(EnvsyncError, match="names the command"):
        install([package], tmp_path / "x")

    assert describe(mine) == before
    assert not list(cache.glob("*-*-*"))


def noarch(channel: Path, name: str, items: Sequence[Item], *commands: str) -> LockedPackage:
    points = {"type": "python", "entry_points": [f"{command} = a:b" for command in commands]}
    link_json = json.dumps({"noarch": points, "package_metadata_version": 1})
    return make_package(
        channel,
        items,
        name=name,
        index={"noarch": "python"},
        info={"link.json": link_json},
        subdir="noarch",
    )


def make_python(channel: Path) -> LockedPackage:
    items = [file("bin/python1.0"), link("bin/python", "python1.0")]
    return make_package(channel, items, name="python")


@pytest.mark.parametrize(
    "pairs",
    [
        ((link("lib/a", "MINE"),), (file("x", listed="lib/a/script.sh"),)),
        ((link("lib/a", "MINE"),), (rewritten("lib/a/script.sh"),)),
        ((link("a", "b"), link("b", "MINE")), (file("a/script.sh"),)),
        ((link("a", "."),), (file("a/conda-meta/history"),)),
        ((link("a/b", "../conda-meta"),), (file("a/b/history"),)),
        ((link("a", "d"),), (link("a/x", "../.."),)),
        ((link("lib/python1.0", "MINE"),), (file("lib/python1.0/site-packages/x"),)),
    ],
)
def test_files_do_not_go_through_the_link_of_another_package(
    pairs: tuple[Sequence[Item], Sequence[Item]], tmp_path: Path, mine: Path
) -> None:
    channel = tmp_path / "channel"
    packages = [
        make_package(channel, aim(pairs[0], mine), name="first"),
        make_package(
            channel,
            [Item(**{**vars(it), "path": it.listed or it.path, "listed": None}) for it in pairs[1]],
            name="second",
        ),
    ]
    before = describe(mine)

    with pytest.raises(EnvsyncError, match=r"^Package `second 1\.0` is unsafe beside the others"):
        install(packages, tmp_path / "envs" / "x")

    assert describe(mine) == before
    assert not any((tmp_path / "envs" / "x").iterdir())


def test_a_link_in_the_place_of_site_packages_is_not_followed(tmp_path: Path, mine: Path) -> None:
    channel = tmp_path / "channel"
    packages = [
        make_python(channel),
        make_package(channel, [link("lib/python1.0/site-packages", str(mine))], name="first"),
        noarch(channel, "second", [file("site-packages/script.sh")]),
    ]
    before = describe(mine)

    with pytest.raises(EnvsyncError, match=r"^Package `second 1\.0` is unsafe beside the others"):
        install(packages, tmp_path / "envs" / "x")

    assert describe(mine) == before


@pytest.mark.parametrize("item", [file("bin/tool"), link("bin/tool", "MINE/script.sh")])
def test_a_command_does_not_go_where_another_package_has_a_file(
    item: Item, tmp_path: Path, mine: Path
) -> None:
    """rattler would write it into what lies there: the file in the cache, or a link's target."""
    channel = tmp_path / "channel"
    packages = [
        make_python(channel),
        make_package(channel, aim([item], mine), name="first"),
        noarch(channel, "second", [file("site-packages/a.py")], "tool"),
    ]
    before = describe(mine)

    with pytest.raises(
        EnvsyncError, match=r"its command `tool` goes where `first 1\.0` has a file"
    ):
        install(packages, tmp_path / "envs" / "x")

    assert describe(mine) == before


def test_links_that_lead_out_stay_and_are_told(tmp_path: Path, mine: Path) -> None:
    """Packages of drivers have some; nothing goes through them."""
    items = [
        link("lib/driver.so", str(mine / "secret")),
        link("lib/a.so", "b.so"),
        file("lib/b.so"),
    ]
    package = make_package(tmp_path / "channel", items)
    target = tmp_path / "x"
    target.mkdir()

    leading_out = RattlerInstaller(load_config()).install(
        [package], target=target, prefix=target, requested=(), reporter=RecordingReporter()
    )

    assert leading_out == ("lib/driver.so",)
    assert (target / "lib/driver.so").readlink() == mine / "secret"
    assert list_readers(target) == []


def test_files_below_another_packages_link_that_stays_inside_are_not_refused(
    tmp_path: Path,
) -> None:
    channel = tmp_path / "channel"
    packages = [
        make_package(channel, [link("lib64", "lib"), file("lib/a")], name="first"),
        make_package(channel, [file("lib64/b")], name="second"),
    ]

    install(packages, tmp_path / "x")

    assert (tmp_path / "x" / "lib" / "a").read_text() == "content"


def test_a_package_is_read_once(tmp_path: Path) -> None:
    package = make_package(tmp_path / "channel", [file("x")])
    install([package], tmp_path / "one")
    notes = next(Path(os.environ["ENVSYNC_HOME"]).glob("cache/packages/evil-*"))
    written = notes.stat().st_mtime_ns

    reporter = install([package], tmp_path / "two")

    assert (tmp_path / "two" / "x").read_text() == "content"
    assert notes.stat().st_mtime_ns == written
    assert reporter.advanced == 1


def test_a_package_whose_list_was_changed_is_read_again(
    tmp_path: Path, mine: Path, cache: Path
) -> None:
    package = make_package(tmp_path / "channel", [file("x")])
    install([package], tmp_path / "one")
    paths = cache / "evil-1.0-0" / "info" / "paths.json"
    times = paths.stat()
    paths.write_text(paths.read_text().replace('"x"', f'"{mine}/script.sh"'))
    os.utime(paths, ns=(times.st_atime_ns, times.st_mtime_ns))
    before = describe(mine)

    install([package], tmp_path / "two")

    assert (tmp_path / "two" / "x").read_text() == "content"
    assert describe(mine) == before


def test_another_archive_of_the_same_name_takes_its_place(tmp_path: Path, cache: Path) -> None:
    first = make_package(tmp_path / "channel", [file("x", content="first")])
    install([first], tmp_path / "one")
    second = make_package(tmp_path / "channel", [file("x", content="second")])

    install([second], tmp_path / "two")

    assert (tmp_path / "one" / "x").read_text() == "first"
    assert (tmp_path / "two" / "x").read_text() == "second"
    assert not list(cache.glob(".envsync*"))


def test_an_unpacked_package_of_unknown_origin_is_not_taken(tmp_path: Path, cache: Path) -> None:
    package = make_package(tmp_path / "channel", [file("x", content="good")])
    unpack_as_another_tool(package, cache)
    (cache / "evil-1.0-0.lock").unlink()
    (cache / "evil-1.0-0" / "x").write_text("bad")

    install([package], tmp_path / "one")

    assert (tmp_path / "one" / "x").read_text() == "good"


def test_what_is_unsafe_does_not_get_into_the_cache(tmp_path: Path, cache: Path) -> None:
    package = make_package(tmp_path / "channel", [file("x", listed="../x")])

    with pytest.raises(EnvsyncError):
        install([package], tmp_path / "one")

    assert not list(cache.glob("*evil*"))
    assert not list(cache.glob(".envsync*"))


def test_scripts_of_packages_are_not_run_whatever_the_configuration_says(
    tmp_path: Path, mine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.toml").write_text('run-post-link-scripts = "insecure"\n')
    monkeypatch.setenv("ENVSYNC_CONFIG", str(tmp_path / "config.toml"))
    script = f"#!/bin/sh\ntouch {mine}/run\n"
    items = [file(f"bin/.evil-{when}.sh", content=script) for when in ("pre-link", "post-link")]

    install([make_package(tmp_path / "channel", items)], tmp_path / "x")

    assert not (mine / "run").exists()


def test_the_target_of_a_link_is_not_copied_in_its_place(
    tmp_path: Path, mine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.toml").write_text("allow-symbolic-links = false\n")
    monkeypatch.setenv("ENVSYNC_CONFIG", str(tmp_path / "config.toml"))
    package = make_package(tmp_path / "channel", [link("x", str(mine / "secret"))])

    with pytest.raises(EnvsyncError, match="`x` is a link that leads out of the environment"):
        install([package], tmp_path / "x")

    assert list_readers(tmp_path / "x") == []


@pytest.mark.slow
def test_a_package_of_a_thousand_folders_in_each_other_is_refused_and_removed(
    tmp_path: Path, mine: Path, cache: Path
) -> None:
    deep = "d/" * 1500 + "x"
    package = make_package(tmp_path / "channel", [file(deep)])
    before = describe(mine)

    with pytest.raises(EnvsyncError, match=r"Package `evil 1\.0` is unsafe"):
        install([package], tmp_path / "x")

    assert describe(mine) == before
    assert not list(cache.glob("*evil*"))
    assert not list(cache.glob(".envsync*"))


def test_an_old_package_of_nothing_is_fine(tmp_path: Path) -> None:
    package = make_package(tmp_path / "channel", [], info={"paths.json": None, "files": ""})

    install([package], tmp_path / "x")

    assert [it.name for it in (tmp_path / "x" / "conda-meta").glob("*.json")] == ["evil-1.0-0.json"]


@pytest.mark.parametrize("key", ["links", "folders", "commands", "programs"])
def test_a_note_that_tells_something_else_is_not_believed(
    key: str, tmp_path: Path, mine: Path
) -> None:
    package = make_package(tmp_path / "channel", [file("x")])
    install([package], tmp_path / "one")
    notes = Notes(Path(os.environ["ENVSYNC_HOME"]) / "cache" / "packages")
    noted = notes.read("evil-1.0-0")
    notes.write("evil-1.0-0", {**noted, key: [1]})
    before = describe(mine)

    install([package], tmp_path / "two")

    assert (tmp_path / "two" / "x").read_text() == "content"
    assert notes.read("evil-1.0-0") == noted
    assert describe(mine) == before


def test_an_archive_is_not_known_by_the_md5_that_a_lock_claims_for_it(
    tmp_path: Path, cache: Path
) -> None:
    good = make_package(tmp_path / "good", [file("x", content="good")])
    evil = make_package(tmp_path / "evil", [file("x", content="evil")])
    unpack_as_another_tool(evil, cache)
    install([replace(evil, md5=good.md5)], tmp_path / "one")

    install([replace(good, sha256=None)], tmp_path / "two")

    assert (tmp_path / "one" / "x").read_text() == "evil"
    assert (tmp_path / "two" / "x").read_text() == "good"
