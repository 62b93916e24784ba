"""Solve the conda part of one definition, and print the seconds: clock, then processors.

    python solve_once.py envsync|rattler FILE

With `rattler`, by bare py-rattler, told all that envsync found out. `bench_lock.py` runs it, in
one process for each solve. Its channels and caches are those of `ENVSYNC_CONFIG` and
`RATTLER_CACHE_DIR`.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import rattler
from rattler.config import Config
from rattler.networking import Client
from rattler.package import BuildString, PackageName
from rattler.repo_data.multi_source import MultiSource

from envsync.adapters.rattler import RattlerSolver, load_config
from envsync.definition import load
from envsync.model.virtual_package import DEFAULTS
from envsync.solve.channels import place_channels
from envsync.solve.request import CondaRequest

if TYPE_CHECKING:
    from envsync.model.channel import Channel

SUBDIR = "linux-64"


def read_request(file: Path) -> CondaRequest:
    """Return what `envsync lock` would ask for."""
    conda = load(file).spec.conda
    if conda is None:
        sys.exit(f"`{file}` has no conda part")
    channels, match_specs = place_channels(conda.channels, conda.match_specs, SUBDIR)
    return CondaRequest(
        subdir=SUBDIR,
        channels=channels,
        match_specs=(*match_specs, *(("pip",) if conda.has_pip_section else ())),
        virtual_packages=DEFAULTS[SUBDIR],
    )


def solve_bare(request: CondaRequest) -> int:
    """Solve with nothing around rattler; return how many packages it takes."""
    config = Config.load_from_files([os.environ["ENVSYNC_CONFIG"]])
    cache = Path(os.environ["RATTLER_CACHE_DIR"])
    gateway = rattler.Gateway.from_config(
        config, client=Client.from_config(config), cache_dir=cache
    )
    records = asyncio.run(
        rattler.solve(
            [to_source(channel) for channel in request.channels],
            [rattler.MatchSpec(text) for text in request.match_specs],
            gateway=gateway,
            platforms=[rattler.Subdir(request.subdir), rattler.Subdir("noarch")],
            virtual_packages=[
                rattler.GenericVirtualPackage(
                    PackageName(fact.name), rattler.Version(fact.version), BuildString(fact.build)
                )
                for fact in request.virtual_packages
            ],
        )
    )
    return len(records)


def to_source(channel: Channel) -> rattler.Channel | MultiSource:
    """Return *channel* as rattler names it."""
    channels = [rattler.Channel(url) for url in channel.urls]
    return channels[0] if len(channels) == 1 else MultiSource(channel.name, channels)


def main() -> None:
    """Solve, and print."""
    who, file = sys.argv[1], Path(sys.argv[2])
    request = read_request(file)
    start, used = time.perf_counter(), time.process_time()
    if who == "rattler":
        count = solve_bare(request)
    else:
        count = len(RattlerSolver(load_config()).solve(request))
    seconds, cpu = time.perf_counter() - start, time.process_time() - used
    print(count, seconds, cpu, flush=True)
    os._exit(0)  # rattler's threads may crash the interpreter while that shuts down


if __name__ == "__main__":
    main()
