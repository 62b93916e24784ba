"""`envsync model`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from envsync.cli.terminal.table import show_table
from envsync.cli.terminal.usage import Group
from envsync.errors import DefinitionError
from envsync.model.scoring.registered_model import ModelNotes, ModelReference, parse_model_reference
from envsync.workflow.scoring import models as workflow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envsync.model.scoring.registered_model import RegisteredModel

_REFERENCE = click.argument("reference", metavar="NAME[:VERSION]")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print all that is known, as JSON.")
_HEADER = ("MODEL", "REGISTERED", "FILE", "TAGS", "DESCRIPTION")


@click.group("model", cls=Group)
def command() -> None:
    """Keep models by name and version, below `$ENVSYNC_HOME/models`."""


@command.command("register", short_help="Copy a file or folder in, as the next version of a model.")
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "-n", "--name", metavar="NAME", required=True, help="Its name; the version is counted up."
)
@click.option("--tag", "tags", metavar="KEY=VALUE", multiple=True, help="May be repeated.")
@click.option("--property", "properties", metavar="KEY=VALUE", multiple=True, help="As --tag.")
@click.option("--description", metavar="SENTENCE", help="What it is.")
@click.option("--framework", metavar="NAME", help="What it was made with, such as ScikitLearn.")
@click.option("--framework-version", metavar="VERSION", help="The framework's version.")
@click.option(
    "--follow-links",
    "follows_links",
    is_flag=True,
    help="Copy what links lead to that lead out of PATH.",
)
@_JSON
def register(path: Path, name: str, *, follows_links: bool, as_json: bool, **notes: object) -> None:
    """Copy the file or folder PATH into the registry, as the next version of a model."""
    pairs = {key: _parse_pairs(notes.pop(key)) for key in ("tags", "properties")}
    said = ModelNotes(**pairs, **notes)  # type: ignore[arg-type]  # click's own
    model = workflow.register(path, name, said, follows_links=follows_links)
    click.echo(_text(model) if as_json else f"Registered `{model.id}`: sha256 {model.sha256}")


@command.command("list", short_help="List the models, or the versions of one.")
@click.argument("name", metavar="[NAME]", required=False)
@_JSON
def list_(name: str | None, *, as_json: bool) -> None:
    """List the registered models, or the versions of NAME."""
    models = [m for m in workflow.open_registry().list_models() if name in {None, m.name}]
    if name is not None and not models:
        workflow.find(ModelReference(name=name))
    if as_json:
        click.echo(json.dumps([_record(model) for model in models], indent=2))
        return
    if not models:
        click.echo("No models; `envsync model register` keeps one", err=True)
        return
    show_table(_HEADER, map(_row, models))


@command.command("show", short_help="Say what is known of a model.")
@_REFERENCE
@_JSON
def show(reference: str, *, as_json: bool) -> None:
    """Say what is known of a model: of its latest version, unless VERSION is given."""
    model = workflow.find(parse_model_reference(reference))
    if as_json:
        click.echo(_text(model))
        return
    for key, value in _record(model).items():
        if isinstance(value, dict):
            value = " ".join(f"{name}={text}" for name, text in value.items())  # noqa: PLW2901
        if value not in {None, ""}:
            click.echo(f"{key}: {value}")


@command.command("download", short_help="Copy a model out, under its own file name.")
@_REFERENCE
@click.option(
    "-o",
    "--output",
    metavar="DIR",
    default=".",
    type=click.Path(path_type=Path),
    help="Where to; the working directory by default.",
)
@click.option("--overwrite", is_flag=True, help="Replace what is there under its file name.")
def download(reference: str, output: Path, *, overwrite: bool) -> None:
    """Copy a model out of the registry, under its own file name."""
    model = workflow.find(parse_model_reference(reference))
    target = workflow.download(model, output, overwrite=overwrite)
    click.echo(f"Downloaded `{model.id}` to `{target}`")


@command.command("delete", short_help="Delete a version of a model, or all of them.")
@_REFERENCE
@click.option("--all", "every", is_flag=True, help="Delete all versions of NAME.")
def delete(reference: str, *, every: bool) -> None:
    """Delete a version of a model; its number is not used again."""
    parsed = parse_model_reference(reference)
    if (parsed.version is None) is not every:
        raise DefinitionError(
            f"`{reference}` names no version" if not every else f"`{reference}` names one version",
            hint=f"write `{parsed.name}:VERSION`, or `{parsed.name} --all`",
        )
    registry = workflow.open_registry()
    versions: Sequence[int] = (parsed.version,) if parsed.version is not None else ()
    if every:
        versions = registry.versions(parsed.name) or (registry.find(parsed.name).version,)
    for version in versions:
        registry.delete(parsed.name, version)
        click.echo(f"Deleted `{parsed.name}:{version}`")


def _parse_pairs(given: object) -> tuple[tuple[str, str], ...]:
    pairs: dict[str, str] = {}
    for text in given if isinstance(given, tuple) else ():
        key, sign, value = text.partition("=")
        if not key or not sign:
            raise DefinitionError(f"`{text}` is no pair", hint="write it as `KEY=VALUE`")
        pairs[key] = value
    return tuple(pairs.items())


def _row(model: RegisteredModel) -> tuple[str, ...]:
    tags = " ".join(f"{key}={value}" for key, value in model.notes.tags)
    return (model.id, model.created, model.path.name, tags, model.notes.description or "")


def _text(model: RegisteredModel) -> str:
    return json.dumps(_record(model), indent=2)


def _record(model: RegisteredModel) -> dict[str, object]:
    notes = model.notes
    return {
        "id": model.id,
        "name": model.name,
        "version": model.version,
        "path": str(model.path),
        "sha256": model.sha256,
        "size": model.size,
        "created": model.created,
        "framework": notes.framework,
        "framework_version": notes.framework_version,
        "description": notes.description,
        "tags": dict(notes.tags),
        "properties": dict(notes.properties),
    }
