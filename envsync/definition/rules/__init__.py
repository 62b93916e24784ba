"""What can be wrong or risky in a definition: a rule is a function from a subject to diagnoses."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from envsync.definition.rules import channels, images, packages, pip, python, secrets, values

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envsync.definition.rules.diagnosis import Diagnosis
    from envsync.definition.rules.subject import Subject

RULES = (
    images.check_image_can_exist,
    images.check_floating_image,
    images.check_retired_image,
    python.check_python_is_pinned,
    python.check_python_survives_sdk,
    python.check_python_age,
    channels.check_channels_are_named,
    channels.check_channels_go_together,
    channels.check_channels_are_there_once,
    packages.check_packages_are_there_once,
    packages.check_sides_do_not_overlap,
    packages.check_packages_are_on_their_side,
    packages.check_builds_are_free,
    pip.check_pip_is_asked_for,
    pip.check_one_pip_section,
    pip.check_azureml_is_pinned,
    pip.check_azureml_agrees,
    pip.check_pip_lines_can_be_locked,
    pip.check_index_is_encrypted,
    secrets.check_secrets,
    values.check_yaml_is_read_alike,
    values.check_boilerplate,
    values.check_names,
    values.check_settings_take_effect,
)


# What a hostile file may hold more of, nobody reads.
MOST_PER_RULE = 200


def check_subject(subject: Subject) -> Iterator[Diagnosis]:
    """Yield what every rule has to say about *subject*, at most *MOST_PER_RULE* each."""
    for rule in RULES:
        yield from islice(rule(subject), MOST_PER_RULE)
