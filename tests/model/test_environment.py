from __future__ import annotations

from pathlib import Path

import pytest

from envsync.model.environment import (
    BuildContext,
    CondaSpec,
    DockerSettings,
    EnvironmentSpec,
    ImageRegistry,
    UnknownKey,
)
from envsync.model.json_value import JsonObject
from envsync.model.text.redaction import Secret

FAKE = "FAKE-SECRET"


def test_repr_of_a_definition_shows_no_secret() -> None:
    spec = EnvironmentSpec(
        name="churn",
        directory=Path(),
        files=(),
        environment_variables=(("TOKEN", FAKE),),
        conda=CondaSpec(
            channels=(f"https://example.org/t/{FAKE}/acme",),
            pip_requirements=(f"a @ https://example.org/a.whl?sig={FAKE}",),
            pip_options=(f"--index-url https://u:{FAKE}@example.org",),
            variables=(("TOKEN", FAKE),),
            text=FAKE,
        ),
        base_dockerfile=f"ENV TOKEN={FAKE}",
        build_context=BuildContext(location_type="git", location=f"https://{FAKE}@example.org"),
        registry=ImageRegistry(username=FAKE, password=Secret(FAKE)),
        docker=DockerSettings(arguments=("-e", f"TOKEN={FAKE}")),
        r=JsonObject((("githubPackages", FAKE),)),
        unknown_keys=(UnknownKey(path=("token",), value=FAKE),),
    )
    assert FAKE not in repr(spec)
    assert FAKE not in str(spec)


def test_definition_is_hashable_and_compares_by_value() -> None:
    one = EnvironmentSpec(name="a", directory=Path(), files=())
    assert {one} == {EnvironmentSpec(name="a", directory=Path(), files=())}


@pytest.mark.parametrize(
    ("image", "address", "name"),
    [
        ("team/a:1", None, "team/a:1"),
        ("team/a:1", "r.example", "r.example/team/a:1"),
        (" team/a:1 ", "https://r.example/", "r.example/team/a:1"),
        ("/team/a:1", "r.example/cache", "r.example/cache/team/a:1"),
        ("r.example/team/a:1", "r.example", "r.example/team/a:1"),
        ("other.example/a:1", "r.example", "other.example/a:1"),
        ("ubuntu", "https://index.docker.io/v1/", "index.docker.io/ubuntu"),
        ("", "r.example", ""),
        (None, "r.example", ""),
    ],
)
def test_the_name_of_the_base_image_has_its_registry(
    image: str | None, address: str | None, name: str
) -> None:
    registry = ImageRegistry(address=address)
    spec = EnvironmentSpec(
        name="a", directory=Path(), files=(), base_image=image, registry=registry
    )

    assert spec.base_image_name == name


@pytest.mark.parametrize(
    ("files", "start"),
    [
        (("d/azureml_environment.json", "d/conda_dependencies.yml"), "d"),
        (("d/azureml.yml", "d/env/conda.yaml"), "d/env"),
        (("d/azureml_environment.json", "d/conda_dependencies.yml", "d/BaseDockerfile"), "d"),
        (("d/python_env.json",), "d"),
        ((), "d"),
    ],
)
def test_paths_for_pip_start_at_the_file_that_has_them(files: tuple[str, ...], start: str) -> None:
    spec = EnvironmentSpec(name="a", directory=Path("d"), files=tuple(map(Path, files)))

    assert spec.pip_directory == Path(start)
