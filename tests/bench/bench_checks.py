"""What the checks of conda packages cost: 100 packages with 20,000 files, in a warm cache.

Run it with `python tests/bench/bench_checks.py`.
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.hostile import file, make_package

from envsync.adapters.rattler import RattlerInstaller, load_config
from envsync.adapters.rattler.installer import find_notes
from envsync.adapters.rattler.package_store import PackageStore
from envsync.model.progress import SilentReporter
from envsync.package.links import check_together

if TYPE_CHECKING:
    from collections.abc import Callable

_PACKAGES, _FILES, _RUNS = 100, 200, 9


def main() -> None:
    """Print the medians of linking everything, and of what the checks take of that."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        os.environ["ENVSYNC_HOME"] = str(root / "home")
        os.environ["RATTLER_CACHE_DIR"] = str(root / "cache")
        packages = [
            make_package(
                root / "channel",
                [file(f"share/p{number}/d{it % 10}/f{it}") for it in range(_FILES)],
                name=f"p{number}",
            )
            for number in range(_PACKAGES)
        ]
        store = PackageStore(root / "cache" / "pkgs", find_notes())

        def clear() -> None:
            shutil.rmtree(root / "x", ignore_errors=True)
            (root / "x").mkdir()

        def install() -> None:
            RattlerInstaller(load_config()).install(
                packages,
                target=root / "x",
                prefix=root / "x",
                requested=(),
                reporter=SilentReporter(),
            )

        def check() -> None:
            found = [(each, store.find(each, reads_bytes=False)) for each in packages]
            check_together([(each, it) for each, it in found if it is not None], python="")

        clear()
        install()
        whole, checks = _time(install, before=clear), _time(check)
        print(f"install {whole * 1000:.0f} ms, its checks {checks * 1000:.0f} ms")
        print(f"share {checks / whole:.1%}")
        sys.stdout.flush()
        os._exit(0)  # rattler's threads may crash the interpreter while that shuts down


def _time(function: Callable[[], None], before: Callable[[], None] = lambda: None) -> float:
    taken = []
    for _ in range(_RUNS):
        before()
        start = time.perf_counter()
        function()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


if __name__ == "__main__":
    main()
