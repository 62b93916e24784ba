"""Solve every definition of the corpus twice, by rattler alone and by envsync, and compare."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS.parent)]

from channel import CONDA_FORGE, serve  # noqa: E402  # found by the line above
from support.corpus import compare, list_definitions  # noqa: E402

SHARED = TESTS.parents[1] / "shared"


def main() -> int:
    real = SHARED / "realchannel"
    folders = {
        CONDA_FORGE: real / "conda-forge",
        "https://repo.anaconda.com/pkgs/main/": real / "main",
        "https://repo.anaconda.com/pkgs/r/": None,
        "https://conda.anaconda.org/pytorch/": real / "pytorch",
    }
    same = different = 0
    with tempfile.TemporaryDirectory() as name, serve(folders) as served:
        config = Path(name) / "config.toml"
        config.write_text(served.config, encoding="utf-8")
        os.environ.update(ENVSYNC_CONFIG=str(config), RATTLER_CACHE_DIR=f"{name}/ours")
        for path, bare, here in compare(list_definitions(SHARED), Path(name) / "bare"):
            if here == bare:
                same += 1
            else:
                different += 1
                print(f"{path.name}: {here if isinstance(here, str) else sorted(bare ^ here)}")
    print(f"{same} locked with the same packages, {different} not")
    sys.stdout.flush()
    os._exit(int(different > 0))  # rattler's threads may crash a normal end


if __name__ == "__main__":
    main()
