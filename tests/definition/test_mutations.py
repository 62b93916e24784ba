"""Whatever is done to a definition of any format, reading it ends in a model or in an error."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.definitions import SHARED

from envsync import definition as definitions
from envsync.definition.azureml.v2_files import dump_v2_files, dump_v2_text
from envsync.definition.conda.environment_yml import dump_environment_yml
from envsync.definition.directory import dump_files
from envsync.definition.losses import find_losses
from envsync.definition.targets import hold_in_v1, hold_in_v2
from envsync.errors import DefinitionError

if TYPE_CHECKING:
    from pathlib import Path

    from envsync.definition.formats import SourceFormat
    from envsync.model.environment import EnvironmentSpec

FEW = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
CONDA = """\
name: churn
channels: [conda-forge, 'https://user:pw@example.org/t/TOKEN/c']
dependencies:
- python=3.10  # pinned
- conda-forge::numpy>=1.20,<2
- pip:
  - flask==2.0
  - -r requirements.txt
variables: {A: 1.10}
"""
SOURCES: dict[SourceFormat, dict[str, str]] = {
    "environment-yml": {"environment.yml": CONDA},
    "azureml-v2": {
        "environment.yml": (
            "$schema: x\nname: a\nversion: 1.10\ndescription: d\ntags: {a: 1, b: [2.50]}\n"
            "image: acme.io/a:1\nconda_file: conda.yml\nos_type: Linux\ninference_config:\n"
            "  liveness_route: {port: 1, path: /}\n  readiness_route: {port: 1, path: /}\n"
            "  scoring_route: {port: 1, path: /}\n"
        ),
        "conda.yml": CONDA,
    },
    "mlflow": {
        "MLmodel": "flavors:\n  python_function:\n    env: {conda: conda.yaml}\n"
        "    python_version: 3.10.4\n  sklearn: {sklearn_version: 1.3.2}\nmlflow_version: 2.1\n",
        "conda.yaml": CONDA,
        "python_env.yaml": "python: 3.9.1\nbuild_dependencies: [pip]\n",
        "requirements.txt": "flask==2.0\n--pre\nscikit-learn>=1 # x\n",
    },
    "prefix": {
        "conda-meta/numpy-1-0.json": json.dumps(
            {
                "name": "numpy",
                "version": "1.0",
                "channel": "https://conda.anaconda.org/t/TOKEN/conda-forge/linux-64",
                "requested_spec": "numpy[version='>=1']",
                "depends": ["python >=3.9"],
                "files": ["lib/python3.11/site-packages/numpy-1.0.dist-info/METADATA"],
            }
        ),
        "conda-meta/history": "==> d <==\n# update specs: [\"numpy=1\", 'python']\n",
        "conda-meta/state": '{"env_vars": {"A": "1"}}',
        "lib/python3.11/site-packages/a-1.dist-info/METADATA": "Name: a\nVersion: 1\n\n",
        "lib/python3.11/site-packages/a-1.dist-info/direct_url.json": (
            '{"url": "https://x.org/a.git", "vcs_info": {"vcs": "git", "commit_id": "0"}}'
        ),
    },
}
# What mutations are made of: bytes that have a meaning to one of the parsers, and any others.
PIECES = st.sampled_from(
    [
        *(
            b": ",
            b"- ",
            b"[",
            b"]",
            b"{",
            b"}",
            b"'",
            b'"',
            b"#",
            b"&a ",
            b"*a",
            b"!!python/x ",
            b"|\n",
        ),
        *(
            b"\n",
            b"\t",
            b"\r",
            b"\0",
            b"\xff\xfe",
            b"\xc3",
            b"---\n",
            b"<<: *a",
            b"null",
            b"~",
            b"true",
        ),
        *(
            b"1e999",
            b"9" * 5000,
            b"../",
            b"/",
            b"pip",
            b"dependencies",
            b"$x",
            b"@",
            b"=",
            b"\\u0000",
        ),
    ]
) | st.binary(max_size=4)
EDITS = st.lists(
    st.tuples(st.integers(0, 10_000), st.integers(0, 40), PIECES), min_size=1, max_size=6
)


def mutate(content: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    for place, length, piece in edits:
        start = place % (len(content) + 1)
        content = content[:start] + piece + content[start + length :]
    return content


def read_and_write(folder: Path, source_format: SourceFormat | None) -> str:
    """Return what is said about the definition in *folder*, which is written in each format."""
    try:
        loaded = definitions.load(folder, source_format=source_format)
        write_out(loaded.spec, folder.parent)
    except DefinitionError as error:
        return "".join((error.message, *(finding.text for finding in error.findings)))
    return "".join(finding.text for finding in loaded.warnings)


def write_out(loaded: EnvironmentSpec, directory: Path) -> None:
    held = hold_in_v1(loaded)
    find_losses(loaded, held, target="a v1 directory")
    dump_files(held)
    if loaded.conda is not None:
        dump_environment_yml(loaded)
    held = hold_in_v2(loaded, directory=directory)
    find_losses(loaded, held, target="a v2 definition")
    dump_v2_files(held)
    dump_v2_text(held)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source_format", "name"), [(kind, name) for kind, files in SOURCES.items() for name in files]
)
@given(edits=EDITS)
@FEW
def test_mutated_file_ends_in_a_model_or_a_definition_error(
    source_format: SourceFormat, name: str, edits: list[tuple[int, int, bytes]], tmp_path: Path
) -> None:
    folder = tmp_path / "source"
    shutil.rmtree(folder, ignore_errors=True)
    for file, text in SOURCES[source_format].items():
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(mutate(text.encode(), edits) if file == name else text.encode())

    assert "TOKEN" not in read_and_write(folder, source_format)
    assert "TOKEN" not in read_and_write(folder, None)


@pytest.mark.skipif(not (SHARED / "oracle").is_dir(), reason="no recorded cases here")
@given(data=st.data(), edits=EDITS)
@FEW
def test_mutated_recorded_definition_ends_in_a_model_or_a_definition_error(
    data: st.DataObject, edits: list[tuple[int, int, bytes]], tmp_path: Path
) -> None:
    cases = [
        path
        for folder in ("azureml-v2", "mlflow")
        for path in sorted((SHARED / "oracle" / folder).glob("*/*"))
        if path.suffix in {".yml", ".yaml", ".txt", ""} and path.is_file()
    ]
    case = data.draw(st.sampled_from(cases))
    folder = tmp_path / "source"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(case.parent, folder)
    (folder / case.name).write_bytes(mutate(case.read_bytes(), edits))

    read_and_write(folder, None)
