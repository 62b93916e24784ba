from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.definitions import recorded

from envsync import definition as definitions
from envsync.definition.azureml.v2_files import dump_v2_files, dump_v2_text
from envsync.definition.targets import hold_in_v2
from envsync.errors import DefinitionError

if TYPE_CHECKING:
    from pathlib import Path

V2 = """\
$schema: https://azuremlschemas.azureedge.net/latest/environment.schema.json
name: a
version: '1.10'
description: what it is for
tags:
  team: ds
  size: 1
image: acme.io/base:1
conda_file:
  channels:
  - conda-forge
  dependencies:
  - python=3.10
  - pip:
    - flask==2.0
    - --extra-index-url https://example.org/simple
  variables:
    A: '1.10'
    B: 'true'
os_type: windows
inference_config:
  liveness_route:
    port: 5001
    path: /
  readiness_route:
    port: 5001
    path: /
  scoring_route:
    port: 5001
    path: /score
datastore: azureml:store
"""


def test_file_with_every_key_is_written_as_it_was_read(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(V2)

    loaded = definitions.load(tmp_path / "a.yml")

    assert loaded.warnings == ()
    held = hold_in_v2(loaded.spec, directory=tmp_path)
    options_last = "    - flask==2.0\n    - --extra-index-url https://example.org/simple\n"
    options_first = "    - --extra-index-url https://example.org/simple\n    - flask==2.0\n"
    assert dump_v2_text(held) == V2.replace(options_last, options_first)


def test_folder_of_a_build_context_is_written_as_it_was_read(tmp_path: Path) -> None:
    text = V2[: V2.index("image:")] + "build:\n  path: ctx\n"
    (tmp_path / "ctx").mkdir()
    (tmp_path / "ctx/Dockerfile").write_text("FROM x\n")
    (tmp_path / "environment.yml").write_text(text)

    held = hold_in_v2(definitions.load(tmp_path).spec, directory=tmp_path)

    assert dump_v2_files(held) == {"environment.yml": text.encode()}
    definitions.save(held, tmp_path / "v1", overwrite=False)
    assert (tmp_path / "v1/BaseDockerfile").read_text() == "FROM x\n"


def rewrite(text: str, path: Path) -> str:
    path.write_text(text)
    return dump_v2_text(hold_in_v2(definitions.load(path).spec, directory=path.parent))


@pytest.mark.parametrize("case", recorded("azureml-v1", "azureml-v2", "mlflow"))
def test_what_was_written_once_is_written_the_same_again(case: Path, tmp_path: Path) -> None:
    try:
        loaded = definitions.load(case).spec
    except DefinitionError:
        return  # it is refused, as test_azureml_v2 shows
    held = hold_in_v2(loaded, directory=tmp_path)
    first = dump_v2_files(held)
    for name, content in first.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    again = definitions.load(tmp_path).spec

    second = dump_v2_files(hold_in_v2(again, directory=tmp_path))

    assert second == {name: first[name] for name in second}


@pytest.mark.parametrize("case", recorded("azureml-v1", "mlflow"))
def test_one_file_is_stable_once_envsync_has_written_it(case: Path, tmp_path: Path) -> None:
    held = hold_in_v2(definitions.load(case).spec, directory=tmp_path)
    if held.base_dockerfile:
        with pytest.raises(DefinitionError, match="more than one file"):
            dump_v2_text(held)
        return

    # the author's order is kept, which envsync's reader of an inline mapping does not do
    once = rewrite(dump_v2_text(held), tmp_path / "one.yml")

    assert rewrite(once, tmp_path / "two.yml") == once
