import subprocess
import sys

import pytest

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
        ("import envsync.cli._group", {*SLOW, "ruamel", "packaging"}),
        ("import envsync.cli.check", {*SLOW, "packaging"} - {"subprocess"}),
        ("import envsync.cli.build_local", ENGINES | {"rich", "asyncio"}),
        ("import envsync.cli.lock", ENGINES | {"rich"}),
        ("import envsync.cli.score", ENGINES | {"rich"}),
        ("import envsync.cli.save_to_directory", ENGINES | {"rich"}),
        ("import envsync.cli.validate", ENGINES | {"rich", "asyncio"}),
        ("import envsync.cli.add", ENGINES | {"rich", "asyncio"}),
        ("import envsync.cli.diff", ENGINES | {"rich", "asyncio"}),
        ("import envsync.cli.serve", ENGINES | {"rich"}),
        ("import envsync.lock.reader", {*SLOW, "ruamel", "packaging"}),
    ],
)
def test_a_command_imports_no_more_than_it_needs(code: str, banned: set[str]) -> None:
    assert loaded_by(code) & banned == set()
