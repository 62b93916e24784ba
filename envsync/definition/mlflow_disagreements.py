"""What the files of an MLflow model say that its conda file does not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from envsync.definition.requirement.match_spec import parse_match_spec
from envsync.definition.requirement.pip_line import strip_comment
from envsync.errors import Finding
from envsync.model.pip_name import normalize_pip_name
from envsync.model.text.redaction import quote

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from envsync.model.environment import CondaSpec

_SHOWN = 5
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
# Which package a key of `MLmodel` means, where its name is not the key's own.
_PACKAGES = {
    "sklearn": "scikit-learn",
    "pytorch": "torch",
    "xgb": "xgboost",
    "lgb": "lightgbm",
    "transformers": "transformers",
    "tf": "tensorflow",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelFacts:
    """What the other files say: None for a file that isn't there.

    *versions* are the pairs of `MLmodel`, such as `sklearn_version` and `1.3.2`.
    """

    folder: Path
    conda_file: Path
    python_env: str | None
    requirements: tuple[str, ...] | None
    versions: tuple[tuple[str, str], ...]


def find_disagreements(conda: CondaSpec, facts: ModelFacts) -> tuple[Finding, ...]:
    """Return a warning for each file that says otherwise than *conda*, which counts."""
    asked = _read_asked(conda)
    return (
        *_compare_versions(asked, facts),
        *_compare_python(asked, facts),
        *_compare_requirements(conda, asked, facts),
    )


def _read_asked(conda: CondaSpec) -> dict[str, str]:
    """Return the items of *conda* by package name; a pip requirement counts before a conda one."""
    of_conda = {normalize_pip_name(parse_match_spec(text).name): text for text in conda.match_specs}
    of_pip = {_name_of(text): strip_comment(text) for text in conda.pip_requirements}
    return of_conda | of_pip


def _compare_versions(asked: dict[str, str], facts: ModelFacts) -> Iterator[Finding]:
    """Hold the versions that the model was saved with against what would be installed."""
    path = facts.folder / "MLmodel"
    seen = set()
    for key, version in facts.versions:
        stem = key.removesuffix("_version")
        package = _PACKAGES.get(stem, stem.replace("_", "-"))
        item = asked.get(package)
        if package == "python" and item is None:
            message = f"the model was saved with Python {quote(version)}, and "
            message += f"{quote(facts.conda_file.name)} asks for none"
            hint = f"add `python={version}` to {quote(facts.conda_file.name)}"
            yield Finding(
                file=str(path), key_path=key, message=message, hint=hint, rule="contradiction"
            )
        elif item is not None and package not in seen and not _admits(item, version):
            seen.add(package)
            message = f"the model was saved with {quote(version)}, and "
            message += f"{quote(facts.conda_file.name)} asks for {quote(item)}"
            yield Finding(file=str(path), key_path=key, message=message, rule="contradiction")


def _compare_python(asked: dict[str, str], facts: ModelFacts) -> Iterator[Finding]:
    item, version = asked.get("python"), facts.python_env
    if item is None or version is None or _admits(item, version):
        return
    message = f"this says {quote(version)}, and {quote(facts.conda_file.name)}, which is used, "
    message += quote(item)
    yield Finding(
        file=str(facts.folder / "python_env.yaml"),
        key_path="python",
        message=message,
        rule="contradiction",
    )


def _compare_requirements(
    conda: CondaSpec, asked: dict[str, str], facts: ModelFacts
) -> Iterator[Finding]:
    if facts.requirements is None:
        return
    here = {_name_of(line): line for line in facts.requirements if not line.startswith("-")}
    differences = [
        f"{quote(line)} here, {quote(asked[name])} there"
        if name in asked
        else f"{quote(line)} here"
        for name, line in here.items()
        if name not in asked or not _agree(line, asked[name])
    ]
    differences += [
        f"{quote(item)} there"
        for name, item in asked.items()
        if name not in here and name not in {"python", "pip"}
    ]
    options = {line for line in facts.requirements if line.startswith("-")}
    differences += [
        f"{quote(option)} in one only"
        for option in sorted(options ^ {strip_comment(text) for text in conda.pip_options})
    ]
    if differences:
        rest = len(differences) - _SHOWN
        shown = "; ".join(differences[:_SHOWN]) + (f"; and {rest} more" if rest > 0 else "")
        message = f"this differs from {quote(facts.conda_file.name)}, which is used: {shown}"
        yield Finding(
            file=str(facts.folder / "requirements.txt"), message=message, rule="contradiction"
        )


def _agree(line: str, item: str) -> bool:
    return _squeeze(line).replace("==", "=") == _squeeze(item).replace("==", "=")


def _squeeze(text: str) -> str:
    return "".join(text.split()).lower().replace("_", "-")


def _admits(item: str, version: str) -> bool:
    """Tell whether the item lets *version* be installed; True where that can't be told."""
    constraint = _NAME.sub("", _squeeze(item.rpartition("::")[2]), count=1)
    constraint = re.sub(r"^\[[^\]]*\]|;.*", "", constraint)
    if constraint.lstrip("=") == version or constraint in {"", f"={version}.*"}:
        return True
    from packaging.specifiers import InvalidSpecifier, SpecifierSet  # noqa: PLC0415  # rarely
    from packaging.version import InvalidVersion, Version  # noqa: PLC0415

    if re.fullmatch(r"=[0-9][0-9.]*(?:\.\*)?", constraint):  # conda's, for all that start so
        constraint = "==" + constraint.lstrip("=").removesuffix(".*") + ".*"
    try:
        return SpecifierSet(constraint).contains(Version(version), prereleases=True)
    except (InvalidSpecifier, InvalidVersion):
        return True


def _name_of(line: str) -> str:
    match = _NAME.match(line)
    is_address = "://" in line.partition("@")[0]
    return line if match is None or is_address else normalize_pip_name(match.group())
