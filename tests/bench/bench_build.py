"""`envsync build-local` with a warm cache against bare `rattler.install` of the same records.

Run it with `python tests/bench/bench_build.py [DIR]`; DIR is a definition that has been locked.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from measure import Command, compare, environment

BARE = """
import asyncio, os, rattler, sys
from envsync.adapters.rattler import load_config
from envsync.adapters.rattler.record import to_record
from envsync.lock.reader import load_lockfile
from pathlib import Path
from rattler.networking import Client
packages = load_lockfile(Path(sys.argv[1])).packages_for("linux-64")
asyncio.run(rattler.install(
    [to_record(package) for package in packages if package.manager == "conda"], sys.argv[2],
    client=Client.from_config(load_config()), show_progress=False))
os._exit(0)  # its threads may crash the interpreter while that shuts down
"""


def main() -> None:
    """Print the table."""
    directory = Path(sys.argv[1] if len(sys.argv) > 1 else "specs/sklearn-diabetes")
    envsync = str(Path(sys.executable).with_name("envsync"))
    env = environment()
    with tempfile.TemporaryDirectory() as name:
        bare, ours = Path(name) / "bare", Path(name) / "home"
        rows = compare(
            Command(
                name="`rattler.install`",
                arguments=[
                    sys.executable,
                    "-c",
                    BARE,
                    str(directory / "conda-lock.yml"),
                    str(bare),
                ],
                environment=env,
                prepare=lambda: shutil.rmtree(bare, ignore_errors=True),
            ),
            Command(
                name="`envsync build-local`",
                arguments=[envsync, "build-local", str(directory), "-p", str(ours / "x")],
                environment=env,
                prepare=lambda: shutil.rmtree(ours, ignore_errors=True),
            ),
        )
    print("\n".join(rows))


if __name__ == "__main__":
    main()
