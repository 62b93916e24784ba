"""`envsync lock` against bare `rattler.solve` plus conda-lock's import, on real metadata.

Run it with `python tests/bench/bench_lock.py [CHANNELS]`; CHANNELS is a folder with the
subfolders `conda-forge` and `main`, by default the one beside this checkout.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from measure import Command, compare, environment

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from channel import CONDA_FORGE, serve

SPECS = ("python=3.10", "numpy", "scikit-learn", "pandas", "joblib", "pip")
BARE = """
import asyncio, os, rattler, sys, conda_lock.lockfile
from pathlib import Path
from rattler.config import Config
from rattler.networking import Client
config = Config.load_from_files([sys.argv[1]])
gateway = rattler.Gateway.from_config(
    config, client=Client.from_config(config), cache_dir=Path(os.environ["RATTLER_CACHE_DIR"]))
records = asyncio.run(rattler.solve(
    ["https://conda.anaconda.org/conda-forge/"],
    [rattler.MatchSpec(text) for text in sys.argv[2:]],
    gateway=gateway,
    platforms=["linux-64", "noarch"], virtual_packages=rattler.VirtualPackage.detect()))
assert len(records) > 40
os._exit(0)  # its threads may crash the interpreter while that shuts down
"""


def main() -> None:
    """Print the table."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "realchannel"
    channels = Path(sys.argv[1]) if len(sys.argv) > 1 else beside
    if not channels.is_dir():
        sys.exit(f"Error: `{channels}` is not there; name a folder of channels")
    with (
        tempfile.TemporaryDirectory() as name,
        serve({CONDA_FORGE: channels / "conda-forge"}) as served,
    ):
        print("\n".join(_compare(Path(name), served.config)))


def _compare(folder: Path, config_text: str) -> list[str]:
    config = folder / "config.toml"
    config.write_text(config_text)
    definition = folder / "definition"
    definition.mkdir()
    named = json.dumps({"name": "bench", "docker": {}})
    (definition / "azureml_environment.json").write_text(named)
    (definition / "conda_dependencies.yml").write_text(
        json.dumps({"channels": ["conda-forge"], "dependencies": SPECS})
    )
    lockfile = definition / "conda-lock.yml"
    env = environment(
        ENVSYNC_CONFIG=str(config),
        RATTLER_CACHE_DIR=str(folder / "cache"),
        NO_PROXY="127.0.0.1",
    )
    envsync = str(Path(sys.executable).with_name("envsync"))
    return compare(
        Command(
            name="`rattler.solve` and `import conda_lock`",
            arguments=[sys.executable, "-c", BARE, str(config), *SPECS],
            environment=env,
        ),
        Command(
            name="`envsync lock`",
            arguments=[envsync, "lock", str(definition)],
            environment=env,
            prepare=lambda: lockfile.unlink(missing_ok=True),
        ),
    )


if __name__ == "__main__":
    main()
