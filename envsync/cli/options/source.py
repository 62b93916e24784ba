"""Options of the commands that take a definition in any format."""

from __future__ import annotations

import click

from envsync.definition.formats import SOURCE_FORMATS

SOURCE_FORMAT = click.option(
    "--from",
    "source_format",
    type=click.Choice(SOURCE_FORMATS),
    help="The format of SOURCE; by default what it looks like.",
)
BASE_IMAGE = click.option(
    "--image",
    "--base",
    "image",
    metavar="NAME",
    help="Base image to write, in place of the one in SOURCE.",
)
