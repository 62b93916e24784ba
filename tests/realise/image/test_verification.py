from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

import pytest

from envsync.realise.image.verification import compare_trees

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Layer = "Callable[..., tuple[str, Path]]"


@pytest.fixture
def layer(tmp_path: Path) -> Callable[..., tuple[str, Path]]:
    """Write a layer of some files; `-> x` is a symlink, and a name that ends in `*` may be run."""

    def write(name: str, **files: str) -> tuple[str, Path]:
        path = tmp_path / f"{name}-{len(list(tmp_path.iterdir()))}.tar"
        with tarfile.open(path, "w") as archive:
            for place, content in files.items():
                member = tarfile.TarInfo(f"env/{place.rstrip('*')}")
                member.mode = 0o755 if place.endswith("*") else 0o644
                if content.startswith("-> "):
                    member.type, member.linkname = tarfile.SYMTYPE, content[3:]
                    archive.addfile(member)
                    continue
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content.encode()))
        return name, path

    return write


def _tell(expected: object, found: object) -> list[tuple[str, str, str]]:
    differences = compare_trees(expected, found, prefix="/env")  # type: ignore[arg-type]
    return [(it.problem, it.path, it.package) for it in differences]


def test_the_same_files_in_other_layers_are_the_same(
    layer: Callable[..., tuple[str, Path]],
) -> None:
    expected = [layer("one", a="1"), layer("two", b="2", l="-> a")]

    assert _tell(expected, [layer("all", a="1", b="2", l="-> a")]) == []


def test_what_is_missing_changed_and_added_is_told(layer: Callable[..., tuple[str, Path]]) -> None:
    expected = [layer("one", a="1", b="1", **{"c*": "1"}, l="-> a")]
    found = [layer("other", b="2", c="1", d="1", l="-> b")]

    assert _tell(expected, found) == [
        ("missing", "/env/a", "one"),
        ("changed", "/env/b", "one"),
        ("changed", "/env/c", "one"),
        ("changed", "/env/l", "one"),
        ("added", "/env/d", "other"),
    ]


def test_upper_layers_hide_lower_ones(layer: Callable[..., tuple[str, Path]]) -> None:
    expected = [layer("one", a="2")]
    found = [layer("low", a="1", b="1", **{"f/x": "1"}), layer("high", a="2", **{".wh.b": ""})]
    found += [layer("top", **{".wh.f": ""})]

    assert _tell(expected, found) == []


def test_modules_compiled_since_do_not_count(layer: Callable[..., tuple[str, Path]]) -> None:
    found = [layer("one", a="1"), layer("run", **{"__pycache__/a.cpython-311.pyc": "x"})]

    assert _tell([layer("one", a="1")], found) == []


def test_what_lies_elsewhere_does_not_count(layer: Callable[..., tuple[str, Path]]) -> None:
    assert _tell([layer("one")], [layer("base", **{"../etc/x": "1"})]) == []
