from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from support.served import is_alive, wait_until

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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (
            ("--data", "nope.json"),
            (
                "Error: Cannot read request `nope.json`: No such file or directory\n"
                "Hint: give `--data` a file, a folder of files, or `-` for stdin\n"
            ),
        ),
        (
            ("--data", "[1]"),
            (
                "Error: Cannot read request `[1]`: No such file or directory\n"
                "Hint: write the request to a file, or pipe it into `--data -`\n"
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
            ("--data", "one.json", "--entry-script", "score.txt"),
            (
                "Error: Entry script `score.txt`: its name does not end in `.py`\n"
                "Hint: name it as Python source is named: `score.py`\n"
            ),
        ),
        (
            ("--data", "one.json", "--expect", "one.json", "--tolerance", "-1"),
            (
                "Usage: envsync score [OPTIONS] [DIR]\n"
                "Error: Invalid value for `--tolerance`: -1.0 is less than 0\n"
                "Hint: see `envsync score --help`\n"
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
                "Error: `latin.json` is no request for `score.py`: "
                "Input cannot be decoded as UTF-8: 'utf-8' codec can't decode "
                "byte 0xe9 in position 0: unexpected end of data\n"
                "Hint: `run` takes text in UTF-8, unless it is decorated with `@rawhttp`\n"
            ),
        ),
    ],
)
def test_wrong_input_is_one_error_with_one_hint(
    shell: Shell, arguments: tuple[str, ...], error: str
) -> None:
    shell.write(half_py="def init(): pass\n", score_txt=SCRIPT)
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
        "Hint: run `envsync build-local DIR -n nope`, or give a prefix with `-p`\n"
    )


def test_a_request_is_needed(shell: Shell) -> None:
    status, out, err = shell.score()
    assert (status, out) == (2, "")
    assert err.endswith("Error: Missing option `--data`\nHint: see `envsync score --help`\n")


def test_the_model_dir_beside_the_definition_is_taken(shell: Shell) -> None:
    (shell.directory / "model").mkdir()
    script = "import os\ndef init(): pass\ndef run(d): return os.environ['AZUREML_MODEL_DIR']\n"
    shell.write(score_py=script)
    status, out, _ = shell.score("--data", "one.json")
    assert (status, json.loads(out)) == (0, {"result": str(shell.directory / "model")})


def test_each_line_of_a_json_lines_file_is_a_request(shell: Shell) -> None:
    (shell.directory / "many.jsonl").write_text('{"data": [1]}\n\n{"data": [2]}\r\n')
    assert shell.score("--data", "many.jsonl")[:2] == (0, '{"result": [2]}\n{"result": [4]}\n')


def test_lines_of_stdin_are_requests_on_request(shell: Shell) -> None:
    status, out, err = shell.score("--lines", "--data", "-", stdin='{"data": [1]}\nbad\n')
    assert status == 1
    assert out.startswith('{"result": [2]}\n{"error": "JSONDecodeError: ')
    assert "Error: `run` of `score.py` failed for `-:2`: JSONDecodeError: " in err
    assert err.endswith("Error: 1 of 2 requests failed\n")


def test_a_folder_is_all_its_files_by_name(shell: Shell) -> None:
    folder = shell.directory / "requests"
    folder.mkdir()
    (folder / "b.json").write_text('{"data": [2]}')
    (folder / "a.jsonl").write_text('{"data": [1]}\n')
    (folder / ".hidden").write_text("no request")
    assert shell.score("--data", "requests")[:2] == (0, '{"result": [2]}\n{"result": [4]}\n')


def test_a_folder_without_requests_is_wrong(shell: Shell) -> None:
    (shell.directory / "empty").mkdir()
    assert shell.score("--data", "empty") == (
        2,
        "",
        "Error: There is no request in `empty`\nHint: give `--data` a file\n",
    )


def test_the_whole_answer_is_told_on_request(shell: Shell) -> None:
    status, out, _ = shell.score("--json", "--data", "one.json")
    record = json.loads(out)
    assert status == 0
    took = record.pop("milliseconds")
    assert took > 0
    assert took == round(took, 3)
    assert record == {"request": "one.json", "status": 200, "lock": None, "result": [2, 4]}


@pytest.mark.slow
def test_recorded_results_are_expected_later(shell: Shell) -> None:
    both = ("--data", "one.json", "--data", "two.json")
    assert shell.score(*both, "--record", "expected.jsonl")[0] == 0
    expected = shell.directory / "expected.jsonl"
    assert expected.read_text() == '{"result": [2, 4]}\n{"result": [6]}\n'
    assert shell.score(*both, "--expect", "expected.jsonl")[0] == 0
    expected.write_text('{"result": [2, 4.0000001]}\n{"result": [7]}\n')
    status, _, err = shell.score(*both, "--expect", "expected.jsonl")
    assert status == 1
    assert err == (
        "init of the script\n"
        "`two.json`: `$.result[0]` is 6, expected 7\n"
        "Error: The results differ from `expected.jsonl` in 1 place\n"
        "Hint: if they should, write them anew with `--record expected.jsonl`\n"
    )


