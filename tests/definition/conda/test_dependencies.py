from __future__ import annotations

from dataclasses import replace

import pytest

from envsync.definition.conda.dependencies import dump_conda, load_conda
from envsync.definition.reading.report import Report
from envsync.model.environment import CondaSpec

ADD = "list what the environment needs under `dependencies:`, `- python=3.10` for one"
QUOTES = "write it on one line, in quotes"


def load(text: str) -> CondaSpec:
    report = Report("x.yml")
    conda = load_conda(text, report)
    assert report.errors == []
    assert conda is not None
    return conda


def find(text: str) -> tuple[list[tuple[str, str | None]], list[tuple[str, str | None]]]:
    """Return the errors and the warnings about *text*, each with its hint."""
    report = Report("x.yml")
    load_conda(text, report)
    return (
        [(finding.text, finding.hint) for finding in report.errors],
        [(finding.text, finding.hint) for finding in report.warnings],
    )


def with_python(*lines: str) -> str:
    return "\n".join(["dependencies:", "- python=3.10", *lines]) + "\n"


def test_every_key_is_read() -> None:
    text = """\
name: churn
channels: [conda-forge, https://example.org/t/FAKE/x]
dependencies:
- python=3.10
- pip:
  - --extra-index-url https://example.org
  - flask
- numpy
- pip:
  - '# a comment'
  - ''
  - torch==1+cpu
prefix: /opt/x
variables: {A: 1.10, B: , C: yes}
"""
    assert load(text) == CondaSpec(
        name="churn",
        channels=("conda-forge", "https://example.org/t/FAKE/x"),
        match_specs=("python=3.10", "numpy"),
        pip_requirements=("flask", "torch==1+cpu"),
        pip_options=("--extra-index-url https://example.org",),
        has_pip_section=True,
        variables=(("A", "1.10"), ("B", ""), ("C", "yes")),
        prefix="/opt/x",
        text=text,
    )


def test_least_definition_is_read() -> None:
    assert load("dependencies: []\n") == CondaSpec(text="dependencies: []\n")
    assert load("dependencies: [python=3.9]\nvariables:\nname:\n").variables == ()


@pytest.mark.parametrize(
    ("text", "finding", "hint"),
    [
        ("", "`x.yml`: nothing where a mapping with `dependencies` should be", ADD),
        (
            "- a\n",
            "`x.yml`:1: a list where a mapping with `dependencies` should be",
            "put `dependencies:` above the list",
        ),
        ("name: x\n", "`x.yml`:1: `dependencies` is missing", ADD),
        (
            "dependencies:\n",
            "`x.yml`:1: dependencies: there is nothing under this key",
            "list what the environment needs, `- python=3.10` for one",
        ),
        (
            "dependencies: python=3.8\n",
            "`x.yml`:1: dependencies: text where a list should be",
            "write each item on its own line, after `- `",
        ),
        (
            with_python("- 3.10"),
            "`x.yml`:3: dependencies[1]: `3.10` is a number, not a match spec",
            "write `name=version`",
        ),
        (
            with_python("- true"),
            "`x.yml`:3: dependencies[1]: `true` is a truth value, not a match spec",
            "write `name=version`",
        ),
        (with_python("-"), "`x.yml`:3: dependencies[1]: the item is empty", "remove it"),
        (
            with_python("- [a]"),
            "`x.yml`:3: dependencies[1]: a list where a match spec should be",
            "write one `- ` before each",
        ),
        (
            with_python("- numpy: 1.2"),
            "`x.yml`:3: dependencies[1]: `numpy` is a key here, not a match spec",
            "write `name=version`, without a colon",
        ),
        (
            with_python("- -r requirements.txt"),
            "`x.yml`:3: dependencies[1]: `-r requirements.txt` is an option of pip",
            "write it under `- pip:`",
        ),
        (
            with_python("- pip: flask"),
            "`x.yml`:3: dependencies[1].pip: text where a list should be",
            "write each item on its own line, after `- `",
        ),
        (
            with_python("- pip:", "  -"),
            "`x.yml`:4: dependencies[1].pip[0]: the item is empty",
            "remove it",
        ),
        (
            with_python("- pip:", "  - 2"),
            "`x.yml`:4: dependencies[1].pip[0]: `2` is a number, not a pip requirement",
            "write `name==version`",
        ),
        (
            with_python("- pip:", "  - a: b"),
            "`x.yml`:4: dependencies[1].pip[0]: a mapping where a pip requirement should be",
            "quote it if it is text",
        ),
        (
            with_python("- pip:", "  - flask=1"),
            "`x.yml`:4: dependencies[1].pip[0]: `flask=1` is not a pip requirement",
            "did you mean `flask==1`?",
        ),
        (
            with_python("- pip:", "  - --pree"),
            "`x.yml`:4: dependencies[1].pip[0]: `--pree` is not an option that a pip section can hold",  # noqa: E501
            "did you mean `--pre`?",
        ),
        (
            with_python("channel: [x]"),
            "`x.yml`:3: channel: Azure ML refuses a file with this key",
            "did you mean `channels`?",
        ),
        (
            with_python("platforms: [x]"),
            "`x.yml`:3: platforms: Azure ML refuses a file with this key",
            "Azure ML takes only: name channels dependencies prefix variables",
        ),
        (
            with_python("build_dependencies: [x]"),
            "`x.yml`:3: build_dependencies: Azure ML refuses a file with this key",
            "this is MLflow's `python_env.yaml`; give its `conda.yaml`",
        ),
        (with_python("name: [x]"), "`x.yml`:3: name: a list where text should be", QUOTES),
        (
            with_python("channels: x"),
            "`x.yml`:3: channels: text where a list should be",
            "write each item on its own line, after `- `",
        ),
        (
            with_python("channels: ['']"),
            "`x.yml`:3: channels[0]: the channel has no name",
            "remove it",
        ),
        (
            with_python("channels: [[a]]"),
            "`x.yml`:3: channels[0]: a list where text should be",
            QUOTES,
        ),
        (
            with_python("variables: [a]"),
            "`x.yml`:3: variables: a list where a mapping should be",
            None,
        ),
        (
            with_python("variables: {a: [b]}"),
            "`x.yml`:3: variables.a: a list where text should be",
            QUOTES,
        ),
        (
            "a: b: c\n",
            "`x.yml`:1: not YAML: no key can stand here",
            "check the indentation around it",
        ),
    ],
)
def test_wrong_content_is_refused_with_its_place(text: str, finding: str, hint: str | None) -> None:
    assert find(text) == ([(finding, hint)], [])


