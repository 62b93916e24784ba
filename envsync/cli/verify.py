"""`envsync verify`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from envsync.cli._options import DEFINITION
from envsync.cli._progress import report_progress
from envsync.errors import EnvsyncError
from envsync.workflow.image_assembly import ImageOptions
from envsync.workflow.verify_image import verify_image

if TYPE_CHECKING:
    from pathlib import Path


@click.command(name="verify")
@DEFINITION
@click.option("--image", required=True, metavar="NAME", help="The image: a name, or a path.")
@click.option("-n", "--name", help="Name of the environment; by default the definition's name.")
@click.option("--frozen", is_flag=True, help="Take the lock as it is, even if it is stale.")
def command(directory: Path, image: str, name: str | None, *, frozen: bool) -> None:
    """Hold an image against the lock in DIR, byte for byte, without running it.

    Each file that is missing, changed or added is printed, with the package that it belongs to.
    """
    options = ImageOptions(name=name, frozen=frozen)
    with report_progress() as reporter:
        outcome = verify_image(directory, image, options=options, reporter=reporter)
    for difference in outcome.differences:
        click.echo(f"{difference.problem} {difference.path} ({difference.package or 'unknown'})")
    if outcome.differences:
        packages = {it.package for it in outcome.differences if it.package}
        raise EnvsyncError(
            f"Image `{image}` is not what the lock says: {len(outcome.differences)} files differ, "
            f"of {len(packages)} packages",
            hint=f"build it again with `envsync build-local {directory} --docker`",
        )
    click.echo(f"Image `{image}` has the {outcome.package_count} packages of the lock", err=True)
