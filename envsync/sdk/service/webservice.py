"""Web services on this machine, as scripts for the Azure ML SDK handle them."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from envsync.errors import DefinitionError, EnvsyncError
from envsync.model.progress import SilentReporter
from envsync.model.scoring.service import check_service_name
from envsync.sdk.service.deployment import (
    LocalWebserviceDeploymentConfiguration,
    make_plan,
    make_ready,
    remake,
    with_deployment,
    with_environment,
    with_models,
    with_source,
)
from envsync.sdk.service.scoring import score
from envsync.sdk.workspace import bind
from envsync.workflow.service import service as services

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envsync.model.progress import Reporter
    from envsync.model.scoring.service import Kind, State
    from envsync.sdk.service.deployment import ServedModel
    from envsync.sdk.service.inference_config import InferenceConfig

_DEFAULT_LINES = 5000
_LIVE = ("deploying", "running")
_KNOWN = (*_LIVE, "failed")


class LocalWebservice:
    """A service on this machine: one that was deployed, found again by its name.

    It goes on when the script or the notebook that deployed it ends; the service is also there
    for `envsync service`. A workspace in front of the name is not needed: None will do.
    """

    compute_type = "Local"

    def __init__(self, *given: object, **named: object) -> None:
        """Take the `name` of a service that is there.

        Raises:
            EnvsyncError: there is none.
        """
        wanted: dict[str, Any] = bind("LocalWebservice", given, named, ("name",), ("name",))
        self.name = check_service_name(str(wanted.get("name")))
        services.find(self.name)

    @staticmethod
    def deploy_configuration(
        port: int | None = None,
        *,
        use_docker: bool = False,
        base_image: str | None = None,
        workers: int | None = None,
        allow_large_source: bool = False,
        follow_links: bool = False,
    ) -> LocalWebserviceDeploymentConfiguration:
        """Return how to deploy: on *port*, or on one that is free.

        Without *use_docker* the service is a process in the conda environment of the definition,
        else a container of its image, upon *base_image* if that is given. A source over 300 MiB
        is copied with *allow_large_source* only, and what links lead to that lead out of it with
        *follow_links*.

        Raises:
            DefinitionError: *port* is no port.
        """
        return LocalWebserviceDeploymentConfiguration(
            port=port,
            use_docker=use_docker,
            base_image=base_image,
            workers=workers,
            allow_large_source=allow_large_source,
            follow_links=follow_links,
        )

    @staticmethod
    def list(*given: object, **named: object) -> list[LocalWebservice]:
        """Return the services of this machine, by name."""
        bind("list", given, named, (), ("compute_type",))
        return [_attach(status.name) for status in services.list_services()]

    @property
    def state(self) -> State:
        """How it is at this moment: `deploying`, `running`, `failed`, `deleted` or `unknown`."""
        try:
            return services.find(self.name).state
        except EnvsyncError:
            return "deleted"

    @property
    def port(self) -> int | None:
        """The port that it answers on."""
        return services.find(self.name).port

    @property
    def scoring_uri(self) -> str | None:
        """The address that requests are sent to."""
        return services.find(self.name).scoring_uri

    @property
    def swagger_uri(self) -> str | None:
        """The address of the OpenAPI document."""
        uri = self.scoring_uri
        return None if uri is None else uri.removesuffix("/score") + "/swagger.json"

    def wait_for_deployment(self, show_output: bool = False, *, timeout: float = 300) -> None:  # noqa: FBT001, FBT002  # azureml-core's signature
        """Return when it can answer; with *show_output* its log is shown meanwhile.

        Raises:
            EnvsyncError: the script can't be loaded, or not within *timeout* seconds.
        """
        self._check("wait_for_deployment", _KNOWN)
        follower = _LogFollower(self.name) if show_output else None
        patience = services.Patience(seconds=timeout)
        if follower is not None:
            patience = replace(patience, on_wait=follower.show)
        services.wait(self.name, patience)
        if follower is not None:
            follower.show()
            _say(f"The service `{self.name}` is running at {self.scoring_uri}\n")

    def run(self, input_data: object) -> Any:
        """Send *input_data* to the entry script, and return its answer, parsed if it is JSON.

        Text and bytes are sent as they are, anything else as JSON.

        Raises:
            ScoringError: the answer is none of success; it has the `status` and the `body`.
            EnvsyncError: there is no answer.
        """
        self._check("run", _LIVE)
        return score(str(self.scoring_uri), input_data)

    def update(
        self,
        models: Sequence[ServedModel] | None = None,
        deployment_config: LocalWebserviceDeploymentConfiguration | None = None,
        wait: bool = True,  # noqa: FBT001, FBT002  # azureml-core's signature
        inference_config: InferenceConfig | None = None,
    ) -> None:
        """Deploy anew with what is given and all else as it was, source and environment as of now.

        It returns when the new one can answer, with or without *wait*.

        Raises:
            EnvsyncError: the new one can't be started; the old one then goes on.
        """
        del wait
        self._check("update", (*_KNOWN, "unknown"))
        reporter = SilentReporter()
        plan = services.find_plan(self.name)
        if deployment_config is not None:
            plan = with_deployment(plan, deployment_config)
        if inference_config is not None:
            environment = make_ready(inference_config, plan.kind, reporter)
            plan = with_environment(with_source(plan, inference_config), environment)
        elif plan.kind == "process" and plan.python is None:
            plan = with_environment(plan, remake(plan, reporter))
        if models is not None:
            plan = replace(plan, files=with_models(plan.files, models))
        services.update(self.name, lambda _: plan, reporter=reporter, patience=services.Patience())

    def reload(self, wait: bool = True) -> None:  # noqa: FBT001, FBT002  # azureml-core's signature
        """Load the source again; model and environment stay as they are.

        It returns when the new code can answer, with or without *wait*; the old answers until then.

        Raises:
            EnvsyncError: the new code can't be loaded; the old one then goes on.
        """
        del wait
        self._check("reload", _KNOWN)
        services.reload(self.name, patience=services.Patience())

    def get_logs(self, num_lines: int = _DEFAULT_LINES, raw: bool = False) -> str:  # noqa: FBT001, FBT002  # azureml-core's signature
        """Return the last *num_lines* of what it printed, raw or not."""
        del raw
        self._check("get_logs", (*_KNOWN, "unknown"))
        return services.read_log(self.name, tail=num_lines).decode("utf-8", "replace")

    def delete(
        self,
        delete_cache: bool = True,  # noqa: FBT001, FBT002  # azureml-core's signature
        delete_image: bool = False,  # noqa: FBT001, FBT002
        delete_volume: bool = True,  # noqa: FBT001, FBT002
    ) -> None:
        """End it, and remove what there is of it, whichever of its parts are named.

        Raises:
            EnvsyncError: it is not there any more, or its image is to go as well.
        """
        del delete_cache, delete_volume
        if delete_image:
            raise EnvsyncError(
                f"The image of `{self.name}` is that of its environment, and not its own",
                hint="leave out `delete_image`, and remove it with `docker rmi`",
            )
        services.delete(self.name)

    def __repr__(self) -> str:
        return f"LocalWebservice(name={self.name!r}, state={self.state!r})"

    def _check(self, method: str, states: tuple[str, ...]) -> None:
        state = self.state
        if state not in states:
            hint = "deploy it again" if state == "deleted" else "see `get_logs()`"
            raise EnvsyncError(f"Cannot call {method}() when service is {state}", hint=hint)


Webservice = LocalWebservice  # the SDK's name for those of every kind; here there is but one


def deploy(
    name: str,
    models: Sequence[ServedModel],
    inference_config: InferenceConfig,
    deployment_config: LocalWebserviceDeploymentConfiguration | None = None,
    *,
    overwrite: bool = False,
    reporter: Reporter | None = None,
) -> LocalWebservice:
    """Deploy *models* with *inference_config* as the service *name*; see `wait_for_deployment`.

    The environment, or with `use_docker` its image, is made first if need be, with a lock where
    there is none. A service of the same name is replaced, as the SDK's local ones are, with or
    without *overwrite*. Nothing that is given is changed.

    Raises:
        DefinitionError: something that is given is wrong.
        EnvsyncError: the environment can't be made, or the service not be started.
    """
    del overwrite
    check_service_name(name)
    if inference_config is None:
        raise DefinitionError("There is no `inference_config`", hint="say which script is to run")
    reporter = reporter or SilentReporter()
    config = deployment_config or LocalWebserviceDeploymentConfiguration()
    kind: Kind = "container" if config.use_docker else "process"
    environment = make_ready(inference_config, kind, reporter)
    plan = make_plan(name, models, inference_config, config, environment)
    services.deploy(plan, reporter=reporter, patience=services.Patience(seconds=None))
    return _attach(name)


class _LogFollower:
    """Shows what a service has printed since the last look."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._shown = 0

    def show(self) -> None:
        text = services.read_log(self._name)
        _say(text[self._shown :].decode("utf-8", "replace"))
        self._shown = len(text)


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _attach(name: str) -> LocalWebservice:
    made = LocalWebservice.__new__(LocalWebservice)
    made.name = name
    return made
