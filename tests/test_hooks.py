from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from channel import Served

pytestmark = pytest.mark.e2e

CHECKOUT = Path(__file__).resolve().parents[1]
DEFINITION = "models/diabetes"
# A program of git's own environment would look at this checkout's repository.
_GIT = {
    "GIT_AUTHOR_NAME": "A Person",
    "GIT_AUTHOR_EMAIL": "person@example.org",
    "GIT_COMMITTER_NAME": "A Person",
    "GIT_COMMITTER_EMAIL": "person@example.org",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}
_CONFIG = """\
repos:
- repo: {source}
  rev: {revision}
  hooks:
  - id: envsync-check
  - id: envsync-validate
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Project:
    """A git repository that keeps a definition and its lock, and has the hook."""

    root: Path
    pre_commit_home: Path

    def run(self, *command: str | Path) -> tuple[int, str]:
        """Run *command* in the repository and return its status and all that it printed."""
        outside = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        path = os.pathsep.join([str(Path(sys.executable).parent), outside["PATH"]])
        home = str(self.pre_commit_home)
        environ = {**outside, **_GIT, "PATH": path, "PRE_COMMIT_HOME": home, "NO_COLOR": "1"}
        done = subprocess.run(
            command,
            cwd=self.root,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    def must(self, *command: str | Path) -> str:
        """Run *command*, which can't fail unless the test is wrong."""
        status, output = self.run(*command)
        assert status == 0, output
        return output

    def lock(self) -> None:
        """Write the definition's lock anew."""
        self.must(sys.executable, "-m", "envsync", "lock", DEFINITION)

    def require(self, match_spec: str) -> None:
        """Add *match_spec* to the definition."""
        path = self.root / DEFINITION / "conda_dependencies.yml"
        text = path.read_text(encoding="utf-8")
        path.write_text(f"{text.rstrip()}\n- {match_spec}\n", encoding="utf-8")

    def commit(self) -> tuple[int, str]:
        """Stage all and commit, as a person does."""
        self.must("git", "add", "--all")
        return self.run("git", "commit", "--message", "Change the definition")


@pytest.fixture(scope="module")
def pre_commit_home(module_folder: Path) -> Path:
    return module_folder / "pre-commit"


@pytest.fixture(scope="module")
def source(module_folder: Path, pre_commit_home: Path) -> Project:
    """Return a repository that holds this checkout as it is now, committed or not."""
    root = module_folder / "source/envsync"
    for name in ("envsync", "pyproject.toml", "README.md", ".pre-commit-hooks.yaml"):
        path = CHECKOUT / name
        if path.is_dir():
            shutil.copytree(path, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(path, root / name)
    repository = Project(root=root, pre_commit_home=pre_commit_home)
    repository.must("git", "init", "--quiet")
    repository.commit()
    return repository


@pytest.fixture
def project(
    source: Project,
    tmp_path: Path,
    channel: Served,
    lasting_cache: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Project:
    """Return a repository with a locked definition, all of it committed past the hook."""
    assert channel.config  # `ENVSYNC_CONFIG` names it, and so the lock can be written
    monkeypatch.setenv("PIP_CACHE_DIR", str(lasting_cache / "pip"))
    made = Project(root=tmp_path / "project", pre_commit_home=source.pre_commit_home)
    definition = made.root / DEFINITION
    definition.mkdir(parents=True)
    for name in ("azureml_environment.json", "conda_dependencies.yml", "score.py"):
        shutil.copy(CHECKOUT / "specs/sklearn-diabetes" / name, definition)
    revision = source.must("git", "rev-parse", "HEAD").strip()
    config = _CONFIG.format(source=source.root, revision=revision)
    (made.root / ".pre-commit-config.yaml").write_text(config, encoding="utf-8")
    made.must("git", "init", "--quiet")
    made.must("pre-commit", "install")
    made.lock()
    status, output = made.commit()
    assert status == 0, output
    assert "envsync check" in output
    assert "Passed" in output
    return made


def test_a_commit_whose_lock_is_stale_is_refused(project: Project) -> None:
    project.require("six")

    status, output = project.commit()

    assert status == 1
    assert f"Error: `{DEFINITION}/conda-lock.yml` is stale" in output
    assert "`conda_dependencies.yml` added `six`" in output
    assert f"Hint: run `envsync lock {DEFINITION}`" in output
    assert output.count("Error:") == 1


def test_locking_anew_lets_the_commit_through(project: Project) -> None:
    project.require("six")
    project.lock()

    status, output = project.commit()

    assert status == 0, output
    assert "Passed" in output


def test_a_definition_that_is_wrong_is_refused(project: Project) -> None:
    project.require("numpy=>2")

    status, output = project.commit()

    assert status == 1
    assert "conda_dependencies.yml" in output
    assert "`numpy=>2`" in output
    assert "- hook id: envsync-validate" in output


def test_a_commit_that_touches_no_definition_is_not_looked_at(project: Project) -> None:
    (project.root / "notes.txt").write_text("nothing of envsync's\n", encoding="utf-8")

    status, output = project.commit()

    assert status == 0
    assert "no files to check" in output
