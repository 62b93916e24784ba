"""What has nothing to lock is told where its packages should stand."""

from pathlib import Path

import pytest

from envsync.errors import DefinitionError
from envsync.model.progress import SilentReporter
from envsync.workflow.lock.lock import lock

V1 = '{"name": "x", "docker": {"baseImage": "a:1"}, "python": {"userManagedDependencies": true}}'


@pytest.mark.parametrize(
    ("name", "text", "advice"),
    [
        ("azureml_environment.json", V1, "add a `conda_dependencies.yml` beside"),
        ("environment.yml", "name: x\nimage: a:1\n", "under `conda_file`"),
        ("environment.yml", "name: x\nbuild: {path: https://x/y.git#main:z}\n", "a Dockerfile"),
    ],
)
def test_a_definition_without_packages_is_refused_with_what_to_do(
    tmp_path: Path, name: str, text: str, advice: str
) -> None:
    (tmp_path / name).write_text(text)

    with pytest.raises(DefinitionError, match="has no conda dependencies to lock") as caught:
        lock(tmp_path, reporter=SilentReporter())

    assert advice in str(caught.value.hint)
