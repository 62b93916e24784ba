"""`validate` on real definitions, in one process, beyond imports.

Run it with `python tests/bench/bench_validate.py [FOLDER]`; FOLDER holds `conda_yml/` with conda
files and `azureml_env/` with v1 directories, by default the corpus beside this checkout.
"""

from __future__ import annotations

import statistics
import sys
import time
from datetime import date
from pathlib import Path

from envsync.definition import load
from envsync.workflow.definition.validate import validate

TODAY = date(2026, 1, 1)
FILES = 428


def main() -> None:
    """Print the table."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "corpus"
    corpus = Path(sys.argv[1]) if len(sys.argv) > 1 else beside
    if not corpus.is_dir():
        sys.exit(f"Error: `{corpus}` is not there; name a folder of definitions")
    folders = sorted((corpus / "azureml_env").iterdir())
    files = sorted((corpus / "conda_yml").iterdir())
    for source in (*folders, *files):  # what is imported on first use is imported now
        validate(source, today=TODAY)
    loaded = [_time_load(folder) for folder in folders]
    directories = [_time(folder) for folder in folders]
    start = time.perf_counter()
    single = [_time(files[i % len(files)]) for i in range(FILES)]
    took = time.perf_counter() - start
    print("| what | median | longest |")
    print("| --- | --- | --- |")
    print(_row(f"`load`, {len(folders)} v1 directories", loaded))
    print(_row(f"`validate`, {len(folders)} v1 directories", directories))
    print(_row(f"`validate`, {FILES} conda files, {len(set(files))} different ones", single))
    print(f"| all {FILES} conda files | {took:.2f} s | |")


def _time(source: Path) -> float:
    start = time.perf_counter()
    validate(source, today=TODAY)
    return time.perf_counter() - start


def _time_load(source: Path) -> float:
    start = time.perf_counter()
    load(source)
    return time.perf_counter() - start


def _row(name: str, seconds: list[float]) -> str:
    return f"| {name} | {statistics.median(seconds) * 1000:.1f} ms | {max(seconds) * 1000:.1f} ms |"


if __name__ == "__main__":
    main()
