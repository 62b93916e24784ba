"""`envsync --version`, and `check` and `build-local` with nothing to do, against bare Python.

Run it with `python tests/bench/bench_startup.py [DIR]`; DIR is a definition that has been locked
and built.
"""

from __future__ import annotations

import sys
from pathlib import Path

from measure import Command, compare, environment


def main() -> None:
    """Print the table."""
    directory = sys.argv[1] if len(sys.argv) > 1 else "specs/sklearn-diabetes"
    envsync = str(Path(sys.executable).with_name("envsync"))
    here = environment()
    bare = Command(
        name="`python -c pass`", arguments=[sys.executable, "-c", "pass"], environment=here
    )
    others = [
        Command(name=f"`envsync {words}`", arguments=[envsync, *words.split()], environment=here)
        for words in ("--version", f"check {directory}", f"build-local {directory}")
    ]
    print("\n".join(compare(bare, *others, runs=15)))


if __name__ == "__main__":
    main()
