from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from envsync.errors import DefinitionError
from envsync.image.formats.dockerfile import dump_dockerfile
from envsync.model.image import ImageSettings

if TYPE_CHECKING:
    from pathlib import Path


def _dump(before: ImageSettings, after: ImageSettings) -> list[str]:
    text = dump_dockerfile("base@sha256:1", layers=["layers/0.tar"], before=before, after=after)
    assert text.endswith("\n")
    return [line for line in text.splitlines() if not line.startswith("#")]


def test_layers_lie_upon_the_base_in_their_order() -> None:
    text = dump_dockerfile(
        "scratch", layers=["b", "a"], before=ImageSettings(), after=ImageSettings()
    )

    assert text.splitlines()[1:] == ["FROM scratch", "ADD b /", "ADD a /"]


def test_only_what_the_base_does_not_say_is_said() -> None:
    before = ImageSettings(environment=("A=1", "B=2"), labels=(("x", "1"),), command=("sh",))
    after = ImageSettings(
        environment=("A=1", "B=3"), labels=(("x", "1"), ("y", "2")), command=("sh",)
    )

    assert _dump(before, after)[2:] == ['ENV B="3"', 'LABEL y="2"']
    started = ImageSettings(command=('py"thon', "-c", "1"))
    assert _dump(before, started)[2:] == ['LABEL x=""', 'CMD ["py\\"thon", "-c", "1"]']


def test_values_are_taken_as_they_are(tmp_path: Path) -> None:
    """A Dockerfile quotes as a shell does, but for backticks and `!`."""
    value = "a \"b\" 'c' $HOME \\d #e"
    line = _dump(ImageSettings(), ImageSettings(environment=(f"A={value}",)))[2]
    done = subprocess.run(
        ["/bin/sh", "-c", f'{line.removeprefix("ENV ")}; printf %s "$A"'],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=True,
    )

    assert done.stdout == value


def test_a_value_of_several_lines_is_refused() -> None:
    with pytest.raises(DefinitionError, match="`A` has a line break"):
        _dump(ImageSettings(), ImageSettings(environment=("A=1\nRUN 2",)))
