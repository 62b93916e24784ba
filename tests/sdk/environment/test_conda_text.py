from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envsync import CondaDependencies
from envsync.definition.conda.dependencies import load_conda
from envsync.definition.reading.report import Report
from envsync.model.environment import CondaSpec
from envsync.sdk.environment.conda_text import follow

if TYPE_CHECKING:
    from collections.abc import Callable

TEXT = """\
# training image, owner: data-platform
name: train
channels:
  - conda-forge   # first
  - defaults
dependencies:
  - python=3.9.18   # keep in step with the base image
  - pip=23.2.1

  # numeric stack
  - numpy=1.24.4
  - pip:
    # serving
    - azureml-defaults==1.55.0
    - joblib==1.3.2
"""


def load(text: str) -> CondaDependencies:
    report = Report("conda.yml")
    spec = load_conda(text, report)
    assert spec is not None
    assert report.errors == []
    return CondaDependencies.from_spec(spec)


CHANGES: list[tuple[Callable[[CondaDependencies], None], str, str]] = [
    (lambda d: d.add_channel("pytorch"), "  - defaults\n", "  - defaults\n  - pytorch\n"),
    (lambda d: d.remove_channel("defaults"), "  - defaults\n", ""),
    (lambda d: d.set_python_version("3.11"), "python=3.9.18", "python=3.11"),
    (lambda d: d.add_conda_package("numpy=2"), "numpy=1.24.4", "numpy=2"),
    (lambda d: d.add_conda_package("scipy"), "1.24.4\n", "1.24.4\n  - scipy\n"),
    (lambda d: d.remove_conda_package("pip"), "  - pip=23.2.1\n", ""),
    (lambda d: d.add_pip_package("joblib==2"), "joblib==1.3.2", "joblib==2"),
    (lambda d: d.add_pip_package("flask"), "1.3.2\n", "1.3.2\n    - flask\n"),
    (lambda d: d.remove_pip_package("joblib"), "    - joblib==1.3.2\n", ""),
    (lambda d: d.set_pip_option("--pre"), "    # serving\n", "    # serving\n    - --pre\n"),
    (lambda d: d.set_pip_requirements([]), TEXT[TEXT.index("  - pip:") :], "    # serving\n"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "before", "after"), CHANGES)
def test_a_change_touches_its_own_line_alone(
    change: Callable[[CondaDependencies], None], before: str, after: str
) -> None:
    dependencies = load(TEXT)

    change(dependencies)

    assert dependencies.to_spec().text == TEXT.replace(before, after)


def test_comments_are_saved_with_the_change() -> None:
    dependencies = load(TEXT)

    dependencies.add_conda_package("scipy=1.11")

    saved = dependencies.serialize_to_string()
    for comment in ("# training image", "# keep in step", "# numeric stack", "# serving"):
        assert comment in saved
    assert load(saved) == dependencies


def test_an_unchanged_file_keeps_its_text() -> None:
    dependencies = load(TEXT)

    dependencies.add_conda_package("scipy")
    dependencies.remove_conda_package("scipy")

    assert dependencies.to_spec().text == TEXT


def test_the_first_pip_package_makes_a_section() -> None:
    dependencies = load("dependencies:\n- python=3.9 # mine\n")

    dependencies.add_pip_package("a==1")
    dependencies.add_pip_package("b==2")
    dependencies.set_pip_option("--pre")

    assert dependencies.serialize_to_string() == (
        "dependencies:\n- python=3.9 # mine\n- pip:\n  - --pre\n  - a==1\n  - b==2\n"
    )


def test_the_first_channel_makes_its_key() -> None:
    dependencies = load("dependencies:\n- python=3.9 # mine\n")

    dependencies.add_channel("conda-forge")

    assert dependencies.serialize_to_string() == (
        "dependencies:\n- python=3.9 # mine\nchannels:\n- conda-forge\n"
    )


def test_text_that_cannot_be_edited_in_place_is_written_again() -> None:
    dependencies = load("dependencies: &all\n- &python python=3.9\n- *python\n")

    dependencies.set_python_version("3.10")

    assert dependencies.to_spec().text == ""
    assert dependencies.serialize_to_string() == "dependencies:\n- python=3.10\n"


TEXTS = (
    TEXT,
    TEXT.replace("\n", "\r\n"),
    "channels: [conda-forge, 'b']\ndependencies: [python=3.9, {pip: [a, \"b==1\"]}]\n",
    "dependencies:\n- python\n- pip:\n  - a\n  - --pre\n- numpy\n- pip:\n  - b==2\n  - c\n",
    "dependencies:\n- python",
    "dependencies:\n- python\n- pip: []\n",
)
ITEMS = st.lists(st.sampled_from(["a", "b==1", "c>2", "numpy", "d"]), unique=True, max_size=4)


@pytest.mark.slow
@settings(deadline=None)
@given(
    text=st.sampled_from(TEXTS),
    channels=ITEMS,
    match_specs=ITEMS,
    pip=ITEMS,
    options=st.lists(st.sampled_from(["--pre", "--index-url https://x"]), unique=True),
)
def test_edited_text_says_what_the_fields_say(
    text: str, channels: list[str], match_specs: list[str], pip: list[str], options: list[str]
) -> None:
    loaded = load(text).to_spec()
    wanted = CondaSpec(
        name=loaded.name,
        channels=tuple(channels),
        match_specs=("python", *match_specs),
        pip_requirements=tuple(pip),
        pip_options=tuple(options),
        has_pip_section=bool(pip or options),
    )

    edited = follow(text, wanted)

    assert edited
    assert load(edited) == CondaDependencies.from_spec(wanted)
