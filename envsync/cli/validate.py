"""`envsync validate`."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import click

from envsync.cli.terminal.diagnoses import (
    describe_fix,
    describe_place,
    dump_github,
    dump_json,
    dump_text,
    summarize,
)
from envsync.cli.terminal.group import warn
from envsync.lock.reader import LOCKFILE_NAME
from envsync.model.text.wording import shell_quote
from envsync.workflow.definition.validate import find_source, validate

if TYPE_CHECKING:
    from datetime import date

    from envsync.workflow.definition.validate import Validation

_WRONG = 2
_DUMPERS = {"text": dump_text, "json": dump_json, "github": dump_github}


@click.command(name="validate")
@click.argument("sources", metavar="[SOURCE]...", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--format",
    "output_format",
    type=click.Choice(tuple(_DUMPERS)),
    default="text",
    show_default=True,
    help="How to write what was found; `github` makes annotations of a workflow run.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--fix", "wants_fix", is_flag=True, help="Apply the fixes that are safe, in place.")
@click.option(
    "--strict", is_flag=True, help="Let warnings count: the status is 1 if there are any."
)
def command(
    sources: tuple[Path, ...], output_format: str, *, as_json: bool, wants_fix: bool, strict: bool
) -> int:
    """Say everything that is wrong or risky in each definition SOURCE; offline.

    Any source is taken that can be locked: the folder or a file of a definition, a v2 or conda
    YAML file, an MLflow model. The status is 2 where there are errors, so that the environment
    can't be built; otherwise 0, or 1 with --strict where there are warnings. Notes never count.

    --fix applies what can't change what the author meant: it adds a missing `pip`, removes what
    is there twice or empty, corrects the spelling of keys, turns `=>` into `>=`, takes the quotes
    from "false" and puts them around 1.10. Comments, order and line ends stay.
    """
    today = datetime.now(tz=timezone.utc).date()
    chosen = dict.fromkeys(find_source(source) for source in sources or (Path(),))
    validations = [_look_at(source, today=today, wants_fix=wants_fix) for source in chosen]
    output = _DUMPERS["json" if as_json else output_format](validations)
    if output:
        click.echo(output)
    _say_what_was_done(validations)
    if any(validation.count("error") for validation in validations):
        return _WRONG
    return int(strict and any(validation.count("warning") for validation in validations))


def _look_at(source: Path, *, today: date, wants_fix: bool) -> Validation:
    if not wants_fix:
        return validate(source, today=today)
    from envsync.workflow.definition.fix import fix  # noqa: PLC0415  # a mere look needs none of it

    return fix(source, today=today)


def _say_what_was_done(validations: list[Validation]) -> None:
    for validation in validations:
        for diagnosis in validation.fixed:
            click.echo(f"Fixed {describe_place(diagnosis)}: {describe_fix(diagnosis)}", err=True)
        folder = validation.source if validation.source.is_dir() else validation.source.parent
        lock = folder / LOCKFILE_NAME
        if validation.fixed and lock.exists():
            warn(f"`{lock}` may be stale now", f"run `envsync check {shell_quote(folder)}`")
    click.echo(summarize(validations), err=True)
