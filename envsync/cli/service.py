"""`envsync service`."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import click

from envsync.cli.options.serving import (
    ALLOWED_HOST,
    BASE,
    FROZEN,
    WAIT,
    show_service,
    source_options,
    take_permission,
)
from envsync.cli.options.target import target_options
from envsync.cli.terminal.progress import report_progress
from envsync.cli.terminal.table import show_table
from envsync.cli.terminal.usage import Group
from envsync.workflow.scoring.target import ScoringChoice
from envsync.workflow.service import service as services
from envsync.workflow.service.plan import find_change

if TYPE_CHECKING:
    from envsync.model.scoring.service import ServiceStatus
    from envsync.workflow.service.plan import ServicePlan

_SERVICE = click.argument("service", metavar="SERVICE")
_HEADER = ("NAME", "KIND", "STATE", "SCORING URI", "LOCK")
_DIGEST_LENGTH = len("sha256:") + 12


@click.group("service", cls=Group)
def command() -> None:
    """Look after services: what `envsync serve --detach` left running."""


@command.command("list", short_help="List the services.")
@click.option("--json", "as_json", is_flag=True, help="Print all that is known, as JSON.")
def list_(*, as_json: bool) -> None:
    """List the services of this user, and those of the Docker Engine."""
    found = services.list_services()
    if as_json:
        records = [{**asdict(one), "scoring_uri": one.scoring_uri} for one in found]
        click.echo(json.dumps(records, indent=2))
        return
    if not found:
        click.echo("No services; `envsync serve --detach` leaves one running", err=True)
        return
    show_table(_HEADER, map(_row, found))


@command.command("logs", short_help="Print what a service printed.")
@_SERVICE
@click.option("-f", "--follow", is_flag=True, help="Go on with what is printed from now on.")
@click.option("--tail", type=click.IntRange(0), metavar="N", help="Only so many lines of the end.")
def logs(service: str, *, follow: bool, tail: int | None) -> None:
    """Print what SERVICE printed."""
    whole = () if follow else (services.read_log(service, tail=tail),)
    for text in services.follow_log(service, tail=tail) if follow else whole:
        sys.stdout.buffer.write(text)
        sys.stdout.buffer.flush()


@command.command("update", short_help="Make a service anew, from what there is by now.")
@_SERVICE
@target_options
@click.option("--port", type=click.IntRange(0, 65535), metavar="PORT", help="Another port.")
@click.option(
    "--workers", type=click.IntRange(1, 512), metavar="N", help="Another number of workers."
)
@ALLOWED_HOST
@BASE
@FROZEN
@source_options
@WAIT
def update(service: str, *, wait: float, **given: Any) -> None:
    """Make SERVICE anew: source, model and environment as they are by now.

    What was said when it was deployed holds, unless it is said otherwise here. If the new one
    can't be started, the old one goes on.
    """
    settings = {key: given.pop(key) for key in ("port", "workers")}
    settings["allowed_hosts"] = given.pop("allowed_hosts") or None
    permission = take_permission(given)
    image = {"base": given.pop("base"), "frozen": given.pop("frozen") or None}
    choice = ScoringChoice(**given)

    def change(plan: ServicePlan) -> ServicePlan:
        wanted = {key: value for key, value in settings.items() if value is not None}
        asked = {key: value for key, value in image.items() if value is not None}
        plan = find_change(plan, choice)
        return replace(
            plan,
            files=permission.give(plan.files),
            options=replace(plan.options, **wanted),
            **asked,
        )

    with report_progress() as reporter:
        patience = services.Patience(seconds=wait)
        status = services.update(service, change, reporter=reporter, patience=patience)
    show_service(status)


@command.command("reload", short_help="Have a service load its source again.")
@_SERVICE
@source_options
@WAIT
def reload(service: str, *, wait: float, **given: Any) -> None:
    """Have SERVICE load its source again.

    The old code answers until the new code is loaded, and goes on if that fails. Model and
    environment stay as they are.
    """
    patience = services.Patience(seconds=wait)
    permission = take_permission(given)
    show_service(services.reload(service, patience=patience, permission=permission))


@command.command("delete", short_help="End services, and remove what there is of them.")
@click.argument("names", metavar="SERVICE...", nargs=-1, required=True)
def delete(names: tuple[str, ...]) -> None:
    """End each SERVICE, and remove what there is of it."""
    for name in names:
        services.delete(name)
        click.echo(f"Deleted `{name}`", err=True)


def _row(status: ServiceStatus) -> tuple[str, ...]:
    state: str = status.state
    if status.exit_status is not None:
        state += f" (status {status.exit_status})"
    digest = (status.lock_digest or "-")[:_DIGEST_LENGTH]
    return (status.name, status.kind, state, status.scoring_uri or "-", digest)