def test_failed_requests_are_not_recorded(shell: Shell) -> None:
    shell.write(bad_json="bad")
    assert shell.score("--data", "bad.json", "--record", "expected.jsonl")[0] == 1
    assert not (shell.directory / "expected.jsonl").exists()


def test_what_is_expected_has_to_be_there(shell: Shell) -> None:
    assert shell.score("--data", "one.json", "--expect", "nope.jsonl") == (
        2,
        "",
        (
            "Error: Cannot read expected answers `nope.jsonl`: No such file or directory\n"
            "Hint: write them with `--record`\n"
        ),
    )


def test_a_script_that_takes_too_much_memory_fails_alone(shell: Shell) -> None:
    shell.write(score_py="def init(): pass\ndef run(d): return len(bytearray(10 ** 9))\n")
    status, out, err = shell.score("--max-memory", "300", "--data", "one.json")
    assert (status, out) == (1, "")
    assert err.startswith("Error: `run` of `score.py` failed for `one.json`: MemoryError\n")


@pytest.mark.slow
def test_a_script_that_computes_too_long_is_ended(shell: Shell) -> None:
    shell.write(score_py="def init(): pass\ndef run(d):\n    while True: pass\n")
    status, out, err = shell.score("--max-cpu", "1", "--data", "one.json")
    assert (status, out) == (1, "")
    assert err == (
        "Error: The Python that runs `score.py` was killed by SIGXCPU "
        "while it answered `one.json`\n"
    )


def test_the_scoring_timeout_holds(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCORING_TIMEOUT_MS", "200")
    shell.write(score_py="import time\ndef init(): pass\ndef run(d): time.sleep(60)\n")
    status, out, err = shell.score("--data", "one.json")
    assert (status, out) == (1, "")
    assert err.startswith(
        "Error: `run` of `score.py` took too long for `one.json`: Scoring timeout after 200 ms\n"
    )
    assert err.endswith("Hint: set `SCORING_TIMEOUT_MS` to allow more\n")


def test_a_profile_says_where_the_time_went(shell: Shell) -> None:
    status, out, err = shell.score("--profile", "--data", "one.json", "--data", "two.json")
    assert (status, out) == (0, '{"result": [2, 4]}\n{"result": [6]}\n')
    assert re.findall(r"^(\w+): .*, (\d calls?),", err, re.MULTILINE) == [
        ("import", "1 call"),
        ("init", "1 call"),
        ("run", "2 calls"),
    ]
    assert re.search(
        rf" 2  run \({re.escape(str(shell.directory))}/score.py:7\)$", err, re.MULTILINE
    )


def test_the_debugger_opens_at_the_failing_frame(shell: Shell) -> None:
    shell.write(bad_json='{"dta": 7}')
    ours, theirs = pty.openpty()
    with open(ours, "r+b", buffering=0) as screen:  # noqa: PTH123  # a descriptor
        child = subprocess.Popen(
            [
                *("setsid", "--ctty", "--wait", sys.executable, "-m", "envsync", "score"),
                *("--debug", "--python", sys.executable, "--data", "bad.json"),
            ],
            cwd=shell.directory,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        shown = b""
        while b"(Pdb) " not in shown:
            shown += screen.read(1024)
        screen.write(b"p raw_data\nq\n")
        with contextlib.suppress(OSError):  # the terminal is gone when the child is
            while part := screen.read(1024):
                shown += part
        assert child.wait() == 1
    assert b"> %s(8)run()" % str(shell.directory / "score.py").encode() in shown
    assert b"""'{"dta": 7}'""" in shown


def test_a_script_that_returns_its_exceptions_is_warned_of(shell: Shell) -> None:
    run = "def run(d):\n    try: 1 / 0\n    except Exception as e: return str(e)\n"
    shell.write(score_py="def init(): pass\n" + run)
    assert shell.score("--data", "one.json") == (
        0,
        '{"result": "division by zero"}\n',
        (
            "Warning: `score.py`:4: `run` returns an exception as a result; "
            "clients see status 200\n"
            "Hint: let it raise: the answer is then 500, and the traceback is in the log\n"
        ),
    )


def test_a_stdin_that_is_closed_is_said(shell: Shell) -> None:
    arguments = [sys.executable, "-m", "envsync", "score", "--python", sys.executable]
    done = subprocess.run(
        ["/bin/sh", "-c", '"$@" --data - <&-', "sh", *arguments],
        cwd=shell.directory,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert done.stderr.splitlines()[-2:] == [
        "Error: Cannot read request `-`: there is no stdin",
        "Hint: pipe the request into it, or give `--data` a file",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_script_does_not_outlive_the_command(shell: Shell, number: int) -> None:
    shell.write(
        score_py="""
import os, time
def init(): pass
def run(raw_data):
    print(os.getpid(), flush=True)
    while True: time.sleep(1)
"""
    )
    command = [sys.executable, "-m", "envsync", "score", "--python", sys.executable]
    process = subprocess.Popen(
        [*command, "--data", "one.json"], cwd=shell.directory, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    with process.stderr:
        pid = int(process.stderr.readline())
        process.send_signal(number)
        assert process.wait() == -number
        wait_until(lambda: not is_alive(pid), "the end of the script")
