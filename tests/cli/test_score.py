from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = """
import json, os

def init():
    print("init of the script")

def run(raw_data):
    data = json.loads(raw_data)["data"]
    return [number * 2 for number in data]
"""


@dataclass
class Shell:
    """Runs `envsync score` in a directory, with this test run's Python as the interpreter."""

    directory: Path

    def score(self, *arguments: str, stdin: str = "") -> tuple[int, str, str]:
        done = subprocess.run(
            [sys.executable, "-m", "envsync", "score", "--python", sys.executable, *arguments],
            cwd=self.directory,
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    def write(self, **files: str) -> None:
        for name, text in files.items():
            path = self.directory / name.replace("_", ".")
            path.write_text(text, encoding="utf-8")


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    shell = Shell(tmp_path)
    shell.write(score_py=SCRIPT, one_json='{"data": [1, 2]}', two_json='{"data": [3]}')
    return shell


def test_the_result_is_a_line_of_json_and_prints_are_elsewhere(shell: Shell) -> None:
    assert shell.score("--data", "one.json") == (
        0,
        '{"result": [2, 4]}\n',
        "init of the script\n",
    )


def test_requests_are_answered_in_their_order_after_one_init(shell: Shell) -> None:
    status, out, err = shell.score("--data", "two.json", "--data", "-", stdin='{"data": [5]}')
    assert (status, out) == (0, '{"result": [6]}\n{"result": [10]}\n')
    assert err == "init of the script\n"


def test_raw_prints_what_the_server_would_answer(shell: Shell) -> None:
    assert shell.score("--raw", "--data", "one.json")[:2] == (0, "[2, 4]\n")


def test_an_exception_of_the_script_is_shown_with_its_own_frames(shell: Shell) -> None:
    shell.write(bad_json='{"dta": 1}')
    status, out, err = shell.score("--data", "bad.json")
    assert (status, out) == (1, "")
    lines = [line for line in err.split("\n") if set(line.strip()) - set("~^")]
    assert lines == [
        "init of the script",
        "Error: `run` of `score.py` failed for `bad.json`: KeyError: 'data'",
        "Traceback (most recent call last):",
        f'  File "{shell.directory / "score.py"}", line 8, in run',
        '    data = json.loads(raw_data)["data"]',
        "KeyError: 'data'",
    ]


def test_one_bad_request_among_many_does_not_stop_the_rest(shell: Shell) -> None:
    shell.write(bad_json='{"dta": 1}')
    status, out, err = shell.score("--data", "bad.json", "--data", "one.json")
    assert status == 1
    assert out == '{"error": "KeyError: \'data\'"}\n{"result": [2, 4]}\n'
    assert err.endswith("Error: 1 of 2 requests failed\n")


def test_a_result_that_json_cannot_hold_is_named(shell: Shell) -> None:
    shell.write(score_py="def init(): pass\ndef run(d): return {'a': [{1}]}\n")
    assert shell.score("--data", "one.json") == (
        1,
        "",
        (
            "Error: `run` of `score.py` returned no JSON for `one.json`: "
            "`$.a[0]` is `set`, which JSON cannot hold\n"
            "Hint: convert it in `run` before it is returned\n"
        ),
    )


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (
            ("--data", "nope.json"),
            (
                "Error: Cannot read request `nope.json`: No such file or directory\n"
                "Hint: give `--data` a file, or `-` for stdin\n"
            ),
        ),
        (
            ("--data", "one.json", "--entry-script", "nope.py"),
            (
                "Error: Entry script `nope.py` is not there\n"
                "  tried `{directory}/nope.py`\n"
                "Hint: give its path with `--entry-script`\n"
            ),
        ),
        (
            ("--data", "one.json", "--entry-script", "half.py"),
            (
                "Error: Entry script `half.py` defines no `run` function\n"
                "Hint: Azure ML calls `init()` once, then `run(data)` for each request\n"
            ),
        ),
        (
            ("--data", "one.json", "--model-dir", "one.json"),
            "Error: Model dir `one.json` is a file\nHint: give its directory: `--model-dir .`\n",
        ),
        (
            ("--data", "one.json", "--python", "nope"),
            (
                "Error: `nope` is not a Python that can be run\n"
                "Hint: give `--python` the path of an interpreter, such as `PREFIX/bin/python`\n"
            ),
        ),
        (
            ("--data", "latin.json"),
            (
                "init of the script\n"
                "Error: `latin.json` is no request for `score.py`: Input cannot be decoded as UTF-8: "
                "'utf-8' codec can't decode byte 0xe9 in position 0: unexpected end of data\n"
                "Hint: `run` takes text in UTF-8, unless it is decorated with `@rawhttp`\n"
            ),
        ),
    ],
)
def test_wrong_input_is_one_error_with_one_hint(
    shell: Shell, arguments: tuple[str, ...], error: str
) -> None:
    shell.write(half_py="def init(): pass\n")
    (shell.directory / "latin.json").write_bytes(b"\xe9")
    assert shell.score(*arguments) == (2, "", error.format(directory=shell.directory))


def test_an_environment_that_is_not_built_is_named(shell: Shell, private_home: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "envsync", "score", "-n", "nope", "--data", "one.json"],
        cwd=shell.directory,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    prefix = private_home / ".envsync" / "envs" / "nope"
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"Error: No environment with a Python is at `{prefix}`\n"
        "Hint: run `envsync build-local DIR`, or give its prefix with `-p`\n"
    )


def test_a_request_is_needed(shell: Shell) -> None:
    status, out, err = shell.score()
    assert (status, out) == (2, "")
    assert err.endswith("Error: Missing option '--data'.\n")


def test_the_model_dir_beside_the_definition_is_taken(shell: Shell) -> None:
    (shell.directory / "model").mkdir()
    script = "import os\ndef init(): pass\ndef run(d): return os.environ['AZUREML_MODEL_DIR']\n"
    shell.write(score_py=script)
    status, out, _ = shell.score("--data", "one.json")
    assert (status, json.loads(out)) == (0, {"result": str(shell.directory / "model")})
