"""`envsync lock` against what it can't do without, on real metadata served on loopback.

    python tests/bench/bench_lock.py [conda] [subdirs] [relock] [pip]

`conda`: the conda part of twelve real definitions against bare `rattler.solve`, with an empty
and with a full repodata cache. `subdirs`: three against one. `relock`: a fresh lock of 500
packages against `check`, and `diff`. `pip`: about 80 conda and 100 pip packages, whose index is
the configured one. Without names: all of them. Needs the folder `shared` beside this checkout.
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from measure import (
    ENVSYNC,
    SHARED,
    Command,
    compare,
    environment,
    median,
    require,
    time_in_turn,
)

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from channel import CONDA_FORGE, serve

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

HERE = Path(__file__).resolve().parent
# Definitions of the corpus that can be solved on its channels, of as many projects as there are.
DEFINITIONS = (153, 157, 181, 203, 216, 222, 251, 262, 285, 290, 328, 330)
# What comes to about 500 packages.
LARGE = """
    python=3.11 pip jupyterlab dask distributed xarray geopandas cartopy rasterio netcdf4 zarr
    scikit-learn scikit-image statsmodels seaborn bokeh holoviews hvplot panel datashader pyarrow
    fastparquet intake s3fs gcsfs adlfs numba cython sympy nbconvert ipywidgets ipyleaflet xgboost
    lightgbm shap mlflow-skinny fastapi uvicorn psycopg2 boto3 azure-storage-blob pytest-cov
    google-cloud-storage black mypy sphinx pre-commit
