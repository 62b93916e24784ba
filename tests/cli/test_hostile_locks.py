"""Locks that were edited by hand, cut, or made to harm: each is refused or read, and no bug."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.fakes import NEEDS_PYTHON, conda_package, pip_package
from support.locks import make_lock

from envsync.lock.formats.explicit import dump_explicit
from envsync.lock.formats.pixi import dump_pixi
from envsync.lock.reader import parse_lockfile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Done

HOSTILE = [
    "\x1b[31m",
    "../..",
    "/etc/passwd",
    "\u202e",
    "https://u:hunter2@h/x",
    "&a",
    "*a",
    "[",
    "{",
]
HOSTILE += [
    "!!python/object:os.system",
    "null",
    "1e999",
    "'",
    '"',
    ": ",
    "- ",
    "#",
    "\t",
    "\0",
    "%00",
]
HOSTILE += [
    "9" * 5000,
    "\n",
    "\r",
    "\u2028",
    "日本",
    "true",
    "~",
    "<<: *a",
    "---\n",
    "...\n",
    "|",
    ">",
]

COMMANDS = [
    ("check", "d"),
    ("diff", "good.conda-lock.yml", "d"),
    ("diff", "d", "good.conda-lock.yml", "--format", "json"),
    ("why", "six", "d"),
    ("tree", "d"),
    ("export", "--format", "explicit", "d"),
    ("export", "--format", "pixi", "d"),
    ("export", "--format", "pylock", "d"),
]


@pytest.fixture
def good(define: Callable[..., Path], tmp_path: Path) -> str:
    """Write a definition `d` with a lock, and a copy of the lock; return its text."""
    text = make_lock(
        define("python=3.11", "six"),
        conda_package("python", "3.11.9", dependencies=(("six", ""),)),
        conda_package("six", "1.17", dependencies=NEEDS_PYTHON),
        pip_package("idna", "3.10"),
    )
    (tmp_path / "d" / "conda-lock.yml").write_text(text, encoding="utf-8")
    (tmp_path / "good.conda-lock.yml").write_text(text, encoding="utf-8")
    return text


def is_harmless(done: Done) -> bool:
    shown = re.sub(r"[\n→│├└─…]", "", done.stdout + done.stderr)
    return done.status in (0, 1, 2) and shown.isprintable() and "hunter2" not in shown


def test_a_cycle_is_walked_once(envsync: Callable[..., Done], good: str) -> None:
    assert good

    assert envsync("why", "six", "d").stdout.startswith("linux-64: `")
    assert envsync("tree", "d").stdout == (
        "python 3.11.9\n  six 1.17\n    python 3.11.9 …\nsix 1.17 …\n"
    )
    assert envsync("diff", "d", "good.conda-lock.yml").stdout == "Nothing differs\n"


@pytest.fixture
def spoil(good: str, tmp_path: Path) -> Callable[[str, str], None]:
    """Put another text in the place of one that the lock of `d` has."""

    def replace(old: str, new: str) -> None:
        assert old in good
        (tmp_path / "d" / "conda-lock.yml").write_text(good.replace(old, new), encoding="utf-8")

    return replace


@pytest.mark.parametrize(
    "change",
    [
        ("name: six", "name: ../../six", "package[1].name: is not the name of a package"),
        ("name: six", "name: /etc/six", "package[1].name: is not the name of a package"),
        ("https://conda.example.org/forge/linux-64/six", "/srv/linux-64/six", "package[1].url: is"),
        ("example.org/forge/linux-64/six", "example.org/../linux-64/six", "has `.` or `..` in its"),
        ("https://conda.example.org", "https://u:hunter2@conda.example.org", "holds credentials"),
        ("platform: linux-64", "platform: linux-65", "is `linux-65`, which is no subdir"),
        ("md5: ", "md5: 0", "is not a md5 or sha256 in hexadecimal digits"),
        ("version: 1\n", "version: 2\n", "version: is `2`, envsync reads version `1`"),
        ("name: six", 'name: "six\\e[31m"', "package[1].name: has characters that can't be shown"),
    ],
)
@pytest.mark.parametrize(
    "command", [*COMMANDS, ("build-local", "d"), ("build-local", "d/conda-lock.yml")]
)
def test_nonsense_is_refused_by_every_command_with_its_line(
    envsync: Callable[..., Done],
    spoil: Callable[[str, str], None],
    change: tuple[str, str, str],
    command: tuple[str, ...],
) -> None:
    old, new, said = change
    spoil(old, new)

    done = envsync(*command)

    assert (done.status, done.stdout) == (2, "")
    assert said in done.stderr
    assert re.search(r"^Error: `d/conda-lock.yml`:\d+: ", done.stderr)
    assert is_harmless(done)


@pytest.mark.parametrize(
    "change",
    [
        ("linux-64/six-1.17", "linux-64/six-1.16", "is not an archive of `six 1.17`, as the entry"),
        (
            "forge/linux-64/six",
            "forge/osx-64/six",
            "is not an archive for `linux-64`, as the entry",
        ),
        ("    six: ''", "    lost: ''", "`linux-64` lacks `lost`, which `python` needs"),
    ],
)
@pytest.mark.parametrize(
    "command", [("check", "d"), ("build-local", "d"), ("build-local", "d/conda-lock.yml")]
)
def test_a_lock_that_contradicts_itself_is_not_built(
    envsync: Callable[..., Done],
    spoil: Callable[[str, str], None],
    change: tuple[str, str, str],
    command: tuple[str, ...],
) -> None:
    old, new, said = change
    spoil(old, new)

    done = envsync(*command)

    assert done.status != 0
    assert said in done.stderr


@st.composite
def edits(draw: st.DrawFn) -> Callable[[str], str]:
    """Draw a way to spoil a text: cut it, drop or repeat or move lines, or put something in."""
    places = draw(st.lists(st.floats(0, 1, exclude_max=True), min_size=2, max_size=2))
    kind = draw(st.sampled_from(["cut", "drop", "repeat", "swap", "insert", "value", "bytes"]))
    what = draw(st.sampled_from(HOSTILE) | st.text(max_size=8))

    def edit(text: str) -> str:
        lines = text.splitlines(keepends=True) or [""]
        first, second = sorted(int(place * len(lines)) for place in places)
        spot = int(places[0] * len(text))
        if kind == "cut":
            return text[:spot]
        if kind in ("insert", "bytes"):
            return text[:spot] + what + text[spot:]
        if kind == "value":
            head, colon, _ = lines[first].partition(":")
            lines[first] = f"{head}{colon} {what}\n"
        elif kind == "swap":
            lines[first], lines[second] = lines[second], lines[first]
        else:
            lines[first : second + 1] *= 2 * (kind == "repeat")
        return "".join(lines)

    return edit


@pytest.mark.slow
@settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(changes=st.lists(edits(), min_size=1, max_size=3), number=st.integers(0, len(COMMANDS) - 1))
def test_no_edit_of_a_lock_ends_in_a_bug(
    envsync: Callable[..., Done],
    good: str,
    tmp_path: Path,
    changes: list[Callable[[str], str]],
    number: int,
) -> None:
    text = good
    for change in changes:
        text = change(text)
    (tmp_path / "d" / "conda-lock.yml").write_bytes(text.encode("utf-8", "surrogatepass"))

    done = envsync(*COMMANDS[number])

    assert is_harmless(done), (done, text)


FOREIGN = [
    ("build-local", "{0}", "-p", "env", "--offline"),
    ("diff", "good.conda-lock.yml", "{0}"),
    ("save-to-directory", "{0}", "saved", "--overwrite"),
]


@pytest.mark.slow
@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    changes=st.lists(edits(), min_size=1, max_size=3),
    name=st.sampled_from(["pixi.lock", "explicit.txt"]),
    command=st.sampled_from(FOREIGN),
)
def test_no_edit_of_a_foreign_lock_ends_in_a_bug(
    envsync: Callable[..., Done],
    good: str,
    tmp_path: Path,
    changes: list[Callable[[str], str]],
    name: str,
    command: tuple[str, ...],
) -> None:
    lockfile = parse_lockfile(good, file="good")
    packages = lockfile.packages_for("linux-64")
    dumps = {"pixi.lock": dump_pixi(lockfile), "explicit.txt": dump_explicit(packages, "linux-64")}
    text = dumps[name]
    for change in changes:
        text = change(text)
    (tmp_path / name).write_bytes(text.encode("utf-8", "surrogatepass"))

    done = envsync(*(word.format(name) for word in command))

    assert is_harmless(done), (done, text)


@pytest.mark.slow
def test_a_chain_of_ten_thousand_packages_is_explained_in_bounded_time(
    envsync: Callable[..., Done], define: Callable[..., Path]
) -> None:
    count = 10_000
    directory = define("p0")
    packages = [
        conda_package(f"p{number}", dependencies=((f"p{(number + 1) % count}", ""),))
        for number in range(count)
    ]
    text = make_lock(directory, packages[0])
    head, entry = text[: text.index("- name")], text[text.index("- name") :]
    entries = [
        entry.replace("p0", f"p{number}").replace("p1:", f"p{(number + 1) % count}:")
        for number in range(count)
    ]
    (directory / "conda-lock.yml").write_text(head + "".join(entries), encoding="utf-8")
    start = time.monotonic()

    done = [envsync("check", "d"), envsync("why", f"p{count - 1}", "d"), envsync("tree", "d")]

    assert [each.status for each in done] == [0, 0, 0]
    assert done[1].stdout.count("→") == count
    assert max(map(len, done[2].stdout.splitlines())) < 300
    assert time.monotonic() - start < 20


def test_metadata_that_is_nested_beyond_measure_is_no_metadata(
    envsync: Callable[..., Done], good: str, tmp_path: Path
) -> None:
    nested = json.dumps("[" * 100_000)
    text = re.sub(r"(envsync.match-specs:).*\n(?:      .*\n)*", rf"\1 {nested}\n", good)
    assert text != good
    (tmp_path / "d" / "conda-lock.yml").write_text(text, encoding="utf-8")

    done = envsync("check", "d")

    assert done.status == 1
    assert "it does not say what it was locked for" in done.stderr
