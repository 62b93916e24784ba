"""What `envsync serve` does beyond serving in the foreground of this machine."""

from __future__ import annotations

import re
import signal
import sys
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

import click

from envsync.cli.terminal.progress import report_progress

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from envsync.model.scoring.service import ServiceStatus
    from envsync.workflow.scoring.serve import ServeOptions
    from envsync.workflow.scoring.target import ScoringChoice
    from envsync.workflow.service.plan import ServicePlan, SourcePermission

Command = TypeVar("Command", bound="Callable[..., Any]")

WAIT = click.option(
    "--wait",
    type=click.FloatRange(0, 86400),
    default=300,
    show_default=True,
    metavar="SECONDS",
    help="How long the script may take to load before a service counts as failed.",
)
BASE = click.option("--base", metavar="NAME", help="Base image: a name, a path, or `scratch`.")
FROZEN = click.option(
    "--frozen", is_flag=True, help="For the image, take the lock as it is, even if it is stale."
)
ALLOWED_HOST = click.option(
    "--allowed-host",
    "allowed_hosts",
    multiple=True,
    metavar="HOST",
    callback=lambda _context, _option, hosts: tuple(map(_check_host, hosts)),
    help="Also answer requests to this host, such as a proxy's; `*` for all. May be repeated.",
)
_SOURCE_OPTIONS = (
    click.option(
        "--allow-large-source", "allows_large", is_flag=True, help="Copy a source over 300 MiB."
    ),
    click.option(
        "--follow-links",
        "follows_links",
        is_flag=True,
        help="Copy what links lead to that lead out of the source or the model.",
    ),
)
_HOST = re.compile(r"\*|(\*\.)?[a-z0-9_]([-a-z0-9_.]*[a-z0-9_])?|[0-9a-f:.]*:[0-9a-f:.]*")

_OPTIONS = (
    click.option("--docker", is_flag=True, help="Serve in a container of the definition's image."),
    click.option(
        "--detach", is_flag=True, help="Leave it running; `envsync service` knows it from then on."
    ),
    click.option(
        "--service-name", metavar="NAME", help="With --detach. Default: the definition's name."
    ),
    click.option(
        "--server",
        type=click.Choice(["envsync", "azureml"]),
        default="envsync",
        show_default=True,
        help="With --docker, `azureml` runs the environment's own azureml-inference-server-http.",
    ),
    BASE,
    FROZEN,
    WAIT,
    *_SOURCE_OPTIONS,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceArguments:
    """What was said on the command line about a container or a service."""

    docker: bool
    detach: bool
    service_name: str | None
    server: str
    base: str | None
    frozen: bool
    wait: float
    allows_large: bool
    follows_links: bool

    @property
    def is_plain(self) -> bool:
        """Whether neither a container nor a service is asked for."""
        return not self.docker and not self.detach


def source_options(command: Command) -> Command:
    """Give *command* the options that `take_permission` takes."""
    for option in reversed(_SOURCE_OPTIONS):
        command = option(command)
    return command


def take_permission(given: dict[str, Any]) -> SourcePermission:
    """Take out of *given* what of the source may be copied; what was not said stays as it is."""
    from envsync.workflow.service.plan import SourcePermission  # noqa: PLC0415  # only here

    names = [each.name for each in fields(SourcePermission)]
    return SourcePermission(**{name: given.pop(name) or None for name in names})


def service_options(command: Command) -> Command:
    """Give *command* the options that `ServiceArguments` is made of."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def take_service_arguments(
    context: click.Context, given: dict[str, Any], options: ServeOptions
) -> ServiceArguments:
    """Take the options about services out of *given*; those that make no sense are refused."""
    names = [each.name for each in fields(ServiceArguments)]
    asked = ServiceArguments(**{name: given.pop(name) for name in names})
    if not asked.docker:
        _refuse(context, ("base", "frozen", "server"), "is for `--docker`")
    if not asked.detach:
        _refuse(context, ("service_name", "wait"), "is for `--detach`")
    if asked.is_plain:
        _refuse(context, ("allows_large", "follows_links"), "is for `--detach` and `--docker`")
    if asked.server == "azureml":
        _refuse(context, ("allowed_hosts",), "is not for `--server azureml`, which answers all")
    if asked.docker:
        _refuse(context, ("python", "prefix"), "is not for `--docker`, which has its own Python")
    if not asked.is_plain:
        _refuse(context, ("host",), "can't be given: only this machine is served")
        if options.reload:
            hint = "`--reload` watches the files of this machine; use `envsync service reload`"
            raise click.UsageError(hint)
    return asked


def serve_beyond(choice: ScoringChoice, options: ServeOptions, asked: ServiceArguments) -> int:
    """Serve in a container, or as a service; return the status to end with."""
    from envsync.workflow.service.plan import (  # noqa: PLC0415  # only here
        SourcePermission,
        plan_service,
    )

    environment = choice.name if asked.docker else None
    plan = plan_service(
        replace(choice, name=None) if asked.docker else choice,
        kind="container" if asked.docker else "process",
        name=asked.service_name,
        options=options,
        permission=SourcePermission(
            allows_large=asked.allows_large, follows_links=asked.follows_links
        ),
    )
    plan = replace(
        plan,
        base=asked.base,
        environment=environment,
        frozen=asked.frozen,
        server="azureml" if asked.server == "azureml" else "envsync",
    )
    return _deploy(plan, asked.wait) if asked.detach else _serve_container(plan)


def show_service(status: ServiceStatus) -> None:
    """Say where a service is to be had."""
    click.echo(f"Service `{status.name}` is {status.state} at {status.scoring_uri}", err=True)


def _deploy(plan: ServicePlan, wait: float) -> int:
    from envsync.workflow.service.service import Patience, deploy  # noqa: PLC0415

    with report_progress() as reporter:
        status = deploy(
            plan, reporter=reporter, patience=Patience(seconds=wait), same_definition=True
        )
    show_service(status)
    return 0


def _serve_container(plan: ServicePlan) -> int:
    from envsync.workflow.service.attached import serve_container  # noqa: PLC0415

    def on_output(stdout: bytes, stderr: bytes) -> None:
        for stream, text in ((sys.stdout.buffer, stdout), (sys.stderr.buffer, stderr)):
            stream.write(text)
            stream.flush()

    def on_ready(port: int) -> None:
        click.echo(f"Serving at http://localhost:{port}/score", err=True)

    signal.signal(signal.SIGTERM, _interrupt)
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # `nohup`
        signal.signal(signal.SIGHUP, _interrupt)
    with report_progress() as reporter:
        return serve_container(plan, reporter=reporter, on_output=on_output, on_ready=on_ready)


def _interrupt(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise KeyboardInterrupt


def _check_host(text: str) -> str:
    """Return the host *text* as it is compared.

    Raises:
        click.BadParameter: it is none.
    """
    host = text.lower()
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    if not _HOST.fullmatch(host):
        raise click.BadParameter(
            f"`{text}` is no host; give a name or an address, such as `ml.example.com`, without "
            "`http://` and without a port, `*.example.com` for all below one, or `*` for any"
        )
    return host


def _refuse(context: click.Context, names: tuple[str, ...], why: str) -> None:
    options = {parameter.name: parameter for parameter in context.command.params}
    for name in names:
        source = context.get_parameter_source(name)
        if source is click.core.ParameterSource.COMMANDLINE:
            raise click.UsageError(f"`{options[name].opts[-1]}` {why}")
