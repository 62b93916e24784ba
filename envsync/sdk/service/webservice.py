"""The `LocalWebservice` of the Azure ML SDK."""

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
    """A service that was deployed on this machine, found by its name.

    It goes on running when the script or notebook that deployed it ends, and is listed by the
    command line too. A workspace before the name is optional and not used.
    """

    compute_type = "Local"
    deploy_configuration = LocalWebserviceDeploymentConfiguration

    def __init__(self, *given: object, **named: object) -> None:
        """Find the service `name`.

        Raises:
            EnvsyncError: there is no such service.
        """
        wanted: dict[str, Any] = bind("LocalWebservice", given, named, ("name",), ("name",))
        self.name = check_service_name(str(wanted.get("name")))
        services.find(self.name)

    @staticmethod
    def list(*given: object, **named: object) -> list[LocalWebservice]:
        """Return the services of this machine, sorted by name."""
        bind("list", given, named, (), ("compute_type",))
        return [_attach(status.name) for status in services.list_services()]

    @property
    def state(self) -> State:
        """The current state: `deploying`, `running`, `failed`, `deleted` or `unknown`."""
        try:
            return services.find(self.name).state
        except EnvsyncError:
            return "deleted"

    @property
    def port(self) -> int | None:
        """The port that the service listens on."""
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
        """Wait until the service is ready, and print its log meanwhile with *show_output*.

        Raises:
            EnvsyncError: the script can't be loaded, or takes more than *timeout* seconds.
        """
        self._check("wait_for_deployment", _KNOWN)
        shown = 0

        def show() -> None:
            nonlocal shown
            if show_output:
                log = services.read_log(self.name)
                _print(log[shown:].decode("utf-8", "replace"))
                shown = len(log)

        services.wait(self.name, services.Patience(seconds=timeout, on_wait=show))
        show()
        if show_output:
            _print(f"The service `{self.name}` is running at {self.scoring_uri}\n")

    def run(self, input_data: object) -> Any:
        """Send *input_data* to the entry script, and return the response, parsed if it is JSON.

        Text and bytes are sent as they are, other values as JSON.

        Raises:
            ScoringError: the response reports a failure; the error has its `status` and `body`.
            EnvsyncError: there is no response.
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
        """Deploy again with the given arguments; the rest stays, with its current files.

        Return when the new deployment is ready, whatever *wait* is.

        Raises:
            EnvsyncError: the new deployment can't be started; the old one goes on.
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
        """Load the source again; the model and the environment stay as they are.

        Return when the new code is ready, whatever *wait* is; the old code answers until then.

        Raises:
            EnvsyncError: the new code can't be loaded; the old code goes on.
        """
        del wait
        self._check("reload", _KNOWN)
        services.reload(self.name, patience=services.Patience())

    def get_logs(self, num_lines: int = _DEFAULT_LINES, raw: bool = False) -> str:  # noqa: FBT001, FBT002  # azureml-core's signature
        """Return the last *num_lines* of its log; *raw* has no effect."""
        del raw
        self._check("get_logs", (*_KNOWN, "unknown"))
        return services.read_log(self.name, tail=num_lines).decode("utf-8", "replace")

    def delete(
        self,
        delete_cache: bool = True,  # noqa: FBT001, FBT002  # azureml-core's signature
        delete_image: bool = False,  # noqa: FBT001, FBT002
        delete_volume: bool = True,  # noqa: FBT001, FBT002
    ) -> None:
        """Stop the service and remove its files, whatever *delete_cache* and *delete_volume* are.

        Raises:
            EnvsyncError: there is no such service any more, or *delete_image* is set.
        """
        del delete_cache, delete_volume
        if delete_image:
            raise EnvsyncError(
                f"`{self.name}` runs in the image of its environment, which is not deleted with it",
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


Webservice = LocalWebservice  # the SDK's name for services of every kind


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

    The environment, or its image with `use_docker`, is created first if needed, and locked if
    there is no lock. A service with the same name is replaced, as in the SDK, whatever
    *overwrite* is.

    Raises:
        DefinitionError: an argument is wrong.
        EnvsyncError: the environment can't be created, or the service can't be started.
    """
    del overwrite
    check_service_name(name)
    if inference_config is None:
        raise DefinitionError(
            "There is no `inference_config`", hint="give an `InferenceConfig` with the entry script"
        )
    reporter = reporter or SilentReporter()
    config = deployment_config or LocalWebserviceDeploymentConfiguration()
    kind: Kind = "container" if config.use_docker else "process"
    environment = make_ready(inference_config, kind, reporter)
    plan = make_plan(name, models, inference_config, config, environment)
    services.deploy(plan, reporter=reporter, patience=services.Patience(seconds=None))
    return _attach(name)


def _print(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _attach(name: str) -> LocalWebservice:
    made = LocalWebservice.__new__(LocalWebservice)
    made.name = name
    return made
