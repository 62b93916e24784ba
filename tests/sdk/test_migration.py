"""Scripts for azureml-core, as they were recorded, with nothing but their imports changed."""

from __future__ import annotations

import json
import re
import runpy
import sys
from typing import TYPE_CHECKING, Any

import pytest
from support.definitions import recorded

from envsync import CondaDependencies

if TYPE_CHECKING:
    from pathlib import Path

# They use private names of the SDK, a conda program, or what the SDK itself never saves.
NOT_PORTABLE = {"17_", "21_", "35_", "42_"}
PORTABLE = [
    case
    for case in recorded("azureml-v1")
    if case.id is None or not any(part in case.id for part in NOT_PORTABLE)
]

DEFAULT = {
    "name": "project_environment",
    "channels": ["conda-forge"],
    "dependencies": ["python=3.10.18", {"pip": ["azureml-defaults"]}],
}
PRIVATE = "https://pkgs.example.com/acme"

# Where the SDK surprises, and what is made instead; all else is what it recorded.
INSTEAD: dict[str, dict[str, Any]] = {
    **dict.fromkeys(("01", "07", "11", "15", "16", "18", "32", "45"), DEFAULT),
    "04": {
        **DEFAULT,
        "dependencies": [
            "python=3.8.13",
            "numpy=1.19.2",
            {
                "pip": [
                    f"--index-url {PRIVATE}/_packaging/feed/pypi/simple/",
                    "--extra-index-url https://build:FAKE-TOKEN-0001@pkgs.example.com/simple/",
                    "--trusted-host pkgs.example.com",
                    "--no-binary :all:",
                    "--extra-index-url https://mirror.example.net/simple/",
                    "requests==2.25.1",
                    "acme-models==4.2.0",
                ]
            },
        ],
    },
    "05": {
        **DEFAULT,
        "dependencies": [
            "python=3.8.13",
            "scikit-learn=0.23.2",
            {"pip": [f"--index-url {PRIVATE}/simple/", "acme-models==4.2.0"]},
        ],
    },
    "14": {
        **DEFAULT,
        "channels": ["conda-forge", "pytorch"],
        "dependencies": [
            "python=3.8.13",
            "pytorch::pytorch=1.7.1=py3.8_cuda11.0.221_cudnn8.0.5_0",
            "cudatoolkit=11.0",
            {"pip": ["azureml-defaults"]},
        ],
    },
    "23": {
        "name": "py",
        "channels": ["conda-forge"],
        "dependencies": ["python", "numpy=1.19.2"],
    },
    "24": {"name": "py", "channels": ["conda-forge"], "dependencies": ["numpy=1.19.2"]},
    "25": {
        "name": "py",
        "channels": ["conda-forge"],
        "dependencies": ["python=3.8.*", "numpy=1.19.2"],
    },
}


def read_conda(directory: Path) -> dict[str, Any] | None:
    path = directory / "conda_dependencies.yml"
    return CondaDependencies(path).as_dict() if path.exists() else None


def read_dockerfile(directory: Path) -> bytes | None:
    path = directory / "BaseDockerfile"
    return path.read_bytes() if path.exists() else None


def without_private_options(conda: dict[str, Any] | None) -> dict[str, Any] | None:
    """Leave out the two options that the SDK adds by mistake."""
    for item in [] if conda is None else conda["dependencies"]:
        if isinstance(item, dict):
            item["pip"] = [line for line in item["pip"] if "pypi.python.org" not in line]
    return conda


@pytest.mark.filterwarnings("ignore:`docker.gpu_support` has no effect")
@pytest.mark.parametrize("case", PORTABLE)
def test_a_recorded_script_saves_what_the_sdk_saved(
    case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    script = tmp_path / "make.py"
    text = (case / "make.py.txt").read_text(encoding="utf-8")
    script.write_text(re.sub(r"azureml\.core(\.\w+)?(?= import)", "envsync", text), "utf-8")
    monkeypatch.setattr(sys, "argv", ["make.py", str(out)])

    runpy.run_path(str(script))

    expected = json.loads((case / "azureml_environment.json").read_text(encoding="utf-8"))
    expected["environmentVariables"].pop("EXAMPLE_ENV_VAR", None)
    if case.name.startswith("33"):
        expected["docker"]["shmSize"] = "2g"  # the default of every other new environment
    assert json.loads((out / "azureml_environment.json").read_text("utf-8")) == expected

    conda = INSTEAD.get(case.name[:2]) or without_private_options(read_conda(case))
    if case.name.startswith("38"):
        assert conda is not None
        conda["channels"] = ["conda-forge"]
    assert read_conda(out) == conda
    assert read_dockerfile(out) == read_dockerfile(case)
