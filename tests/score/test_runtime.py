from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from envsync.errors import DefinitionError, EnvsyncError
from envsync.score.command import RUNTIME

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Ask

COUNTER = """
    import json, os

    def init():
        global calls
        calls = 0

    def run(raw_data):
        global calls
        calls += 1
        return {"calls": calls, "data": json.loads(raw_data)["data"]}
"""


def results(answers: object) -> list[object]:
    return [json.loads(answer.body) for answer in answers]  # type: ignore[attr-defined]


def test_init_runs_once_and_run_for_each_request(ask: Ask, any_python: Path) -> None:
    answers = ask(any_python, COUNTER, '{"data": [1]}', '{"data": "é"}')
    assert results(answers) == [{"calls": 1, "data": [1]}, {"calls": 2, "data": "é"}]


@pytest.mark.parametrize(
    ("replaced", "found"),
    [
        ("json.JSONEncoder.default = lambda encoder, value: sorted(value)", b'{"a": [1, 2]}'),
        ("json.dumps = functools.partial(json.dumps, default=sorted)", b'{"a": [1, 2]}'),
        ("json.dumps = lambda value: b'[1]'", b"[1]"),
        ("json.dumps = json.loads = lambda value: 1 / 0", None),
    ],
)
def test_a_script_may_replace_what_json_is_made_with(
    ask: Ask, python: Path, replaced: str, found: bytes | None
) -> None:
    script = f"""
        import functools, json
        def init():
            {replaced}
        def run(raw_data):
            return {{"a": {{2, 1}}}}
        """
    (answer,) = ask(python, script, "x")
    assert (answer.body if answer.status == 200 else None) == found


