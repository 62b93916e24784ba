"""Convert the sections of an environment to the keys of `azureml_environment.json` and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar

from envsync.errors import DefinitionError
from envsync.model.json_value import freeze

if TYPE_CHECKING:
    from dataclasses import Field

# Keys of a field's metadata: the class of its value or of its items, if the default does not
# show it; and a mark on fields that are not in the file.
OF = "of"
HIDDEN = "hidden"

PartT = TypeVar("PartT", bound="Section")


@dataclass(slots=True)
class Section:
    """A section of an environment; keys that no SDK knows are kept and saved again."""

    unknown_keys: dict[str, Any] = field(
        default_factory=dict, repr=False, kw_only=True, metadata={HIDDEN: True}
    )


def to_document(section: Section) -> dict[str, Any]:
    """Return *section* as JSON, with camelCase keys and plain values.

    Raises:
        DefinitionError: a value that should be a section is not one.
    """
    for attribute in _keys(section):
        _check_kind(attribute, getattr(section, attribute.name))
    keys = {_camel_case(f.name): _to_plain(getattr(section, f.name)) for f in _keys(section)}
    return keys | _check_unknown(section.unknown_keys)


def from_document(kind: type[PartT], document: Mapping[str, Any]) -> PartT:
    """Return the section of *kind* that *document* describes."""
    section = kind()
    fill(section, document)
    return section


def fill(section: Section, document: Mapping[str, Any]) -> None:
    """Set the attributes of *section* that are in *document*; the others stay."""
    attributes = {_camel_case(f.name): f for f in _keys(section)}
    for key, value in document.items():
        attribute = attributes.get(key)
        if attribute is None:
            section.unknown_keys[key] = value
        else:
            setattr(section, attribute.name, _from_plain(value, _find_kind(attribute)))


def _keys(section: Section) -> list[Field[Any]]:
    return [f for f in fields(section) if HIDDEN not in f.metadata]


def _find_kind(attribute: Field[Any]) -> type[Section] | None:
    kind = attribute.metadata.get(OF, attribute.default_factory)
    return kind if isinstance(kind, type) and issubclass(kind, Section) else None


def _check_unknown(unknown: object) -> dict[str, Any]:
    try:
        if isinstance(unknown, dict) and freeze(unknown) is not None:
            return _check_names(unknown)
    except TypeError as error:
        raise DefinitionError(f"`unknown_keys`: {error}") from error
    raise DefinitionError("`unknown_keys` is not a dict")


def _check_kind(attribute: Field[Any], value: Any) -> None:
    kind = _find_kind(attribute)
    if kind is None:
        return
    is_part = attribute.default_factory is kind
    for item in value if isinstance(value, (list, tuple)) and not is_part else (value,):
        if not isinstance(item, kind) and (item is not None or is_part):
            found = type(item).__name__
            raise DefinitionError(f"`{attribute.name}`: {found} where {kind.__name__} should be")


def _camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(part.title() for part in others)


def _to_plain(value: Any) -> Any:
    if isinstance(value, Section):
        return to_document(value)
    if isinstance(value, Mapping):
        return _check_names(value)
    if isinstance(value, (list, tuple)):
        return [_to_plain(item) for item in value]
    return value.value if isinstance(value, Enum) else value


def _check_names(mapping: Mapping[Any, Any]) -> dict[str, Any]:
    for name in mapping:
        if not isinstance(name, str):
            found = type(name).__name__
            raise DefinitionError(f"{found} where a name should be", hint="put it in quotes")
    return dict(mapping)


def _from_plain(value: Any, kind: type[Section] | None) -> Any:
    if kind is None or value is None:
        return value
    if isinstance(value, list):
        return [from_document(kind, item) for item in value]
    return from_document(kind, value)
