"""What commands take that solve and install nothing, against bare Pythons.

    python tests/bench/bench_startup.py [DIR] [REQUEST]

DIR is a definition that has been locked and built, by default `specs/sklearn-diabetes`; REQUEST
is scored by its entry script, by default its `sample-request.json`. Besides that script, one
that does nothing is scored, in the same environment.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

from measure import ENVSYNC, Command, compare, environment

from envsync.errors import EnvsyncError
from envsync.workflow.scoring.target import ScoringChoice, find_target

# What somebody would write who has activated the environment.
BARE = """
import importlib.util, json, os, sys
script, model, request = sys.argv[1:]
os.environ["AZUREML_MODEL_DIR"] = model
sys.path.insert(0, os.path.dirname(script))
spec = importlib.util.spec_from_file_location("entry", script)
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
module.init()
with open(request) as stream:
    print(json.dumps({"result": module.run(stream.read())}))
"""
NOTHING = "import json\ndef init(): pass\ndef run(raw_data): return json.loads(raw_data)\n"


def main() -> None:
    """Print the tables."""
    directory = Path(sys.argv[1] if len(sys.argv) > 1 else "specs/sklearn-diabetes").resolve()
    request = Path(sys.argv[2]) if len(sys.argv) > 2 else directory / "sample-request.json"
    print("\n".join(compare_commands(directory)))
    try:
        target = find_target(ScoringChoice(directory=directory))
    except EnvsyncError as error:
        print(f"\nSkipped `score`: {error.message}\nHint: {error.hint}")
        return
    print("", *compare_scores(directory, request.resolve(), target.interpreter.python), sep="\n")
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name) / directory.name
        shutil.copytree(directory, copy, ignore=shutil.ignore_patterns("model"))
        (copy / "score.py").write_text(NOTHING)
        (copy / "model").mkdir()
        request = copy / "request.json"
        request.write_text(json.dumps({"data": [1]}))
        print("", *compare_scores(copy, request, target.interpreter.python), sep="\n")


def compare_commands(directory: Path) -> list[str]:
    """Return the table of what says something, and does nothing."""
    words = (("--version",), ("check", str(directory)), ("build-local", str(directory)))
    return compare(
        Command(
            name="`python -c pass`",
            arguments=[sys.executable, "-c", "pass"],
            environment=environment(),
        ),
        *(
            Command(
                name=f"`envsync {each[0]}`", arguments=[ENVSYNC, *each], environment=environment()
            )
            for each in words
        ),
        runs=15,
    )


def compare_scores(directory: Path, request: Path, python: Path) -> list[str]:
    """Return the table of one request, scored by hand and by envsync."""
    files = (directory / "score.py", directory / "model", request)
    return compare(
        Command(
            name="the environment's Python, by hand",
            arguments=[str(python), "-B", "-c", BARE, *map(str, files)],
            environment=environment(),
        ),
        Command(
            name="`envsync score`",
            arguments=[ENVSYNC, "score", str(directory), "--data", str(request)],
            environment=environment(),
        ),
        runs=11,
    )


if __name__ == "__main__":
    main()
