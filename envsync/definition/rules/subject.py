"""What the rules look at: the parts of a definition, found in whichever files hold them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from envsync.definition.azureml.runconfig import is_runconfig
from envsync.definition.azureml.v1 import CONDA_NAME, DOCKERFILE_NAME, JSON_NAME
from envsync.definition.edit.conda import pip_name
from envsync.definition.reading.json_text import parse_json
from envsync.definition.reading.report import Report
from envsync.definition.reading.source_file import read_source
from envsync.definition.requirement.match_spec import MatchSpec, MatchSpecError, parse_match_spec
from envsync.definition.requirement.pip_line import strip_comment
from envsync.definition.rules.document import Document, Value, json_root
from envsync.errors import DefinitionError
from envsync.yamlio import Mapping, Scalar, parse_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date
    from pathlib import Path

_YAML = {".yml", ".yaml", ".runconfig"}
_TEXTS = re.compile(r"dockerfile|\.txt$", re.IGNORECASE)
_FROM = re.compile(
    r"\s*from\s+(?:--\S+\s+)*(?P<image>\S+)(?:\s+as\s+(?P<stage>\S+))?", re.IGNORECASE
)


class CondaItem(NamedTuple):
    """An item under `dependencies`; *spec* is None where it is no match spec."""

    value: Value
    spec: MatchSpec | None


class PipItem(NamedTuple):
    """An item under `pip`; *line* is without its comment, *name* normalised or None."""

    value: Value
    line: str
    name: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class CondaPart:
    """What a definition says to conda, and through it to pip."""

    root: Value
    items: tuple[CondaItem, ...]
    pip_sections: tuple[Value, ...]
    pip_items: tuple[PipItem, ...]

    @property
    def channels(self) -> tuple[Value, ...]:
        """The channels, as the file names them."""
        listed = self.root.get("channels")
        return () if listed is None else tuple(listed.items())


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """A definition as the rules see it, with the day on which they look.

    *environment* has the keys of `azureml_environment.json`. *images* are all that it starts
    from, those in Dockerfiles among them. A file that can't be parsed is in none of the parts.
    """

    documents: tuple[Document, ...]
    environment: Value | None
    conda: CondaPart | None
    images: tuple[Value, ...]
    today: date


def read_subject(files: Iterable[Path], today: date) -> Subject:
    """Return what *files*, those of one definition, hold; one that can't be read is left out."""
    documents = tuple(document for file in files if (document := read_document(file)) is not None)
    roots = [Value(document, (), document.root) for document in documents]
    environment = next(filter(None, map(_find_environment, roots)), None)
    conda = next(filter(None, (_find_conda(root) for root in reversed(roots))), None)
    images = [image for root in roots for image in _find_images(root)]
    return Subject(
        documents=documents,
        environment=environment,
        conda=None if conda is None else _take_apart(conda),
        images=tuple(images),
        today=today,
    )


def read_document(path: Path) -> Document | None:
    """Return *path* parsed, None where it can't be, which its reader has said."""
    report = Report(str(path))
    try:
        text = read_source(path, report)
        if path.name == JSON_NAME:
            parse_json(text, report)
            return Document(path, text, "json", json_root(text))
        if path.suffix in _YAML or is_runconfig(path):
            root = parse_yaml(text, file=report.file)
            is_loose = is_runconfig(path)
            return None if root is None else Document(path, text, "yaml", root, is_loose)
    except DefinitionError:
        return None
    root = Scalar(text, is_plain=False, line=1, column=1)
    return Document(path, text, None, root) if _TEXTS.search(path.name) else None


def guess_files(path: Path) -> tuple[Path, ...]:
    """Return the files that a definition at *path* has, where no reader could tell."""
    if not path.is_dir():
        return (path,)
    names = (JSON_NAME, CONDA_NAME, DOCKERFILE_NAME)
    return tuple(path / name for name in names if (path / name).is_file())


def _find_environment(root: Value) -> Value | None:
    if root.document.language == "json":
        return root
    if not root.document.is_loose:
        return None
    inner = root.get("environment")
    if inner is not None and isinstance(inner.node, Mapping):
        return inner
    return None if root.get("docker") is None and root.get("python") is None else root


def _find_conda(root: Value) -> Value | None:
    """Return the mapping in *root* that has `dependencies` in it, if it has one."""
    environment = _find_environment(root)
    inline = None if environment is None else environment.get("python", "condaDependencies")
    if environment is None:
        inline = root.get("conda_file") or root
    is_there = inline is not None and inline.get("dependencies") is not None
    return inline if is_there else None


def _find_images(root: Value) -> Iterator[Value]:
    environment = _find_environment(root)
    if root.document.language is None:
        yield from find_from_lines(root)
    elif environment is not None:
        image = environment.get("docker", "baseImage")
        dockerfile = environment.get("docker", "baseDockerfile")
        yield from () if image is None else (image,)
        yield from () if dockerfile is None else find_from_lines(dockerfile)
    elif root.get("dependencies") is None and (image := root.get("image")) is not None:
        yield image


def find_from_lines(dockerfile: Value) -> Iterator[Value]:
    """Yield the images that *dockerfile* starts from, without its own stages."""
    stages = {"scratch"}
    for number, line in enumerate(dockerfile.text.splitlines(), start=1):
        match = _FROM.match(line)
        if match is None:
            continue
        image = match["image"]
        if image.lower() not in stages and "$" not in image:
            node = Scalar(image, False, dockerfile.node.line, dockerfile.node.column)  # noqa: FBT003
            if dockerfile.document.language is None:
                node = node._replace(line=number, column=match.start("image") + 1)
            yield dockerfile._replace(node=node)
        stages.add((match["stage"] or "scratch").lower())


def _take_apart(root: Value) -> CondaPart:
    items, sections, pip_items = [], [], []
    dependencies = root.get("dependencies")
    for item in () if dependencies is None else dependencies.items():
        if isinstance(item.node, Scalar):
            items.append(CondaItem(item, _parse(item.text)))
        section = next((value for key, value in item.entries() if key.text == "pip"), None)
        if section is not None:
            sections.append(section)
            pip_items += [_read_pip_item(line) for line in section.items() if line.text]
    return CondaPart(
        root=root,
        items=tuple(items),
        pip_sections=tuple(sections),
        pip_items=tuple(pip_items),
    )


def _read_pip_item(value: Value) -> PipItem:
    line = strip_comment(value.text)
    return PipItem(value, line, pip_name(line))


def _parse(text: str) -> MatchSpec | None:
    try:
        return parse_match_spec(text)
    except MatchSpecError:
        return None
