import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from channel import Served

SPECS = Path(__file__).parents[1] / "specs"

ENGINES = {"conda_lock", "docker", "rattler", "uv"}
SLOW = {*ENGINES, "asyncio", "pydantic", "requests", "rich", "subprocess", "yaml"}


def loaded_by(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("code", "banned"),
    [
        ("import envsync", {*SLOW, "click", "ruamel", "packaging"}),
        ("import envsync.cli.terminal.group", {*SLOW, "ruamel", "packaging"}),
        ("import envsync.cli.check", {*SLOW, "packaging"} - {"subprocess"}),
        ("import envsync.cli.build_local", ENGINES | {"rich", "asyncio"}),
        ("import envsync.cli.lock", ENGINES | {"rich"}),
        ("import envsync.cli.score", ENGINES | {"rich"}),
        ("import envsync.cli.save_to_directory", ENGINES | {"rich"}),
        ("import envsync.cli.validate", ENGINES | {"rich", "asyncio"}),
        ("import envsync.cli.add", ENGINES | {"rich", "asyncio"}),
        ("import envsync.cli.diff", ENGINES | {"rich", "asyncio"}),
        ("import envsync.cli.serve", ENGINES | {"rich"}),
        ("import envsync.cli.help", {*SLOW, "ruamel", "packaging"}),
        ("import envsync.lock.reader", {*SLOW, "ruamel", "packaging"}),
    ],
)
def test_a_command_imports_no_more_than_it_needs(code: str, banned: set[str]) -> None:
    assert loaded_by(code) & banned == set()


def loaded_by_command(*arguments: str) -> set[str]:
    """Run a command of `envsync`; return the top packages, and own modules, that it loaded."""
    code = (
        "from envsync.cli import main\ntry:\n"
        f"    main({list(arguments)!r})\nexcept SystemExit as end:\n    assert end.code == 0\n"
        "print()\nprint(*(name for name in sys.modules if name.startswith('envsync')))"
    )
    return loaded_by(code)


@pytest.fixture
def definition(channel: Served, tmp_path: Path) -> str:
    """Return a definition of the usual kind, locked for `linux-64`."""
    del channel
    place = tmp_path / "sklearn-diabetes"
    shutil.copytree(SPECS / "sklearn-diabetes", place)
    (place / "conda-lock.yml").unlink(missing_ok=True)
    lock = ("lock", str(place), "--subdir", "linux-64")
    subprocess.run([sys.executable, "-m", "envsync", *lock], check=True, capture_output=True)
    return str(place)


@pytest.mark.e2e
def test_a_check_loads_neither_the_yaml_library_nor_what_writes_files(definition: str) -> None:
    loaded = loaded_by_command("check", definition)

    assert loaded & {*SLOW, "ruamel", "packaging", "concurrent", "tempfile", "shutil"} == set()


@pytest.mark.e2e
def test_a_lock_that_is_fresh_loads_nothing_that_solves(definition: str) -> None:
    loaded = loaded_by_command("lock", definition, "--subdir", "linux-64")

    assert loaded & {*ENGINES, "ruamel", "packaging", "asyncio", "tempfile"} == set()
    assert "envsync.workflow.lock.solving" not in loaded


def test_a_score_with_an_interpreter_at_hand_loads_nothing_about_definitions(
    tmp_path: Path,
) -> None:
    script = tmp_path / "score.py"
    script.write_text("def init(): pass\ndef run(raw_data): return 1\n")
    request = tmp_path / "request.json"
    request.write_text("{}")
    python = ("--python", sys.executable)
    loaded = loaded_by_command(
        "score", *python, "--entry-script", str(script), "--data", str(request)
    )

    assert loaded & {*ENGINES, "ruamel", "packaging", "asyncio", "hashlib", "tempfile"} == set()
    assert "envsync.workflow.scoring.score" in loaded
    assert {"envsync.definition", "envsync.lock"} & loaded == set()
