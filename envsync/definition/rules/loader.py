"""What the readers of a definition found, under the names of rules, and with fixes."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from envsync.definition.azureml.v1 import DOCKERFILE_NAME
from envsync.definition.edit.conda import format_path
from envsync.definition.edit.text_edit import Edit, Quote, RemoveItem, RenameKey, SetText, Unquote
from envsync.definition.requirement.match_spec import MatchSpecError, parse_match_spec
from envsync.definition.requirement.pip_line import PipLineError, check_pip_requirement
from envsync.definition.rules.diagnosis import Diagnosis, Fix, Severity
from envsync.definition.rules.document import Document, Value
from envsync.remedy import say
from envsync.yamlio import Scalar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from collections.abc import Mapping as MappingOf

    from envsync.errors import Finding

# The first rule whose words are in the message of a finding is the one that it goes under.
_RULES = (
    ("unknown-key", r"not know this key|with this key$|ignores this key"),
    ("lost-by-sdk", r"drops this key"),
    ("not-a-definition", r"^this is (?:a reference|MLflow|a conda env|a definition|no Docker)"),
    ("not-a-definition", r"(?:is|holds) no definition|this is no Dockerfile"),
    ("missing-python", r"no item asks for Python"),
    ("two-pythons", r"must both hold"),
    ("impossible-name", r"can't be the name of an environment: "),
    ("wrong-type", r" where .* should be$"),
    ("empty-item", r"the item is empty|channel has no name"),
    ("not-a-match-spec", r"match spec|extras, which conda|option of pip|an address$"),
    ("not-a-match-spec", r"is a pip requirement$|is a key here"),
    ("not-a-pip-line", r"pip requirement|pip section can hold|lacks its value|takes no value"),
    ("template", r"is a template"),
    ("duplicate-key", r"there twice"),
    ("encoding", r"azureml-core fails on|^the byte "),
    ("syntax", r"^not (?:YAML|JSON)|merge conflict|second YAML doc|alias of|contains itself"),
    ("syntax", r"the tag|cannot be in YAML|cannot be a key|nesting|digits|file is|JSON number"),
    ("outside-path", r"lies outside|symbolic link"),
    ("contradiction", r"exclude each other|replace it|differs from|does not read|, which is used"),
    ("contradiction", r"no other setting|need an `image`|was saved with"),
    ("missing", r"missing|could stand for|for lack of|annot (?:be )?read|neither a folder|nothing"),
    ("wrong-type", r" is not |null stands for|^not an object|cannot be|holds half"),
)
_DID_YOU_MEAN = re.compile(r"did you mean `([^`…*]+)`\?")


def diagnose_findings(
    findings: Iterable[Finding], severity: Severity, documents: Iterable[Document]
) -> Iterator[Diagnosis]:
    """Yield *findings* of the readers as diagnoses, with columns and fixes where there are any."""
    by_file = {str(document.path): document for document in documents}
    places: dict[str, MappingOf[str, Value]] = {}
    for found in findings:
        document = by_file.get(found.file)
        if document is not None and found.file not in places:
            places[found.file] = _index(document)
        values = places.get(found.file, {})
        value = values.get(found.key_path)
        rule = name_rule(found.message)
        fix = None if value is None or not value.path else _find_fix(rule, found, value, values)
        finding = found if value is None else _complete(found, value)
        yield Diagnosis(severity=severity, rule=rule, finding=finding, fix=fix)


def name_rule(message: str) -> str:
    """Return the rule that a reader's *message* goes under."""
    return next((rule for rule, words in _RULES if re.search(words, message)), "definition")


def _index(document: Document) -> MappingOf[str, Value]:
    root = Value(document, (), document.root)
    return {format_path(value.path): value for value in root.walk()}


def _complete(found: Finding, value: Value) -> Finding:
    """Add the column, and the line where there is none."""
    place = value.node if value.key is None else value.key
    if found.column is not None or found.line not in {None, place.line} or not found.key_path:
        return found
    return replace(found, line=place.line, column=place.column)


def _find_fix(rule: str, found: Finding, value: Value, values: MappingOf[str, Value]) -> Fix | None:
    finder = _FINDERS.get(rule)
    if finder is None or value.document.is_loose:
        return None
    edit = finder(found, value, values[format_path(value.path[:-1])])
    return None if edit is None else value.fix(*edit)


def _rename(found: Finding, value: Value, parent: Value) -> tuple[Edit, str] | None:
    meant = _DID_YOU_MEAN.search(say(found.hint or ""))
    if meant is None or any(key.text == meant[1] for key, _ in parent.entries()):
        return None
    if _is_held_against_a_file(meant[1], value):
        return None
    return RenameKey(path=value.path, name=meant[1]), f"rename it to `{meant[1]}`"


def _is_held_against_a_file(key: str, value: Value) -> bool:
    """Tell whether a file beside that of *value* may contradict what stands under *key*."""
    if key == "condaDependencies":
        return True
    dockerfile = value.document.path.parent / DOCKERFILE_NAME
    return key in {"baseImage", "baseDockerfile", "buildContext"} and dockerfile.exists()


def _retype(found: Finding, value: Value, _parent: Value) -> tuple[Edit, str] | None:
    hint = say(found.hint or "")
    if not isinstance(value.node, Scalar):
        return None
    if hint.endswith("without quotes") and not value.node.is_plain:
        return Unquote(path=value.path), "take its quotes away"
    if hint == "put it in quotes" and value.node.is_plain:
        return Quote(path=value.path, text=value.node.text), "put it in quotes"
    return None


def _turn_operator(value: Value, check: Callable[[str], object]) -> tuple[Edit, str] | None:
    meant = value.text.replace("=>", ">=").replace("=<", "<=")
    try:
        check(meant)
    except (MatchSpecError, PipLineError):
        return None
    turned = meant != value.text
    return (SetText(path=value.path, text=meant), "turn the operator round") if turned else None


_FINDERS: dict[str, Callable[[Finding, Value, Value], tuple[Edit, str] | None]] = {
    "unknown-key": _rename,
    "wrong-type": _retype,
    "empty-item": lambda _, value, __: (RemoveItem(path=value.path), "remove it"),
    "not-a-match-spec": lambda _, value, __: _turn_operator(value, parse_match_spec),
    "not-a-pip-line": lambda _, value, __: _turn_operator(value, check_pip_requirement),
}
