"""The pip side of a definition taken apart, with the files that it names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from envsync.definition.reading.report import Place, Report
from envsync.definition.reading.source_file import read_source
from envsync.definition.requirement.pip_line import (
    PipLineError,
    check_pip_requirement,
    parse_pip_option,
    strip_comment,
)
from envsync.definition.requirement.pip_requirement import (
    explain_unhashed,
    is_beside,
    list_risks,
    parse_requirement,
)
from envsync.errors import DefinitionError
from envsync.model.pip_section import PipRequirement, PipSection
from envsync.model.text.redaction import quote
from envsync.yamlio import Mapping, Scalar, Sequence, normalise_line_ends, parse_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from envsync.errors import Finding
    from envsync.model.environment import CondaSpec, EnvironmentSpec
    from envsync.remedy import Hint
    from envsync.yamlio import Node

MOST_FILES = 20


def read_pip_section(spec: EnvironmentSpec) -> tuple[PipSection, tuple[Finding, ...]]:
    """Return the pip side of *spec*, and what in it can't be locked reproducibly.

    Paths start at the conda file, those in a requirements file at that file, as for pip. No file
    outside the definition's directory is read, and nothing is fetched.

    Raises:
        DefinitionError: a file is missing, or a line in one is none that pip takes.
    """
    conda = spec.conda
    if conda is None:
        return PipSection(), ()
    named = [file for file in spec.files if file.suffix in {".yml", ".yaml"}]
    path = [spec.directory, *spec.files[:1], *named][-1]
    report = Report(str(path))
    reader = _SectionReader(spec.directory)
    for text in (*conda.pip_options, *conda.pip_requirements):
        key_path, place = locate_pip_item(conda, text)
        if path.suffix == ".json":  # the text is envsync's, its lines are not in the file
            place = None
        origin = _Origin(report=report, directory=spec.pip_directory, path=key_path, place=place)
        reader.read_line(strip_comment(text), origin)
    reader.check_hashes()
    reports = [report, *reader.reports]
    errors = [finding for report in reports for finding in report.errors]
    if errors:
        raise DefinitionError.from_findings(errors)
    return reader.section(), tuple(finding for report in reports for finding in report.warnings)


def locate_pip_item(conda: CondaSpec, text: str) -> tuple[str, Place | None]:
    """Return the key path and the place of the pip item *text* in the YAML of *conda*."""
    root = parse_yaml(conda.text, file="") if conda.text else None
    if isinstance(root, Mapping):
        for i, item in enumerate(_list_below(root, "dependencies")):
            for j, line in enumerate(_list_below(item, "pip")):
                if isinstance(line, Scalar) and line.text.strip() == text:
                    return f"dependencies[{i}].pip[{j}]", Place(line.line or 0, line.column or 0)
    return "", None


def _list_below(node: Node, key: str) -> tuple[Node, ...]:
    """Return the items of the list under *key*, if there is one."""
    if isinstance(node, Mapping):
        for entry, value in node.entries:
            if entry.text == key and isinstance(value, Sequence):
                return value.items
    return ()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Origin:
    """Where a line comes from; *directory* is where its paths start."""

    report: Report
    directory: Path
    path: str = ""
    place: Place | None = None
    is_constraint: bool = False
    is_file: bool = False

    def error(
        self, message: str, hint: Hint | None = None, *, rule: str = "not-a-pip-line"
    ) -> None:
        self.report.error(self.path, message, rule=rule, hint=hint, at=self.place)

    def warn(self, message: str, hint: str | None = None) -> None:
        self.report.warn(self.path, message, hint=hint, at=self.place)


class _SectionReader:
    def __init__(self, root: Path) -> None:
        self.reports: list[Report] = []
        self._root = root.resolve()
        self._requirements: list[tuple[PipRequirement, _Origin]] = []
        self._constraints: list[PipRequirement] = []
        self._files: dict[Path, bool] = {}
        self._options: list[str] = []
        self._requires_hashes = False

    def section(self) -> PipSection:
        """Return what has been read."""
        return PipSection(
            requirements=tuple(requirement for requirement, _ in self._requirements),
            constraints=tuple(self._constraints),
            options=tuple(self._options),
            requires_hashes=self._requires_hashes,
        )

    def check_hashes(self) -> None:
        """Report each requirement without a hash, where they must all have one."""
        for requirement, origin in self._requirements if self._requires_hashes else ():
            if fault := explain_unhashed(requirement):
                origin.error(*fault)

    def read_line(self, line: str, origin: _Origin) -> None:
        """Add what *line* says; what is wrong with it goes to the report of *origin*."""
        try:
            if line.startswith("-"):
                self._read_option(*parse_pip_option(line), origin)
            elif line:
                check_pip_requirement(line)
                self._add(parse_requirement(line), origin)
        except PipLineError as error:
            origin.error(str(error), error.hint, rule=error.rule)

    def _read_option(self, name: str, value: str, origin: _Origin) -> None:
        if name in {"--requirement", "--constraint"}:
            self._read_file(value, origin, is_constraint=name == "--constraint")
        elif name == "--editable":
            self._add(parse_requirement(value, is_editable=True), origin)
        else:
            self._add_option(name, value, origin)

    def _add_option(self, name: str, value: str, origin: _Origin) -> None:
        self._requires_hashes = self._requires_hashes or name == "--require-hashes"
        is_path = name == "--find-links" and "://" not in value
        if origin.is_file:
            place = str(origin.directory.absolute() / value) if is_path else value
            self._options.append(f"{name} {place}".strip())
        if is_path and not is_beside(value):
            message = f"{quote(value)} lies on this machine only"
            origin.warn(message, "put it beside the definition, or use an index")

    def _add(self, requirement: PipRequirement, origin: _Origin) -> None:
        if origin.is_constraint:
            self._constraints.append(requirement)
        else:
            self._requirements.append((requirement, origin))
        for what, hint in list_risks(requirement):
            origin.warn(f"{quote(requirement.text)} {what}", hint)

    def _read_file(self, value: str, origin: _Origin, *, is_constraint: bool) -> None:
        if "://" in value:
            origin.warn(
                f"what {quote(value)} holds may change", "keep a copy beside the definition"
            )
            return
        path = origin.directory / value
        try:
            is_inside = path.resolve().is_relative_to(self._root)
            is_there = path.exists()
        except (OSError, RuntimeError, ValueError):  # a circle of links, or no path at all
            is_inside, is_there = True, False
        if not is_inside:
            message = f"{quote(value)} lies outside the definition's directory, and is not read"
            origin.error(message, "put a copy beside the definition", rule="outside-path")
            return
        is_constraint = is_constraint or origin.is_constraint
        if not is_there:
            hint = f"put it into `{origin.directory}`, or correct its path"
            origin.error(f"{quote(value)} is not there", hint, rule="missing")
            return
        if self._files.get(path) == is_constraint:
            return
        if len(self._files) >= MOST_FILES:
            origin.error(f"more than {MOST_FILES} requirements files are named")
            return
        self._files[path] = is_constraint
        self._read_lines(path, is_constraint=is_constraint)

    def _read_lines(self, path: Path, *, is_constraint: bool) -> None:
        report = Report(str(path))
        self.reports.append(report)
        try:
            text = read_source(path, report)
        except DefinitionError:
            return
        for number, line in join_lines(text):
            origin = _Origin(
                report=report,
                directory=path.parent,
                place=Place(number, 1),
                is_constraint=is_constraint,
                is_file=True,
            )
            self.read_line(strip_comment(line), origin)


def join_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines of a requirements file, each with its number; a backslash joins two."""
    start, joined = 1, ""
    for number, line in enumerate(normalise_line_ends(text).split("\n"), start=1):
        if line.endswith("\\") and not line.lstrip().startswith("#"):
            joined += line[:-1] + " "
            continue
        yield start if joined else number, joined + line
        start, joined = number + 1, ""
    if joined:
        yield start, joined