@pytest.mark.parametrize(
    ("text", "finding", "hint"),
    [
        (
            "dependencies: [numpy]\n",
            "`x.yml`:1: dependencies: no item asks for Python; the Azure ML SDK would add `python=3.10.18`",  # noqa: E501
            "add the one you mean, `- python=3.10` for one",
        ),
        (
            with_python("- conda-forge::python=3.9"),
            "`x.yml`:2: dependencies: `python=3.10` and `conda-forge::python=3.9` must both hold; the Azure ML SDK adds one that nobody asked for",  # noqa: E501
            "keep the one you mean",
        ),
        (
            with_python("- pip:"),
            "`x.yml`:3: dependencies[1].pip: there is nothing under this key",
            "indent its items, or remove it",
        ),
        (
            with_python("- npm: [a]"),
            "`x.yml`:3: dependencies[1].npm: only `pip` is acted upon; this section is kept, not used",  # noqa: E501
            None,
        ),
        (
            with_python("channels:"),
            "`x.yml`:3: channels: there is nothing under this key",
            "indent its items, or remove it",
        ),
    ],
)
def test_odd_content_is_warned_about(text: str, finding: str, hint: str | None) -> None:
    assert find(text) == ([], [(finding, hint)])


def test_all_findings_come_at_once() -> None:
    errors, _ = find("name: [x]\nchanels: []\ndependencies: [a=, 2]\n")
    assert len(errors) == 4


def test_text_that_says_the_same_is_kept_with_its_comments() -> None:
    text = "# mine\ndependencies:\n  - python=3.10 # why\n"
    assert dump_conda(load(text)) == "# mine\ndependencies:\n- python=3.10   # why\n"


def test_changed_fields_win_over_the_text() -> None:
    conda = replace(
        load(with_python("- pip: [flask]")),
        name="new",
        channels=("conda-forge",),
        pip_options=("--pre",),
        variables=(("A", "1"),),
        prefix="/opt",
    )
    assert dump_conda(conda) == (
        "name: new\nchannels:\n- conda-forge\ndependencies:\n- python=3.10\n"
        "- pip:\n  - --pre\n  - flask\nvariables:\n  A: '1'\nprefix: /opt\n"
    )


def test_text_that_rewriting_would_spoil_is_made_anew() -> None:
    saved = dump_conda(load(with_python(r'variables: {"\N": a}')))
    assert saved == 'dependencies:\n- python=3.10\nvariables:\n  ? "\\N"\n  : a\n'
    assert load(saved).variables == (("\x85", "a"),)


def test_text_that_can_no_longer_be_read_is_not_saved() -> None:
    assert dump_conda(CondaSpec(match_specs=("a",), text="a: b: c")) == "dependencies:\n- a\n"


def test_variables_that_no_process_can_have_are_refused() -> None:
    name = "the name of a variable holds neither `=` nor U+0000"
    found = find(with_python("variables:", "  A=B: x", '  "C\\0": y', '  D: "z\\0"'))

    assert [text.partition(": variables.")[2] for text, _ in found[0]] == [
        f"A=B: {name}",
        f"C\\x00: {name}",
        "D: the value of a variable does not hold U+0000",
    ]
