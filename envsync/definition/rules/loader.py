"""What the readers of a definition found, as diagnoses with places and fixes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from envsync.definition.azureml.v1 import DOCKERFILE_NAME
from envsync.definition.edit.conda import format_path
from envsync.definition.edit.text_edit import Edit, Quote, RemoveItem, RenameKey, SetText, Unquote
from envsync.definition.rules.diagnosis import Diagnosis, Fix, Severity
from envsync.definition.rules.document import Document, Value
from envsync.remedy import Remedy
from envsync.yamlio import Scalar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from collections.abc import Mapping as MappingOf

    from envsync.errors import Finding


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
        fix = None if value is None or not value.path else _find_fix(found, value, values)
        finding = found if value is None else _complete(found, value)
        yield Diagnosis(severity=severity, rule=found.rule, finding=finding, fix=fix)


def _index(document: Document) -> MappingOf[str, Value]:
    root = Value(document, (), document.root)
    return {format_path(value.path): value for value in root.walk()}


def _complete(found: Finding, value: Value) -> Finding:
    """Add the column, and the line where there is none."""
    place = value.node if value.key is None else value.key
    if found.column is not None or found.line not in {None, place.line} or not found.key_path:
        return found
    return replace(found, line=place.line, column=place.column)


def _find_fix(found: Finding, value: Value, values: MappingOf[str, Value]) -> Fix | None:
    repair = found.hint.repair if isinstance(found.hint, Remedy) else None
    if repair is None or value.document.is_loose:
        return None
    parent = values[format_path(value.path[:-1])]
    edit, description = _EDITS[repair.kind](repair.text, value, parent)
    return None if edit is None else value.fix(edit, description)


def _rename(name: str, value: Value, parent: Value) -> tuple[Edit | None, str]:
    is_taken = any(key.text == name for key, _ in parent.entries())
    edit = RenameKey(path=value.path, name=name)
    return None if is_taken or _is_in_another_file(name, value) else edit, f"rename it to `{name}`"


def _is_in_another_file(key: str, value: Value) -> bool:
    """Return whether a file beside that of *value* may contradict what *key* has."""
    if key == "condaDependencies":
        return True
    dockerfile = value.document.path.parent / DOCKERFILE_NAME
    return key in {"baseImage", "baseDockerfile", "buildContext"} and dockerfile.exists()


def _unquote(_: str, value: Value, __: Value) -> tuple[Edit | None, str]:
    is_quoted = isinstance(value.node, Scalar) and not value.node.is_plain
    return Unquote(path=value.path) if is_quoted else None, "take its quotes away"


def _quote(_: str, value: Value, __: Value) -> tuple[Edit | None, str]:
    node = value.node
    is_plain = isinstance(node, Scalar) and node.is_plain
    return Quote(path=value.path, text=value.text) if is_plain else None, "put it in quotes"


_EDITS: MappingOf[str, Callable[[str, Value, Value], tuple[Edit | None, str]]] = {
    "rename key": _rename,
    "quote": _quote,
    "unquote": _unquote,
    "remove item": lambda _, value, __: (RemoveItem(path=value.path), "remove it"),
    "set text": lambda text, value, _: (
        SetText(path=value.path, text=text),
        "turn the operator round",
    ),
}
