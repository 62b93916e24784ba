"""A Python with the packages that published entry scripts import, kept between test runs."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

import uv

PACKAGES = (
    "inference-schema==1.8",
    "joblib>=1.4,<2",
    "numpy>=2,<3",
    "pandas>=2.2,<4",
    "scikit-learn>=1.6,<1.8",
)


def make_scoring_python(cache: Path, packages: tuple[str, ...] = PACKAGES) -> Path:
    """Return the interpreter of a virtual environment with *packages*, making it if need be.

    It appears at once: made aside, then moved. A script in it would point to the old place, but
    nothing here runs one.
    """
    key = hashlib.sha256(repr((packages, sys.version_info[:2], "compiled")).encode()).hexdigest()[
        :12
    ]
    home = cache / f"scoring-python-{key}"
    python = home / "bin" / "python"
    if python.exists():
        return python
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as aside:
        made = Path(aside) / "environment"
        _uv("venv", "--quiet", "--python", sys.executable, str(made))
        # Bytecode names no folder that Python heeds, so it stays right when it is moved.
        install = ("pip", "install", "--quiet", "--compile-bytecode")
        _uv(*install, "--python", str(made / "bin" / "python"), *packages)
        if not python.exists():
            made.replace(home)
    return python


def _uv(*arguments: str) -> None:
    subprocess.run([uv.find_uv_bin(), *arguments], check=True)
