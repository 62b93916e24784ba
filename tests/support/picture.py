"""Record README's picture from a real run: `python tests/support/picture.py [FOLDER]`.

FOLDER holds the folder `churn` of README's example, its model included. The commands run with the
user's own settings; what they print becomes `.github/terminal.svg`.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

_COMMANDS = (
    "envsync lock churn",
    "envsync build-local churn",
    "envsync score churn --data churn/request.json",
    "envsync serve churn --detach",
    "curl -s -d @churn/request.json http://localhost:6789/score",
)
_TARGET = Path(__file__).resolve().parents[2] / ".github" / "terminal.svg"
_WIDTH = 84


def record(folder: Path) -> str:
    """Return the SVG of a terminal in which the commands were run in *folder*."""
    console = Console(record=True, width=_WIDTH, file=io.StringIO(), force_terminal=True)
    for command in _COMMANDS:
        console.print(Text.assemble(("$ ", "green"), (command, "bold")))
        done = subprocess.run(
            command.split(),
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=True,
        )
        console.print(Text(done.stdout.replace(str(Path.home()), "/home/me")), end="")
    svg = console.export_svg(title="envsync")
    without_fonts = re.sub(r"@font-face \{.*?\}\n", "", svg, flags=re.DOTALL)
    return re.sub(r"terminal-\d+", "terminal", without_fonts)


if __name__ == "__main__":
    os.umask(0o022)
    _TARGET.parent.mkdir(exist_ok=True)
    _TARGET.write_text(record(Path(*sys.argv[1:])), encoding="utf-8")
