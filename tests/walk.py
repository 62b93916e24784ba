"""Go from a definition to a prediction, for real: `python3 tests/walk.py`.

It makes a virtual environment of its own first, so that any Python from 3.10 on will do. Where
conda-forge can't be reached it makes a small channel that stands in for it, and says so.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap import CHECKOUT, StepFailedError, cache_directory, enter_venv, say, timed

if TYPE_CHECKING:
    from collections.abc import Iterator

_CONDA_FORGE = "https://conda.anaconda.org/conda-forge/"
_ENOUGH_SECONDS = 5
_STAND_IN_PYTHON_HINT = (
    "Install a CPython that the pin admits (Debian 12's own `python3` is a 3.11; `uv python "
    "install 3.11` brings one too) and run this again, or loosen the pin in the definition"
)


@dataclass(frozen=True)  # older Pythons must get as far as being told that they are
class Walk:
    """Where the commands run, and how long each took."""

    environ: dict[str, str]
    took: list[tuple[str, float]] = field(default_factory=list)

    def run(self, *command: str) -> str:
        """Run *command* as a person would, show it and what it says, and return its stdout."""
        line = shlex.join(command)
        say(f"\n$ {line}")
        start = time.monotonic()
        done = subprocess.run(
            command, cwd=CHECKOUT, env=self.environ, stdout=subprocess.PIPE, text=True, check=False
        )
        self.took.append((line, time.monotonic() - start))
        if done.stdout:
            say(done.stdout.rstrip("\n"))
        say(f"  {self.took[-1][1]:.1f} s")
        if done.returncode != 0:
            message = f"`{line}` ended with status {done.returncode}"
            raise StepFailedError(message)
        return done.stdout


def main(arguments: list[str]) -> int:
    """Walk, and return the exit status."""
    options = _parse(arguments)
    try:
        enter_venv("test")
        home = _fresh_home(options.home)
        with _source_of_packages(home, options) as config:
            walk = Walk(environ=_environ(home, config))
            _tell_settings(home, config)
            for name in options.definitions:
                _walk_definition(walk, name)
            _summarize(walk, stands_in=config is not None)
    except StepFailedError as error:
        say(f"\nError: {error}")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument(
        "definitions",
        nargs="*",
        default=["sklearn-diabetes"],
        metavar="NAME",
        help="folders of specs/ to walk through (default: sklearn-diabetes)",
    )
    parser.add_argument("--all", action="store_true", help="walk through every folder of specs/")
    parser.add_argument("--home", type=Path, help="keep the environments under this folder")
    parser.add_argument(
        "--channel",
        choices=("auto", "conda-forge", "embedded"),
        default="auto",
        help="where packages come from (default: conda-forge if it answers)",
    )
    options = parser.parse_args(arguments)
    if options.all:
        found = sorted((CHECKOUT / "specs").glob("*/conda_dependencies.yml"))
        options.definitions = [path.parent.name for path in found]
    return options


def _walk_definition(walk: Walk, name: str) -> None:
    definition = f"specs/{name}"
    request = f"{definition}/sample-request.json"
    # The lock of an earlier walk may name packages of a channel that has been made anew since.
    (CHECKOUT / definition / "conda-lock.yml").unlink(missing_ok=True)
    walk.run("envsync", "lock", definition)
    walk.run("envsync", "build-local", definition)
    walk.run("envsync", "run", definition, "python", f"{definition}/train.py")
    answer = walk.run("envsync", "score", definition, "--data", request)
    expected = json.loads((CHECKOUT / definition / "expected-response.json").read_text("utf-8"))
    if not _agree(json.loads(answer), expected):
        message = f"`{definition}` answered {answer.strip()}, expected {json.dumps(expected)}"
        raise StepFailedError(message)


def _agree(answer: object, expected: object) -> bool:
    """Compare, numbers to six digits: another CPU may round a prediction otherwise."""
    if isinstance(answer, dict) and isinstance(expected, dict):
        return answer.keys() == expected.keys() and all(
            _agree(answer[key], expected[key]) for key in answer
        )
    if isinstance(answer, list) and isinstance(expected, list):
        return len(answer) == len(expected) and all(map(_agree, answer, expected))
    if isinstance(answer, float) and isinstance(expected, float):
        return abs(answer - expected) <= 1e-6 * max(1.0, abs(expected))
    return answer == expected


def _fresh_home(chosen: Path | None) -> Path:
    """Return the walk's `ENVSYNC_HOME`; its own, unless one was chosen, is cleared first."""
    if chosen is not None:
        return chosen.absolute()
    home = cache_directory() / "walk-home"
    shutil.rmtree(home, ignore_errors=True)
    return home


@contextlib.contextmanager
def _source_of_packages(home: Path, options: argparse.Namespace) -> Iterator[Path | None]:
    """Yield None if packages come from conda-forge, else the configuration of its stand-in."""
    refusal = _why_no_conda_forge() if options.channel == "auto" else None
    if refusal is None and options.channel != "embedded":
        say("Packages come from conda-forge")
        yield None
        return
    from channel import CONDA_FORGE, NOTICE, build_channel, serve  # noqa: PLC0415  # in the venv

    if refusal is not None:
        say(f"  it can't be reached: {refusal}")
    with timed("Making a channel that stands in for it, or taking the one made before"):
        made = build_channel(cache_directory())
    say(f"  {NOTICE}")
    walked = tuple(f"specs/{name} " for name in options.definitions)
    for text in made.unmet:
        if text.startswith(walked):
            say(f"Warning: {text}\n  {_STAND_IN_PYTHON_HINT}")
    home.mkdir(parents=True, exist_ok=True)
    config = home / "stand-in-channel.toml"
    with serve({CONDA_FORGE: made.path}) as served:
        config.write_text(served.config, encoding="utf-8")
        yield config
    config.unlink()


def _why_no_conda_forge() -> str | None:
    """Ask conda-forge for a small file; return why it can't be had, or None if it can."""
    url = f"{_CONDA_FORGE}noarch/repodata_shards.msgpack.zst"
    request = urllib.request.Request(url, method="HEAD")  # noqa: S310  # a constant https address
    say("Asking conda-forge ...")
    try:
        with urllib.request.urlopen(request, timeout=_ENOUGH_SECONDS):  # noqa: S310  # as above
            return None
    except urllib.error.HTTPError as error:
        return f"it answers {error.code} {error.reason}"
    except (urllib.error.URLError, OSError) as error:
        return str(getattr(error, "reason", error))


def _environ(home: Path, config: Path | None) -> dict[str, str]:
    environ = {**os.environ, "ENVSYNC_HOME": str(home)}
    environ.pop("ENVSYNC_CONFIG", None)
    if config is not None:
        environ["ENVSYNC_CONFIG"] = str(config)
        bypass = [environ[name] for name in ("NO_PROXY", "no_proxy") if environ.get(name)]
        environ["NO_PROXY"] = environ["no_proxy"] = ",".join([*bypass[:1], "127.0.0.1"])
    return environ


def _tell_settings(home: Path, config: Path | None) -> None:
    say(f"\n$ export ENVSYNC_HOME={shlex.quote(str(home))}")
    if config is not None:
        say(f"$ export ENVSYNC_CONFIG={shlex.quote(str(config))}")


def _summarize(walk: Walk, *, stands_in: bool) -> None:
    say("\nDone:")
    for line, seconds in walk.took:
        say(f"  {seconds:6.1f} s  {line}")
    if stands_in:
        say("The locks in specs/ name packages of the stand-in channel. Run `envsync lock` again")
        say("where conda-forge can be reached")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
