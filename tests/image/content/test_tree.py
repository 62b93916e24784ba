from __future__ import annotations

import contextlib
import hashlib
import io
import shutil
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envsync.image.content.tree import find_prefixes, read_tree, write_metadata
from envsync.image.content.verification import compare_trees

if TYPE_CHECKING:
    from collections.abc import Callable

    Layer = tuple[str, Path]
    _Members = list[tuple[str, str, int]]

_OPAQUE = ".wh..wh..opq"


@pytest.fixture
def layer(tmp_path: Path) -> Callable[..., Layer]:
    """Write a layer of some files below `env`: `-> x` is a symlink, `= x` a hard link.

    A name that ends in `*` may be run, in `!` as its owner; one that ends in `/` is a folder.
    """

    def write(name: str, below: str = "env/", **files: str) -> Layer:
        path = tmp_path / f"{name}-{len(list(tmp_path.iterdir()))}.tar"
        with tarfile.open(path, "w") as archive:
            for place, content in files.items():
                member = tarfile.TarInfo(f"{below}{place.rstrip('*!/')}")
                member.mode = {"*": 0o755, "!": 0o4755}.get(place[-1:], 0o644)
                if place.endswith("/"):
                    member.type = tarfile.DIRTYPE
                elif content.startswith("-> "):
                    member.type, member.linkname = tarfile.SYMTYPE, content[3:]
                elif content.startswith("= "):
                    member.type, member.linkname = tarfile.LNKTYPE, content[2:]
                else:
                    member.size = len(content)
                archive.addfile(member, io.BytesIO(content.encode()))
        return name, path

    return write


def _tell(expected: list[Layer], found: list[Layer]) -> list[tuple[str, str, str]]:
    differences = compare_trees(read_tree(expected, "/env"), read_tree(found, "/env"))
    return [(it.problem, it.path, it.package) for it in differences]


def test_the_same_files_in_other_layers_are_the_same(layer: Callable[..., Layer]) -> None:
    expected = [layer("one", a="1"), layer("two", b="2", l="-> a")]

    assert _tell(expected, [layer("all", a="1", b="2", l="-> a")]) == []


def test_what_is_missing_changed_and_added_is_told(layer: Callable[..., Layer]) -> None:
    expected = [layer("one", a="1", b="1", **{"c*": "1", "e*": "1"}, l="-> a")]
    found = [layer("other", b="2", c="1", d="1", **{"e!": "1"}, l="-> b")]

    assert _tell(expected, found) == [
        ("missing", "a", "one"),
        ("changed", "b", "one"),
        ("changed", "c", "one"),
        ("changed", "e", "one"),
        ("changed", "l", "one"),
        ("added", "d", "other"),
    ]


@pytest.mark.parametrize(
    "upper",
    [
        {".wh.b": "", ".wh.f": ""},
        {".wh..wh..opq": ""},
        {".wh.b": "", "f/.wh..wh..opq": ""},
        {".wh.b": "", "f/.wh.x": "", "f/.wh.y": ""},
    ],
)
def test_upper_layers_take_away_what_lower_ones_brought(
    layer: Callable[..., Layer], upper: dict[str, str]
) -> None:
    found = [layer("low", a="1", b="1", **{"f/x": "1", "f/y/z": "1"}), layer("high", **upper)]

    assert _tell([layer("one", a="2")], [*found, layer("top", a="2")]) == []


def test_the_whole_environment_can_be_taken_away(layer: Callable[..., Layer]) -> None:
    for upper in (layer("high", "", **{".wh.env": ""}), layer("high", "", env="-> elsewhere")):
        assert read_tree([layer("low", a="1"), upper], "/env") == {}


def test_a_layer_does_not_take_away_what_it_brings_itself(layer: Callable[..., Layer]) -> None:
    found = [layer("low", **{"f/x": "1"}), layer("high", **{"f/.wh..wh..opq": "", "f/new": "1"})]

    assert read_tree(found, "/env").keys() == {"f/new"}


def test_a_file_takes_the_place_of_a_folder_and_a_folder_that_of_a_file(
    layer: Callable[..., Layer],
) -> None:
    low = layer("low", **{"f/x/y": "1", "g": "1", "h": "-> g"})
    high = layer("high", **{"f": "-> elsewhere", "g/": "", "h/": "", "h/z": "1"})

    assert read_tree([low, high], "/env").keys() == {"f", "h/z"}


def test_a_hard_link_is_the_file_that_it_links_to(layer: Callable[..., Layer]) -> None:
    expected = [layer("one", a="1", b="1")]

    assert _tell(expected, [layer("other", a="1", b="= env/a")]) == []
    assert _tell(expected, [layer("low", a="1"), layer("high", b="= ./env/a")]) == []
    assert _tell(expected, [layer("other", a="1", b="= etc/a")]) == [("changed", "b", "one")]


def test_modules_compiled_since_do_not_count(layer: Callable[..., Layer]) -> None:
    found = [layer("one", a="1"), layer("run", **{"__pycache__/a.cpython-311.pyc": "x"})]

    assert _tell([layer("one", a="1")], found) == []