"""
MIXED = ("python=3.10", "pip", "numpy", "pandas", "scikit-learn", "matplotlib-base", "lightgbm")
MIXED_PIP = ("azureml-defaults", "boto3", "fastapi", "openpyxl", "rich", "sympy", "uvicorn")


def main() -> None:
    """Print a table for each part that is asked for."""
    root = require(SHARED / "realchannel")
    folders = {
        CONDA_FORGE: root / "conda-forge",
        "https://repo.anaconda.com/pkgs/main/": root / "main",
        "https://repo.anaconda.com/pkgs/r/": None,
        "https://conda.anaconda.org/pytorch/": root / "pytorch",
    }
    parts = {"conda": conda, "subdirs": subdirs, "relock": relock, "pip": pip}
    asked = sys.argv[1:] or list(parts)
    with tempfile.TemporaryDirectory() as name, serve(folders) as served:
        folder = Path(name)
        (folder / "config.toml").write_text(served.config)
        here = environment(
            ENVSYNC_CONFIG=str(folder / "config.toml"),
            RATTLER_CACHE_DIR=str(folder / "cache"),
            NO_PROXY="127.0.0.1",
        )
        for part in asked:
            print("\n".join(("", f"## {part}", "", *parts[part](folder, here))), flush=True)


def conda(folder: Path, here: Mapping[str, str]) -> Iterable[str]:
    """Compare solves, each in a process of its own, imports not counted."""
    yield "| definition | cold: rattler | envsync | ratio | warm: rattler | envsync | ratio |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    found: dict[str, list[float]] = {"cold": [], "warm": []}
    for number in DEFINITIONS:
        file = next((SHARED / "corpus" / "conda_yml").glob(f"{number}-*.yml"))
        row = [file.stem]
        for state, ratios in found.items():
            bare, ours = _compare_solves(file, folder, here, is_cold=state == "cold")
            ratios.append(ours / bare)
            row += [f"{bare * 1000:.0f} ms", f"{ours * 1000:.0f} ms", f"{ours / bare:.2f}"]
        yield f"| {' | '.join(row)} |"
    middle = [f"| | | {statistics.median(ratios):.2f} " for ratios in found.values()]
    yield f"| median {''.join(middle)}|"


def _compare_solves(
    file: Path, folder: Path, here: Mapping[str, str], *, is_cold: bool
) -> tuple[float, float]:
    commands = []
    for who in ("rattler", "envsync"):
        cache = folder / f"cache-of-{who}"
        commands.append(
            Command(
                name=who,
                arguments=[sys.executable, str(HERE / "solve_once.py"), who, str(file)],
                environment={**here, "RATTLER_CACHE_DIR": str(cache)},
                prepare=partial(shutil.rmtree, cache, ignore_errors=True) if is_cold else None,
                reports_seconds=True,
            )
        )
    bare, ours = time_in_turn(commands, runs=5)
    return median(bare), median(ours)


def subdirs(folder: Path, here: Mapping[str, str]) -> list[str]:
    """Compare one subdir with three, whole processes."""
    specs = ("python=3.10", "numpy", "scikit-learn", "pandas", "joblib", "pip")
    definition = define(folder / "subdirs", specs)
    one = ("--subdir", "linux-64")
    three = (*one, "--subdir", "osx-arm64", "--subdir", "win-64")
    return compare(
        _lock("one subdir", definition, here, *one),
        _lock("three subdirs", definition, here, *three),
        runs=7,
    )


def relock(folder: Path, here: Mapping[str, str]) -> list[str]:
    """Compare what asks no engine: all of it is about one or two locks of 500 packages."""
    large, other = (define(folder / name, LARGE.split()) for name in ("large", "other"))
    for definition in (large, other):
        _run([ENVSYNC, "lock", str(definition), "--subdir", "linux-64"], here)
    lock = other / "conda-lock.yml"
    lock.write_text(lock.read_text().replace("  version: '2", "  version: '3"))
    count = lock.read_text().count("\n- name: ")
    words = {
        f"`check`, {count} packages": ("check", str(large)),
        f"`lock`, {count} packages, nothing to do": ("lock", str(large)),
        f"`diff` of two locks, {count} packages each": (
            "diff",
            str(large / "conda-lock.yml"),
            str(lock),
        ),
    }
    bare = [sys.executable, "-c", "pass"]
    return compare(
        Command(name="`python -c pass`", arguments=bare, environment=here),
        *(
            Command(name=name, arguments=[ENVSYNC, *each], environment=here)
            for name, each in words.items()
        ),
        runs=15,
    )


def pip(folder: Path, here: Mapping[str, str]) -> Iterable[str]:
    """Time a fresh lock with pip on top of conda, and its parts; uv's cache is that of the user.

    Offline, uv takes what its cache has, as it does within the ten minutes that PyPI's answers
    are good for. An index that doesn't say how long is asked for every page each time.
    """
    definition = define(folder / "mixed", MIXED, MIXED_PIP)
    lock = _lock("`envsync lock --offline`", definition, here, "--subdir", "linux-64", "--offline")
    online = _lock("`envsync lock`", definition, here, "--subdir", "linux-64")
    _run(online.arguments, here)  # fills both caches
    text = (definition / "conda-lock.yml").read_text()
    pip_count = text.count("manager: pip")
    conda_count = text.count("manager: conda")
    yield f"{conda_count} conda packages, {pip_count} pip packages"
    yield ""
    yield from compare(lock, online, runs=5)
    yield ""
    parts = [sys.executable, str(HERE / "lock_parts.py"), str(definition)]
    yield _run(parts, here)


def define(directory: Path, specs: Iterable[str], pip: Iterable[str] = ()) -> Path:
    """Write a definition that asks for *specs* and *pip*; its base image needs no registry."""
    directory.mkdir()
    docker = {"baseImage": "example.org/base@sha256:" + "0" * 64}
    named = json.dumps({"name": directory.name, "docker": docker})
    (directory / "azureml_environment.json").write_text(named)
    items = [*specs, *([{"pip": list(pip)}] if pip else [])]
    (directory / "conda_dependencies.yml").write_text(
        json.dumps({"channels": ["conda-forge"], "dependencies": items})
    )
    return directory


def _lock(name: str, definition: Path, here: Mapping[str, str], *options: str) -> Command:
    return Command(
        name=name,
        arguments=[ENVSYNC, "lock", str(definition), *options],
        environment=here,
        prepare=lambda: (definition / "conda-lock.yml").unlink(missing_ok=True),
    )


def _run(command: Iterable[str], here: Mapping[str, str]) -> str:
    done = subprocess.run(
        list(command), env=dict(here), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        sys.exit(done.stderr)
    return done.stdout


if __name__ == "__main__":
    main()
