"""`envsync verify`."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from envsync.cli.options.environment import (
    DEFINITION,
    ENVIRONMENT_NAME,
    ENVIRONMENT_PREFIX,
    check_one_place,
)
from envsync.cli.terminal.changes import describe_package
from envsync.cli.terminal.progress import report_progress
from envsync.errors import EnvsyncError
from envsync.model.text.wording import count, shell_quote

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from envsync.lock.diff import Change
    from envsync.workflow.environment.verify import VerifyOutcome


@click.command(name="verify")
@DEFINITION
@ENVIRONMENT_NAME
@ENVIRONMENT_PREFIX
@click.option("--image", metavar="NAME", help="Look into this image: a name, or a path.")
@click.option("--frozen", is_flag=True, help="Take the lock as it is, even if it is stale.")
@click.option("--json", "whole", is_flag=True, help="Print what differs as JSON.")
def command(
    directory: Path,
    name: str | None,
    prefix: Path | None,
    image: str | None,
    *,
    frozen: bool,
    whole: bool,
) -> None:
    """Hold the environment of the definition in DIR against its lock, byte for byte.

    Each package and each file that is missing, another or added is printed. With --image the
    environment is one in an image, of which nothing is run.
    """
    if image is None:
        check_one_place(name, prefix)
        outcome = _verify(directory, prefix=prefix, name=name, frozen=frozen)
    else:
        outcome = _verify_image(directory, image, prefix=prefix, name=name, frozen=frozen)
    click.echo(_dump_json(outcome) if whole else "".join(_list_lines(outcome)), nl=False)
    what = "Environment" if image is None else "Image"
    if not outcome.is_right:
        again = "--docker" if image is not None else "--reinstall"
        raise EnvsyncError(
            f"{what} `{outcome.place}` is not what the lock says: {_count(outcome)}",
            hint=f"make it anew with `envsync build-local {shell_quote(directory)} {again}`",
        )
    packages = count(outcome.package_count, "package")
    click.echo(f"{what} `{outcome.place}` has the {packages} of the lock", err=True)


def _verify(
    directory: Path, *, prefix: Path | None, name: str | None, frozen: bool
) -> VerifyOutcome:
    from envsync.workflow.environment.verify import verify  # noqa: PLC0415  # images need more

    with report_progress() as reporter:
        return verify(directory, prefix=prefix, name=name, frozen=frozen, reporter=reporter)


def _verify_image(
    directory: Path, image: str, *, prefix: Path | None, name: str | None, frozen: bool
) -> VerifyOutcome:
    from envsync.workflow.image.assembly import ImageOptions  # noqa: PLC0415
    from envsync.workflow.image.verify import verify_image  # noqa: PLC0415

    options = ImageOptions(name=name, frozen=frozen)
    place = None if prefix is None else prefix.as_posix()
    with report_progress() as reporter:
        return verify_image(directory, image, options=options, prefix=place, reporter=reporter)


def _list_lines(outcome: VerifyOutcome) -> Iterator[str]:
    for change in outcome.changes:
        package = change.after or change.before
        manager = package.manager if package is not None else ""
        yield f"{_name_kind(change)} ({manager})\n"
    for file in outcome.files:
        owner = f" ({file.package})" if file.package else ""
        yield f"{file.problem} {outcome.prefix}/{_escape(file.path)}{owner}\n"


def _escape(path: str) -> str:
    """Return *path* on one line, whatever somebody put into a file's name."""
    return "".join(
        it if it.isprintable() else it.encode("unicode_escape").decode("ascii") for it in path
    )


def _name_kind(change: Change) -> str:
    """Return *change* in a line; what is removed from a lock is missing in an environment."""
    text = describe_package(change)
    return text.replace("removed", "missing", 1) if change.kind == "removed" else text


def _count(outcome: VerifyOutcome) -> str:
    counts = (("package", len(outcome.changes)), ("file", len(outcome.files)))
    parts = [count(number, noun) for noun, number in counts if number]
    total = sum(number for _, number in counts)
    return f"{' and '.join(parts)} {'differs' if total == 1 else 'differ'}"


def _dump_json(outcome: VerifyOutcome) -> str:
    content = {
        "place": outcome.place,
        "prefix": outcome.prefix,
        "packages": [asdict(change) for change in outcome.changes],
        "files": [asdict(file) for file in outcome.files],
    }
    return json.dumps(content, indent=2) + "\n"
