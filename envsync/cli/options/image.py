"""The options of `envsync build-local` that ask for an image, and what is said of one."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from envsync.model.text.wording import count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from envsync.workflow.image.build import ImageOutcome
    from envsync.workflow.image.shipment import Delivery
    from envsync.workflow.image.sinks import Targets

_Command = TypeVar("_Command", bound="Callable[..., object]")
_PATH = click.Path(path_type=Path)

MOST_LAYERS = 120  # as in `envsync.image.packages.arrangement`, whose import takes time
_KILO, _MEGA = 1000, 1_000_000

_OPTIONS = (
    click.option(
        "--docker", is_flag=True, help="Make an image, and load it into the Docker Engine."
    ),
    click.option("--tag", "tags", multiple=True, metavar="NAME", help="Name of the image."),
    click.option("--output", type=_PATH, metavar="FILE", help="Write the image as an archive."),
    click.option("--oci", type=_PATH, metavar="FOLDER", help="Write the image as an OCI layout."),
    click.option("--push", multiple=True, metavar="NAME", help="Push the image to a registry."),
    click.option("--base", metavar="NAME", help="Base image: a name, a path, or `scratch`."),
    click.option(
        "--max-layers",
        type=click.IntRange(8, MOST_LAYERS),
        metavar="NUMBER",
        help=f"Let packages share layers beyond so many; by default {MOST_LAYERS}.",
    ),
    click.option("--print-id", is_flag=True, help="Print the image's id."),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageArguments:
    """What was said on the command line about an image."""

    docker: bool
    tags: tuple[str, ...]
    output: Path | None
    oci: Path | None
    push: tuple[str, ...]
    base: str | None
    max_layers: int | None
    print_id: bool

    @property
    def is_asked_for(self) -> bool:
        """Whether anything was said."""
        return any(getattr(self, each.name) for each in fields(self))

    def to_targets(self) -> Targets:
        """Return where the image is to go."""
        from envsync.workflow.image.sinks import Targets  # noqa: PLC0415  # only for images

        is_nowhere = not (self.output or self.oci or self.push or self.print_id)
        return Targets(
            tags=self.tags,
            engine=self.docker or is_nowhere,
            archive=self.output,
            layout=self.oci,
            push=self.push,
        )


def image_options(command: _Command) -> _Command:
    """Add the options that ask for an image to *command*."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def show_outcome(outcome: ImageOutcome, asked: ImageArguments) -> None:
    """Say what image there is, where it went as it was *asked*, and how it is run."""
    for delivery in outcome.deliveries:
        click.echo(_describe(delivery, outcome.layer_count), err=True)
    tags = ", ".join(f"`{tag}`" for tag in outcome.image.tags)
    if outcome.deliveries:
        click.echo(f"Image {tags}: `{outcome.image.id}`", err=True)
        commands = " and ".join(f"`{shlex.join(words)}`" for words in _list_steps(outcome, asked))
        click.echo(f"Run it with {commands}", err=True)
    if asked.print_id:
        click.echo(outcome.image.id)


def _list_steps(outcome: ImageOutcome, asked: ImageArguments) -> Iterator[tuple[str, ...]]:
    """Give the commands that run the image, which an engine may have to get first."""
    name = outcome.image.tags[0]
    if not asked.to_targets().engine:
        if asked.push:
            name = asked.push[0]
        elif asked.output is not None:
            yield ("docker", "load", "-i", str(asked.output))
        elif asked.oci is not None:
            from envsync.model.image import parse_reference  # noqa: PLC0415  # only for images

            tag = parse_reference(name).tag
            full = name if tag else f"{name}:latest"
            yield ("skopeo", "copy", f"oci:{asked.oci}:{tag or 'latest'}", f"docker-daemon:{full}")
    yield ("docker", "run", *outcome.run_options, name)


def _describe(delivery: Delivery, layer_count: int) -> str:
    name = f", as `{delivery.digest}`" if delivery.names_by_manifest else ""
    if not delivery.changed:
        return f"{delivery.place}: nothing to do, the image is there{name}"
    reused = layer_count - delivery.sent
    size = f" ({_dump_size(delivery.sent_bytes)})" if delivery.sent else ""
    return f"{delivery.place}: {count(delivery.sent, 'new layer')}{size}, {reused} reused{name}"


def _dump_size(size: int) -> str:
    unit, name = (_KILO, "kB") if size < _MEGA // 10 else (_MEGA, "MB")
    return f"{size / unit:.1f} {name}"
