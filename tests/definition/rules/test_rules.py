from __future__ import annotations

from typing import TYPE_CHECKING

from support.definitions import write_definition

from envsync.definition.rules import (
    MOST_PER_RULE,
    RULES,
    channels,
    check_subject,
    images,
    packages,
    pip,
    python,
    secrets,
    values,
)
from envsync.definition.rules.subject import guess_files, read_subject

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

MODULES = (channels, images, packages, pip, python, secrets, values)


def test_every_rule_that_is_written_is_asked() -> None:
    written = {
        value
        for module in MODULES
        for name, value in vars(module).items()
        if name.startswith("check_") and value.__module__ == module.__name__
    }

    assert set(RULES) == written
    assert len(RULES) == len(written)
    assert all(rule.__doc__ for rule in RULES)


def test_a_rule_does_not_talk_forever(tmp_path: Path, today: date) -> None:
    conda = "dependencies: [" + ", ".join(["a"] * 1000) + "]\n"
    directory = write_definition(tmp_path, conda=conda)

    found = list(check_subject(read_subject(guess_files(directory), today)))

    assert sum(diagnosis.rule == "duplicate-package" for diagnosis in found) == MOST_PER_RULE