def test_prints_of_the_script_go_to_stderr(
    ask: Ask, any_python: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    script = """
        import os, subprocess, sys

        def init():
            print("from init")

        def run(raw_data):
            print("from run é")
            sys.stdout.write("written\\n")
            os.write(1, b"by descriptor\\n")
            subprocess.call([sys.executable, "-c", "print('from a child')"])
            return 1
    """
    answers = ask(any_python, script, "")
    out, err = capfd.readouterr()
    assert (results(answers), out) == ([1], "")
    assert err.split("\n") == [
        "from init",
        "from run é",
        "written",
        "by descriptor",
        "from a child",
        "",
    ]


def test_the_script_cannot_read_the_requests(ask: Ask, any_python: Path) -> None:
    script = """
        import sys

        def init():
            pass

        def run(raw_data):
            return sys.stdin.read()
    """
    assert results(ask(any_python, script, "a", "b")) == ["", ""]


def test_azure_ml_variables_are_absolute_paths(ask: Ask, any_python: Path, tmp_path: Path) -> None:
    script = """
        import os, sys

        NAMES = ("AZUREML_MODEL_DIR", "AZUREML_ENTRY_SCRIPT", "AML_APP_ROOT")

        def init():
            pass

        def run(raw_data):
            return [os.environ.get(name) for name in NAMES] + [os.getcwd(), sys.argv]
    """
    model_dir = tmp_path / "model"
    model_dir.mkdir()
    script_path = str(tmp_path / "score.py")
    (answer,) = ask(any_python, script, "", model_dir=model_dir)
    assert json.loads(answer.body) == [
        str(model_dir),
        script_path,
        str(tmp_path),
        str(tmp_path),
        [script_path],
    ]


def test_the_model_dir_variable_is_unset_without_a_model_dir(ask: Ask, python: Path) -> None:
    script = """
        import os

        def init():
            pass

        def run(raw_data):
            return os.environ.get("AZUREML_MODEL_DIR", "unset")
    """
    assert results(ask(python, script, "")) == ["unset"]


def test_modules_beside_the_script_are_importable(
    ask: Ask, any_python: Path, tmp_path: Path
) -> None:
    # Names that the runtime's own modules have, too.
    for name in ("worker", "script", "wire", "failure"):
        (tmp_path / f"{name}.py").write_text(f"NAME = 'own {name}'\n")
    script = """
        import failure, script, wire, worker

        def init():
            pass

        def run(raw_data):
            return [module.NAME for module in (failure, script, wire, worker)]
    """
    expected = ["own failure", "own script", "own wire", "own worker"]
    assert results(ask(any_python, script, "")) == [expected]


def test_nothing_of_envsync_is_imported(ask: Ask, any_python: Path) -> None:
    script = """
        import sys

        def init():
            pass

        def run(raw_data):
            return [name for name in sys.modules if name.split(".")[0] == "envsync"]
    """
    assert results(ask(any_python, script, "")) == [[]]


def test_no_file_is_written(ask: Ask, any_python: Path, tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("VALUE = 1\n")
    script = """
        import helper

        def init():
            pass

        def run(raw_data):
            return helper.VALUE
    """
    runtime = set(_runtime_files())
    assert results(ask(any_python, script, "")) == [1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["helper.py", "score.py"]
    assert set(_runtime_files()) == runtime


def _runtime_files() -> list[str]:
    return [str(path) for path in RUNTIME.rglob("*")]


def test_classes_of_the_script_can_be_pickled(ask: Ask, any_python: Path) -> None:
    script = """
        import pickle

        class Model(object):
            def predict(self):
                return 42

        def init():
            global model
            model = pickle.loads(pickle.dumps(Model()))

        def run(raw_data):
            return model.predict()
    """
    assert results(ask(any_python, script, "")) == [42]


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_functions_of_the_script_run_in_child_processes(
    ask: Ask, any_python: Path, method: str
) -> None:
    script = f"""
        import multiprocessing

        def square(number):
            return number * number

        def init():
            pass

        def run(raw_data):
            with multiprocessing.get_context("{method}").Pool(1) as pool:
                return pool.map(square, [1, 2, 3])
    """
    assert results(ask(any_python, script, "", "")) == [[1, 4, 9], [1, 4, 9]]


def test_a_forked_child_that_returns_does_not_answer(ask: Ask, python: Path) -> None:
    script = """
        import os

        def init():
            pass

        def run(raw_data):
            child = os.fork()
            if child:
                os.waitpid(child, 0)
                return "parent"
            return "child"
    """
    assert results(ask(python, script, "", "")) == ["parent", "parent"]


def test_request_headers_are_not_the_data(ask: Ask, python: Path) -> None:
    script = """
        def init():
            pass

        def run(request_headers, payload, extra=5):
            return [payload, request_headers, extra]
    """
    assert results(ask(python, script, "text")) == [["text", {}, 5]]


def test_async_functions_are_awaited(ask: Ask, any_python: Path) -> None:
    script = """
        import asyncio

        async def init():
            global loop
            await asyncio.sleep(0)
            loop = asyncio.get_event_loop()

        async def run(raw_data):
            await asyncio.sleep(0)
            return asyncio.get_event_loop() is loop
    """
    assert results(ask(any_python, script, "", "")) == [True, True]


def test_a_byte_order_mark_is_no_part_of_the_text(ask: Ask, python: Path) -> None:
    script = """
        def init():
            pass

        def run(raw_data):
            return raw_data
    """
    assert results(ask(python, script, b"\xef\xbb\xbfx")) == ["x"]


def test_text_that_is_not_utf_8_is_a_bad_request(ask: Ask, any_python: Path) -> None:
    bad, good = ask(any_python, COUNTER, b"\xff\xfe", '{"data": 1}')
    assert (bad.status, bad.reason) == (400, "bad-request")
    assert json.loads(bad.body) == {
        "message": "Input cannot be decoded as UTF-8: "
        "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"
    }
    assert results([good]) == [{"calls": 1, "data": 1}]


def test_an_exception_shows_the_frames_of_the_script_alone(
    ask: Ask, any_python: Path, tmp_path: Path
) -> None:
    script = """
        def init():
            pass

        def run(raw_data):
            try:
                divide(1)
            except ZeroDivisionError as error:
                raise ValueError("no good") from error

        def divide(number):
            return number / 0
    """
    failed, again = ask(any_python, script, "", "")
    assert failed.failure is not None
    assert again.failure is not None
    path = tmp_path / "score.py"
    lines = [
        line
        for line in failed.failure.traceback.split("\n")
        if not set(line.strip()) <= set("~^")  # newer Pythons point into the line
    ]
    assert lines == [
        "Traceback (most recent call last):",
        f'  File "{path}", line 7, in run',
        "    divide(1)",
        f'  File "{path}", line 12, in divide',
        "    return number / 0",
        "ZeroDivisionError: division by zero",
        "The above exception was the direct cause of the following exception:",
        "Traceback (most recent call last):",
        f'  File "{path}", line 9, in run',
        '    raise ValueError("no good") from error',
        "ValueError: no good",
    ]
    assert failed.failure.summary == "ValueError: no good"
    assert (failed.status, failed.reason) == (500, "raised")


@pytest.mark.parametrize(
    ("statement", "summary"),
    [
        ("import sys; sys.exit(4)", "SystemExit: 4"),
        ("raise GeneratorExit", "GeneratorExit"),
        ("raise Silent()", "Silent"),
        ("return deeper()", "RecursionError: maximum recursion depth exceeded"),
        ("raise ValueError('\\ud800')", "ValueError: \\ud800"),
    ],
)
def test_the_worker_outlives_what_run_raises(
    ask: Ask, any_python: Path, statement: str, summary: str
) -> None:
    script = f"""
        class Silent(Exception):
            def __str__(self):
                raise RuntimeError

        def deeper():
            return deeper()

        def init():
            pass

        def run(raw_data):
            if raw_data == "fail":
                {statement}
            return raw_data
    """
    failed, alive = ask(any_python, script, "fail", "alive")
    assert failed.failure is not None
    assert failed.failure.summary.startswith(summary)
    assert results([alive]) == ["alive"]


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("def run(d): pass", "Entry script `score.py` defines no `init` function"),
        ("def init(): pass", "Entry script `score.py` defines no `run` function"),
        (
            "init = 3\ndef run(d): pass",
            "Entry script `score.py`: `init` is not callable",
        ),
        (
            "def init(): pass\ndef run(): pass",
            "Entry script `score.py`: run() needs to accept an argument for input data",
        ),
        (
            "def init(): pass\ndef run(request_headers): pass",
            "Entry script `score.py`: run() needs to accept an argument for input data",
        ),
        (
            "def init(): pass\ndef run(*args): pass",
            (
                "Entry script `score.py`: run() cannot accept positional-only arguments, "
                "*args or **kwargs: `*args`"
            ),
        ),
    ],
)
def test_a_script_that_breaks_the_contract_is_refused(
    ask: Ask, any_python: Path, script: str, message: str
) -> None:
    with pytest.raises(DefinitionError) as caught:
        ask(any_python, script, "")
    assert caught.value.message == message
    assert caught.value.hint == "Azure ML calls `init()` once, then `run(data)` for each request"


def test_a_script_that_cannot_be_parsed_is_shown_with_its_line(
    ask: Ask, any_python: Path, tmp_path: Path
) -> None:
    with pytest.raises(DefinitionError) as caught:
        ask(any_python, "def init(): pass\nx = (1\ny y\n", "")
    lines = caught.value.message.split("\n")
    assert lines[0] == f"Entry script `score.py` cannot be parsed by `{any_python}`"
    assert lines[-1].startswith("SyntaxError: ")
    assert f'  File "{tmp_path / "score.py"}", line ' in caught.value.message
    assert caught.value.hint is not None
    assert caught.value.hint.startswith("correct line ")


def test_a_missing_module_is_named_with_the_line_that_imports_it(
    ask: Ask, any_python: Path, tmp_path: Path
) -> None:
    with pytest.raises(EnvsyncError) as caught:
        ask(any_python, "import module_of_nobody\n", "")
    assert type(caught.value) is EnvsyncError
    assert caught.value.message == "\n".join(
        (
            (
                "Entry script `score.py` cannot be imported: "
                "ModuleNotFoundError: No module named 'module_of_nobody'"
            ),
            "Traceback (most recent call last):",
            f'  File "{tmp_path / "score.py"}", line 1, in <module>',
            "    import module_of_nobody",
            "ModuleNotFoundError: No module named 'module_of_nobody'",
        )
    )


def test_a_missing_model_file_is_answered_with_the_tree_of_the_model_dir(
    ask: Ask, any_python: Path, tmp_path: Path
) -> None:
    (tmp_path / "model" / "1").mkdir(parents=True)
    (tmp_path / "model" / "1" / "model.pkl").touch()
    script = """
        import os

        def init():
            open(os.path.join(os.environ["AZUREML_MODEL_DIR"], "model.pkl"))

        def run(raw_data):
            pass
    """
    with pytest.raises(EnvsyncError) as caught:
        ask(any_python, script, "", model_dir=tmp_path / "model")
    lines = caught.value.message.split("\n")
    assert lines[0].startswith("`init()` of entry script `score.py` failed: FileNotFoundError: ")
    assert lines[-3:] == [f"Model dir `{tmp_path / 'model'}` holds", "  1/", "    model.pkl"]
    assert caught.value.hint == "give the directory of the model with `--model-dir`"


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (
            "os._exit(7)",
            "The Python that runs `score.py` ended with status 7 while it answered `request 0`",
        ),
        (
            "os.kill(os.getpid(), 11)",
            "The Python that runs `score.py` was killed by SIGSEGV while it answered `request 0`",
        ),
    ],
)
def test_a_process_that_dies_is_reported(
    ask: Ask, any_python: Path, statement: str, message: str
) -> None:
    script = f"""
        import os

        def init():
            pass

        def run(raw_data):
            {statement}
    """
    with pytest.raises(EnvsyncError) as caught:
        ask(any_python, script, "")
    assert caught.value.message == message


def test_python_variables_of_the_caller_do_not_reach_the_script(
    ask: Ask, python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path))
    script = """
        import os

        def init():
            pass

        def run(raw_data):
            return [os.environ.get("PYTHONPATH"), os.environ.get("VIRTUAL_ENV")]
    """
    assert results(ask(python, script, "")) == [[None, None]]
    assert os.environ["PYTHONPATH"] == str(tmp_path / "elsewhere")
