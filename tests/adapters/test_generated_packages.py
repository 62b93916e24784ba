"""Generated conda packages, beside honest ones: whatever they say, nothing outside is touched."""

from __future__ import annotations

import json
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from support.fakes import RecordingReporter
from support.hostile import (
    PLACEHOLDER,
    Item,
    count_examples,
    describe,
    file,
    link,
    list_readers,
    make_package,
    make_surroundings,
)

from envsync.adapters.rattler import RattlerInstaller, load_config
from envsync.errors import EnvsyncError

if TYPE_CHECKING:
    import pytest

    from envsync.model.lockfile import LockedPackage

pytestmark = pytest.mark.slow

# Names that are worth something together, and what they would lead to.
NAMES = ["a", "b", "lib", "bin", "tool", "lib64", "python1.0", "site-packages", "python-scripts"]
ODD = ["..", ".", "", "conda-meta", "Conda-Meta", "__clobbers__", "history", "state", "a\\b", "C:"]
TARGETS = ["MINE", "MINE/script.sh", "MINE/secret", "MINE/folder", "..", "../..", ".", "../a", "b"]
UP = "../" * 12

names = st.integers(0, 15).flatmap(lambda it: st.sampled_from(NAMES if it else ODD))
paths = st.lists(names, min_size=1, max_size=4).map("/".join)
elsewhere = ["MINE/script.sh", f"{UP}MINE/script.sh", "../mine/script.sh", "bin/good", "share/good"]
targets = st.sampled_from(TARGETS) | paths
kinds = st.sampled_from([*[None] * 12, "hardlink", "softlink", "directory"])


@st.composite
def items(draw: st.DrawFn) -> Item:
    path = draw(paths if draw(st.integers(0, 15)) else st.sampled_from(elsewhere))
    is_link, is_rewritten = draw(st.booleans()), not draw(st.integers(0, 3))
    return Item(
        path=path if draw(st.integers(0, 7)) else draw(paths),
        listed=path,
        content=f"{PLACEHOLDER} evil",
        target=draw(targets) if is_link else None,
        kind=draw(kinds),
        more={"prefix_placeholder": PLACEHOLDER, "file_mode": "text"} if is_rewritten else {},
    )


packages = st.tuples(
    st.lists(items(), max_size=5),
    st.booleans(),
    st.lists(st.sampled_from(["tool", "good", "a", "../x", "/x", "python1.0"]), max_size=2),
)


def make(channel: Path, name: str, content: tuple[list[Item], bool, list[str]]) -> LockedPackage:
    generated, is_noarch, commands = content
    points = {"type": "python", "entry_points": [f"{command} = a:b" for command in commands]}
    return make_package(
        channel,
        generated,
        name=name,
        index={"noarch": "python"} if is_noarch else {},
        info={"link.json": json.dumps({"noarch": points, "package_metadata_version": 1})},
        subdir="noarch" if is_noarch else "linux-64",
    )


def aim(item: Item, mine: Path) -> Item:
    def put(text: str | None) -> str | None:
        return text.replace("MINE", str(mine)) if text else text

    return Item(**{**vars(item), "listed": put(item.listed), "target": put(item.target)})


@settings(
    max_examples=count_examples(150),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(contents=st.lists(packages, min_size=1, max_size=2))
def test_nothing_outside_of_the_prefix_is_touched(
    contents: list[tuple[list[Item], bool, list[str]]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root = Path(tempfile.mkdtemp(dir=tmp_path))
    monkeypatch.setenv("RATTLER_CACHE_DIR", str(root / "rattler"))
    monkeypatch.setenv("ENVSYNC_HOME", str(root / "home"))
    mine, channel, target = make_surroundings(root), root / "channel", root / "envs" / "x"
    python = [file("bin/python1.0"), link("bin/python", "python1.0")]
    honest = [
        make_package(channel, python, name="python"),
        make_package(channel, [file("bin/good"), file("share/good")], name="good"),
    ]
    made = [
        make(channel, f"evil{number}", ([aim(it, mine) for it in generated], *rest))
        for number, (generated, *rest) in enumerate(contents)
    ]
    install(honest, root / "envs" / "honest")
    watched = (mine, channel, root / "envs" / "honest")
    before = {path: about[3:] for path, about in describe(*watched).items()}  # hard links come
    beside = sorted(path.name for path in root.iterdir())

    is_refused = True
    with suppress(EnvsyncError):
        install([*honest, *made], target)
        is_refused = False
    event(f"refused: {is_refused}")

    assert {path: about[3:] for path, about in describe(*watched).items()} == before
    assert sorted(path.name for path in root.iterdir()) == beside
    assert sorted(path.name for path in (root / "envs").iterdir()) == ["honest", "x"]
    assert list_readers(root / "envs") == []
    assert list_readers(root / "rattler") == []
    notes = list((target / "conda-meta").glob("*"))
    odd = {path.name for path in notes if path.suffix != ".json"} - {"history"}
    assert is_refused or not odd  # what failed leaves parts of its own notes
    assert not any(path.is_symlink() for path in (*notes, target / "conda-meta"))
    shutil.rmtree(root)


def install(packages: list[LockedPackage], target: Path) -> None:
    target.mkdir(parents=True)
    RattlerInstaller(load_config()).install(
        packages, target=target, prefix=target, requested=(), reporter=RecordingReporter()
    )
