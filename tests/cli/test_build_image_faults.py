from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from support.images.base_archive import write_base
from support.images.images import list_members, print_id, read_layout

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Done

pytestmark = pytest.mark.e2e


def test_a_poisoned_layer_cache_is_noticed_and_mended(
    locked: Callable[..., Done], private_home: Path, tmp_path: Path
) -> None:
    expected = print_id(locked)
    blobs = private_home / ".envsync/cache/layers/blobs"
    largest = max(blobs.iterdir(), key=lambda path: path.stat().st_size)
    content = bytearray(largest.read_bytes())
    content[2000:2010] = b"poisoned!!"
    largest.write_bytes(content)
    done = locked("build-local", "d", "--base", "base.tar", "--output", "image.tar", "--print-id")

    assert (done.status, done.stdout.strip()) == (0, expected)
    assert not any(
        b"poisoned!!" in content
        for content in list_members(tmp_path / "image.tar").values()
        if isinstance(content, bytes)
    )


def _swap_neighbours(paths: list[Path]) -> None:
    contents = [path.read_bytes() for path in paths]
    for path, content in zip(paths, [*contents[1:], *contents[:1]], strict=True):
        path.write_bytes(content)


def _flip_a_byte(paths: list[Path]) -> None:
    for path in paths:
        content = bytearray(path.read_bytes())
        content[len(content) // 3] ^= 1
        path.write_bytes(content)


def _truncate(paths: list[Path]) -> None:
    for path in paths:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _empty(paths: list[Path]) -> None:
    for path in paths:
        path.write_bytes(b"")


def _remove(paths: list[Path]) -> None:
    for path in paths:
        path.unlink()


@pytest.mark.parametrize("damage", [_swap_neighbours, _flip_a_byte, _truncate, _empty, _remove])
def test_whatever_is_damaged_in_the_layer_cache_the_image_is_the_same(
    locked: Callable[..., Done],
    private_home: Path,
    tmp_path: Path,
    damage: Callable[[list[Path]], None],
) -> None:
    expected = print_id(locked, "--oci", "before", "--output", "before.tar")
    for folder in ("blobs", "made", "gzip", "bases"):
        damaged = private_home / ".envsync/cache/layers" / folder
        damage(sorted(path for path in damaged.iterdir() if path.is_file()))

    assert print_id(locked, "--oci", "after", "--output", "after.tar") == expected
    assert (tmp_path / "after.tar").read_bytes() == (tmp_path / "before.tar").read_bytes()
    before, after = (tmp_path / f"{it}/blobs/sha256" for it in ("before", "after"))
    assert {path.name: path.read_bytes() for path in after.iterdir()} == {
        path.name: path.read_bytes() for path in before.iterdir()
    }


def test_a_poisoned_package_cache_is_noticed(
    locked: Callable[..., Done], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RATTLER_CACHE_DIR", str(tmp_path / "rattler"))
    print_id(locked, "--name", "first")
    poisoned = next((tmp_path / "rattler").rglob("six.py"))
    before = poisoned.stat()
    poisoned.write_text("raise SystemExit('poisoned')\n")
    os.utime(poisoned, ns=(before.st_atime_ns, before.st_mtime_ns))  # or it would be restored
    done = locked("build-local", "d", "--base", "base.tar", "--print-id", "--name", "second")

    assert done.status == 1
    assert "six.py` does not match its package's hash: its bytes were changed" in done.stderr


def test_a_build_that_was_killed_is_taken_up_again(
    locked: Callable[..., Done], private_home: Path, tmp_path: Path
) -> None:
    arguments = ["build-local", "d", "--base", "base.tar", "--oci", "layout"]
    for delay in (0.3, 0.6, 0.9, 1.3):
        process = subprocess.Popen(
            [sys.executable, "-m", "envsync", *arguments], stderr=subprocess.DEVNULL
        )
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not (tmp_path / "layout").exists() or read_layout(tmp_path / "layout")
    done = locked(*arguments)
    cache = private_home / ".envsync/cache/layers"

    assert done.status == 0
    read_layout(tmp_path / "layout")
    assert list(cache.glob("staging-*")) == []
    assert list((cache / "blobs").glob("*.partial")) == []


def test_what_was_made_before_a_kill_is_not_made_again(
    locked: Callable[..., Done], private_home: Path, tmp_path: Path
) -> None:
    """The conda packages are there by then, and the pip package is on its way."""
    cache = private_home / ".envsync/cache/layers"
    expected = print_id(locked, "--output", "expected.tar")
    shutil.rmtree(cache)
    arguments = ["build-local", "d", "--base", "base.tar", "--output", "x.tar"]
    with _start(*arguments) as process:
        while len(list((cache / "made").glob("[0-9a-f]*"))) < 3:
            assert process.poll() is None
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
    done = locked(*arguments, "--print-id")

    assert (done.status, done.stdout.strip()) == (0, expected)
    assert "Staging conda packages" not in done.stderr
    assert (tmp_path / "x.tar").read_bytes() == (tmp_path / "expected.tar").read_bytes()


def test_an_archive_that_was_on_its_way_when_its_build_was_killed_is_cleared_away(
    locked: Callable[..., Done], tmp_path: Path
) -> None:
    arguments = ["build-local", "d", "--base", "base.tar", "--output", "x.tar"]
    print_id(locked)
    with _start(*arguments) as process:
        while not list(tmp_path.glob(".x.tar.*")):
            assert process.poll() is None
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
    left = list(tmp_path.glob(".x.tar.*"))
    done = locked(*arguments)

    assert (len(left), done.status) == (1, 0)
    assert list(tmp_path.glob(".x.tar.*")) == []


def test_builds_at_a_time_share_a_cache_that_has_nothing_yet(
    locked: Callable[..., Done], tmp_path: Path
) -> None:
    del locked
    with contextlib.ExitStack() as stack:
        processes = [
            stack.enter_context(
                _start("build-local", "d", "--base", "base.tar", "--oci", name, "--print-id")
            )
            for name in ("one", "two", "three")
        ]
        said = [process.communicate() for process in processes]

    assert [process.returncode for process in processes] == [0, 0, 0], said
    assert len({stdout for stdout, _ in said}) == 1
    layouts = [read_layout(tmp_path / name) for name in ("one", "two", "three")]
    assert layouts[0] == layouts[1] == layouts[2]


def _start(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "envsync", *arguments]
    return subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_a_full_disk_is_said_and_leaves_nothing(
    locked: Callable[..., Done], tmp_path: Path
) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root to mount a small disk")
    print_id(locked)
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(small)]
    unmount = ["umount", str(small)]
    subprocess.run(mount, check=True)
    try:
        archive = locked("build-local", "d", "--base", "base.tar", "--output", "small/x.tar")
        layout = locked("build-local", "d", "--base", "base.tar", "--oci", "small/layout")
        left = list(small.iterdir())
    finally:
        subprocess.run(unmount, check=True)

    assert (archive.status, layout.status) == (1, 1)
    for done, name in ((archive, "x.tar"), (layout, "layout")):
        assert done.stderr.splitlines()[-2:] == [
            f"Error: Cannot write `small/{name}`: No space left on device",
            "Hint: free some space there, and run this again",
        ]
    assert left == []


def test_a_base_with_an_older_glibc_is_refused_before_anything_is_built(
    locked: Callable[..., Done], private_home: Path, tmp_path: Path
) -> None:
    write_base(tmp_path / "old.tar", glibc="2.12")
    done = locked("build-local", "d", "--base", "old.tar", "--oci", "layout")

    assert done.status == 1
    assert "Error: Base image `old.tar` has glibc 2.12, and the lock assumes " in done.stderr
    assert not (tmp_path / "layout").exists()
    assert not (private_home / ".envsync/cache/layers/made").exists()


def test_a_base_without_glibc_is_refused(locked: Callable[..., Done], tmp_path: Path) -> None:
    write_base(tmp_path / "musl.tar", glibc=None)
    done = locked("build-local", "d", "--base", "musl.tar", "--oci", "layout")

    assert done.status == 1
    assert "Error: Base image `musl.tar` has no glibc, and the packages need " in done.stderr


def test_a_base_of_another_architecture_is_refused(
    locked: Callable[..., Done], tmp_path: Path
) -> None:
    write_base(tmp_path / "other.tar", architecture="s390x")
    done = locked("build-local", "d", "--base", "other.tar", "--oci", "layout")

    assert done.status == 1
    assert done.stderr.startswith(
        "Error: Base image `other.tar` is for `linux/s390x`, and the environment for `linux/"
    )


def test_a_definition_without_a_base_says_how_to_name_one(locked: Callable[..., Done]) -> None:
    done = locked("build-local", "d", "--oci", "layout")

    assert done.status == 2
    assert done.stderr == (
        "Error: The definition names no base image\nHint: name one with `--base`\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--tag", "Upper:1"), "`Upper:1` is not an image reference: a repository is lower-case"),
        (("--push", "a b"), "`a b` is not an image reference"),
        (("--base", "nowhere.tar"), "Cannot read `nowhere.tar`: No such file or directory"),
        (
            ("--base", "d/conda-lock.yml"),
            "`d/conda-lock.yml` is neither an OCI layout nor an archive",
        ),
        (("--oci", "d"), "`d` exists and is not an OCI layout"),
        (("--output", "d"), "`d` is a folder"),
        (("--output", "none/x.tar"), "Cannot write `none/x.tar`: No such file or directory"),
        (("--oci", "base.tar/x"), "Cannot write `base.tar/x`: Not a directory"),
    ],
)
def test_wrong_words_on_the_command_line_are_said(
    locked: Callable[..., Done], arguments: tuple[str, ...], message: str
) -> None:
    base = () if "--base" in arguments else ("--base", "base.tar")
    done = locked("build-local", "d", "--print-id", *base, *arguments)

    assert done.status in (1, 2)
    assert f"Error: {message}" in done.stderr


def test_a_stale_lock_is_refused_unless_taken_as_it_is(
    locked: Callable[..., Done], define: Callable[..., Path]
) -> None:
    define("python", "six=1.17", "click")
    done = locked("build-local", "d", "--base", "base.tar", "--print-id")

    assert done.status == 1
    assert "is stale" in done.stderr
    assert print_id(locked, "--frozen").startswith("sha256:")
