"""Making the container that serves: from its image, with the runtime and a service's files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from envsync.errors import DefinitionError, EnvsyncError
from envsync.image.store.tar import END
from envsync.model.scoring.target import Interpreter, ScoringTarget
from envsync.score.app_files import AppMember, entry_script_place, list_app, source_name
from envsync.score.command import RUNTIME
from envsync.workflow.scoring.serve import ServerPlace, name_hosts, server_command
from envsync.workflow.service.app_archive import dump_folder, dump_members
from envsync.workflow.service.folder import own_folders
from envsync.workflow.service.health import is_port_free, port_taken

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from envsync.adapters.docker_engine import Containers, ContainerState
    from envsync.model.environment import EnvironmentSpec
    from envsync.model.progress import Reporter
    from envsync.workflow.service.plan import ServicePlan

PORT = 5001
APP_ROOT = "/var/azureml-app"
ROOT = "envsync.service.root"  # the label that says where the app root is
_RUNTIME = "/var/envsync/runtime"
_SERVER = "azureml-inference-server-http"


def make_container(
    plan: ServicePlan,
    containers: Containers,
    reporter: Reporter,
    *,
    name: str,
    labels: Mapping[str, str],
    attached: bool = False,
) -> ContainerState:
    """Have the image of *plan*, and a container of it with its files; nothing is started.

    Raises:
        EnvsyncError: the image can't be made, or a file can't be read.
    """
    from envsync.adapters.docker_engine import ContainerRequest
    from envsync.definition import load

    if plan.definition is None:
        raise DefinitionError("A container is made from a definition", hint="name its folder")
    if not containers.is_here:
        raise EnvsyncError(
            "The Docker Engine is on another machine, where a service would be for nobody here",
            hint="unset `DOCKER_HOST`, or build the image there: `envsync build-local --docker`",
        )
    # All is listed before anything is made: what can't be read is said at once.
    members = tuple(list_app(plan.files, own_folders()))
    spec = load(plan.definition).spec
    image, config = _have_image(plan, spec, reporter)
    variables = dict(entry.partition("=")[::2] for entry in config.get("Env") or ())
    root = variables.get("AML_APP_ROOT") or APP_ROOT
    request = ContainerRequest(
        name=name,
        image=image,
        command=_command(plan, spec, variables, root=root, until="stdin" if attached else "wait"),
        port=PORT,
        published=plan.options.port,
        directory=root,
        environment=_environment(plan, spec, root),
        labels={**labels, ROOT: root},
        shm_size=spec.docker.shm_size,
        debug_port=plan.options.debug_port,
        attached=attached,
    )
    made = containers.create(request)
    try:
        mode = 0o777 if config.get("User") else 0o755  # whoever that is: scripts may write there
        containers.fill(made, _dump_all(root, members, mode))
        found = containers.find(made)
    except BaseException:
        containers.remove(made)
        raise
    if found is None:
        raise EnvsyncError("The Docker Engine made a container and does not have it")
    return found


def check_port(plan: ServicePlan) -> None:
    """Refuse to start *plan* on a port that something else listens on.

    Raises:
        EnvsyncError: something does.
    """
    if plan.options.port and not is_port_free(plan.options.port):
        raise port_taken(plan.options.port)


def _have_image(
    plan: ServicePlan, spec: EnvironmentSpec, reporter: Reporter
) -> tuple[str, Mapping[str, Any]]:
    """Return the name by which the engine has the image of *plan*, and its config."""
    from envsync.adapters.docker_engine import connect
    from envsync.workflow.image.build import ImageOptions, Targets, build_image

    if plan.server == "azureml":
        _check_server(plan, spec)
    built = build_image(
        spec.directory if plan.definition is None else plan.definition,
        targets=Targets(engine=True),
        options=ImageOptions(base=plan.base, name=plan.environment, frozen=plan.frozen),
        reporter=reporter,
    )
    with connect() as engine:
        for name in (built.image.id, *built.image.tags):
            facts = engine.inspect(name)
            if facts is not None:
                return name, facts.get("Config") or {}
    raise EnvsyncError(f"The Docker Engine has no image `{built.image.id}` any more")


def _check_server(plan: ServicePlan, spec: EnvironmentSpec) -> None:
    from envsync.lock.reader import LOCKFILE_NAME, load_lockfile

    if spec.python.user_managed_dependencies or plan.definition is None:
        return  # nobody knows
    lockfile = load_lockfile(plan.definition / LOCKFILE_NAME)
    if all(package.name != _SERVER for package in lockfile.packages):
        raise DefinitionError(
            f"The environment has no `{_SERVER}`",
            hint="leave out `--server azureml`, or add it: "
            f"`envsync add --pip {_SERVER} --dir {plan.definition}`",
        )


def _command(
    plan: ServicePlan,
    spec: EnvironmentSpec,
    variables: Mapping[str, str],
    *,
    root: str,
    until: str,
) -> tuple[str, ...]:
    prefix = variables.get("AZUREML_CONDA_ENVIRONMENT_PATH")
    is_managed = not spec.python.user_managed_dependencies and prefix is not None
    python = f"{prefix}/bin/python" if is_managed else spec.python.interpreter_path or "python"
    entry_script = PurePosixPath(root, entry_script_place(plan.files))
    model_dir = PurePosixPath(root, _model_dir(plan, spec))
    options = plan.options
    if plan.server == "azureml":
        server: tuple[str, ...] = (
            *(python, "-m", "azureml_inference_server_http", "--port", str(PORT)),
            *("--entry_script", str(entry_script), "--model_dir", str(model_dir)),
            *(("--worker_count", str(options.workers)) if options.workers else ()),
        )
    else:
        target = ScoringTarget(
            interpreter=Interpreter(python=Path(python)),
            entry_script=Path(entry_script),
            app_root=Path(root),
            model_dir=Path(model_dir),
        )
        inside = replace(options, host="0.0.0.0", port=PORT)  # noqa: S104  # published on loopback
        digest = plan.lock_digest
        server = server_command(
            target,
            inside,
            lock_digest=digest,
            runtime=Path(_RUNTIME),
            place=ServerPlace(hosts=name_hosts(options), reloads=until == "wait"),
        )
        if options.debug_port is not None:
            server += ("--debug-host", "0.0.0.0")  # noqa: S104  # published on loopback, as above
    return (python, "-I", "-S", "-B", f"{_RUNTIME}/guard.py", until, *server)


def _environment(plan: ServicePlan, spec: EnvironmentSpec, root: str) -> dict[str, str]:
    """Return the variables that LocalWebservice sets; those of the definition are the image's."""
    return {
        "AML_APP_ROOT": root,
        "AZUREML_ENTRY_SCRIPT": entry_script_place(plan.files),
        "AZUREML_MODEL_DIR": _model_dir(plan, spec),
        "AZUREML_SOURCE_DIRECTORY": source_name(plan.files),
    }


def _model_dir(plan: ServicePlan, spec: EnvironmentSpec) -> str:
    """Return the model dir, which the definition's own variable overrides, as in Azure ML."""
    return dict(spec.environment_variables).get("AZUREML_MODEL_DIR") or plan.files.model_dir


def _list_runtime() -> Iterator[AppMember]:
    for path in sorted(RUNTIME.rglob("*.py")):
        yield AppMember(path=path.relative_to(RUNTIME).as_posix(), origin=path)


def _dump_all(root: str, members: Iterable[AppMember], mode: int) -> Iterator[bytes]:
    yield dump_folder(root, mode=mode)
    yield from dump_members(root, members)
    yield dump_folder(_RUNTIME)
    yield from dump_members(_RUNTIME, _list_runtime())
    yield END
