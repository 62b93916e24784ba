"""A hostile conda package and a hostile image, by the commands that meet them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.hostile import describe, file, link, list_readers, make_package, make_surroundings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Done
    from support.hostile import Item

PACKAGES: dict[str, tuple[Item, ...]] = {
    "a path that climbs": (file("x", listed="../../mine/script.sh"),),
    "an absolute path": (file("x", listed="/etc/envsync-was-here"),),
    "a file below its own link": (link("lib", "../mine"), file("x", listed="lib/script.sh")),
    "conda's notes": (link("conda-meta/history", "../../mine/script.sh"),),
    "another's name": (file("x"),),
}
COMMANDS = {
    "environment": ("-p", "envs/x"),
    "archive": ("--output", "x.tar", "--base", "scratch"),
    "layout": ("--oci", "x", "--base", "scratch"),
}


@pytest.mark.usefixtures("empty_caches")
@pytest.mark.parametrize("name", PACKAGES)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_hostile_package_is_refused_whatever_is_made_of_it(
    envsync: Callable[..., Done], tmp_path: Path, name: str, command: str
) -> None:
    mine = make_surroundings(tmp_path)
    index = {"name": "another"} if name == "another's name" else {}
    package = make_package(tmp_path / "channel", PACKAGES[name], index=index)
    lines = ("# platform: linux-64", "@EXPLICIT", f"{package.url}#{package.md5}", "")
    (tmp_path / "env.txt").write_text("\n".join(lines))
    before = describe(mine)

    done = envsync("build-local", "env.txt", *COMMANDS[command])

    assert done.status == 1
    assert "Error: Package `evil 1.0` is unsafe: " in done.stderr
    assert "Hint: don't use it, and tell the channel's owner" in done.stderr
    assert describe(mine) == before
    assert not (tmp_path / "envs" / "x").exists()
    assert not (tmp_path / "x.tar").exists()
    assert not (tmp_path / "x").exists()
    assert [path for path in list_readers(tmp_path) if mine not in path.parents] == []