def test_a_compiled_module_that_python_would_import_by_itself_counts(
    layer: Callable[..., Layer],
) -> None:
    assert _tell([layer("one")], [layer("run", **{"a.pyc": "x"})]) == [("added", "a.pyc", "run")]


def test_what_lies_elsewhere_does_not_count(layer: Callable[..., Layer]) -> None:
    found = [layer("base", **{"../etc/x": "1"}), layer("base", "environment/", x="1")]

    assert _tell([layer("one")], found) == []


def test_environments_are_found_by_their_history(layer: Callable[..., Layer]) -> None:
    meta = {"conda-meta/history": ""}
    layers = [layer("one", "./opt/conda/", **meta), layer("two", "/azureml-envs/x/", **meta)]

    assert find_prefixes(path for _, path in layers) == ("/azureml-envs/x", "/opt/conda")


def test_what_says_which_packages_there_are_can_be_read(
    layer: Callable[..., Layer], tmp_path: Path
) -> None:
    info = "lib/python3.11/site-packages/idna-3.10.dist-info"
    wanted = {"conda-meta/six-1.0-0.json": "{}", f"{info}/RECORD": "x", f"{info}/METADATA": "y"}
    tree = read_tree([layer("one", a="1", **wanted)], "/env")
    write_metadata(tree, tmp_path / "out")

    written = {
        path.relative_to(tmp_path / "out").as_posix(): path.read_text()
        for path in (tmp_path / "out").rglob("*")
        if path.is_file()
    }
    assert written == wanted


_KINDS = st.sampled_from(["file", "link", "folder", "gone", "emptied"])
_PATHS = st.lists(st.sampled_from("ab"), min_size=1, max_size=3).map("/".join)
_MEMBERS = st.lists(st.tuples(_KINDS, _PATHS, st.integers(0, 1)), max_size=5)


@pytest.mark.slow
@settings(deadline=None, max_examples=50)
@given(st.lists(_MEMBERS, min_size=1, max_size=4))
def test_layers_come_to_what_applying_them_one_by_one_comes_to(layers: list[_Members]) -> None:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name, "root")
        paths = []
        for number, members in enumerate(layers):
            own = _settle(members)
            paths.append(("", Path(name, f"{number}.tar")))
            _write(paths[-1][1], own)
            _apply(root / "env", own)
        tree = read_tree(paths, "/env")
        there = {
            path.relative_to(root / "env").as_posix()
            for path in root.rglob("*")
            if path.is_symlink() or path.is_file()
        }

        assert tree.keys() == there
        for path in there:
            file = root / "env" / path
            content = str(file.readlink()) if file.is_symlink() else file.read_text()
            assert tree[path].found.sha256 == hashlib.sha256(content.encode()).hexdigest()


def _settle(members: _Members) -> dict[str, tuple[str, int]]:
    """Return *members* by path, without those that a layer can't have at once."""
    own: dict[str, tuple[str, int]] = {}
    for kind, path, number in members:
        parents = {path[:end] for end, letter in enumerate(path) if letter == "/"}
        is_below = any(own.get(parent, ("folder",))[0] != "folder" for parent in parents)
        is_above = any(known.startswith(f"{path}/") for known in own)
        is_known = path in own
        if not is_below and not is_known and (kind in ("folder", "emptied") or not is_above):
            own[path] = ("folder" if kind == "emptied" else kind, number)
            if kind == "emptied":
                own[f"{path}/{_OPAQUE}"] = ("file", 0)
    return own


def _write(path: Path, own: dict[str, tuple[str, int]]) -> None:
    with tarfile.open(path, "w") as archive:
        for place, (kind, number) in own.items():
            member = tarfile.TarInfo(f"env/{place}")
            content = str(number).encode()
            if kind == "gone":
                folder, _, last = member.name.rpartition("/")
                member.name, content = f"{folder}/.wh.{last}", b""
            elif kind == "folder":
                member.type, content = tarfile.DIRTYPE, b""
            elif kind == "link":
                member.type, member.linkname, content = tarfile.SYMTYPE, str(number), b""
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def _apply(root: Path, own: dict[str, tuple[str, int]]) -> None:
    """Do to *root* what a layer says, as one does it by hand: first take away, then add."""
    for place, (kind, _) in own.items():
        if kind == "gone":
            _remove(root / place)
        elif place.endswith(_OPAQUE) and (root / place).parent.is_dir():
            for child in (root / place).parent.iterdir():
                _remove(child)
    for place, (kind, number) in own.items():
        if kind != "gone" and not place.endswith(_OPAQUE):
            _add(root, place, kind, str(number))


def _add(root: Path, place: str, kind: str, content: str) -> None:
    folders = [root / parent for parent in reversed(Path(place).parents)]
    folders += [root / place] if kind == "folder" else []
    for folder in folders:
        if folder.is_symlink() or not folder.is_dir():
            _remove(folder)
        folder.mkdir(parents=True, exist_ok=True)
    if kind == "folder":
        return
    _remove(root / place)
    if kind == "link":
        (root / place).symlink_to(content)
    else:
        (root / place).write_text(content)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            path.unlink()
