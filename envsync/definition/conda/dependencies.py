"""A conda environment file (CEP 24) as Azure ML definitions have it, both ways."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from envsync.definition.reading.fields import find_variable_fault
from envsync.definition.reading.repairs import REMOVE_ITEM, suggest_key
from envsync.definition.reading.report import Report, join
from envsync.definition.requirement.match_spec import MatchSpecError, parse_match_spec
from envsync.definition.requirement.pip_line import (
    PipLineError,
    check_pip_requirement,
    parse_pip_option,
    strip_comment,
)
from envsync.definition.requirement.python_pin import SDK_DEFAULT, python_pin
from envsync.errors import DefinitionError
from envsync.model.environment import CondaSpec
from envsync.model.environment_name import NAME_HINT, describe_name_fault, find_name_fault
from envsync.model.text.redaction import quote
from envsync.yamlio import (
    Mapping,
    Scalar,
    Sequence,
    dump_yaml,
    is_null,
    parse_yaml,
    plain_value,
    rewrite_yaml,
)

if TYPE_CHECKING:
    from envsync.yamlio import Node

_ADD = "list what the environment needs under `dependencies:`, `- python=3.10` for one"
KEYS = ("name", "channels", "dependencies", "prefix", "variables")


def load_conda(text: str, report: Report) -> CondaSpec | None:
    """Return what the YAML *text* asks for, None where it can't be told; see *report* then."""
    try:
        node = parse_yaml(text, file=report.file)
    except DefinitionError as error:
        report.errors.extend(error.findings)
        return None
    return read_conda(node, report, text=text)


def read_conda(node: Node | None, report: Report, *, text: str, path: str = "") -> CondaSpec | None:
    """Return what *node*, the content of *text*, asks for; *path* is where it stands."""
    return _CondaReader(report).read(node, path, text)


def dump_conda(conda: CondaSpec) -> str:
    """Return the YAML of *conda*, as the SDK writes it.

    The author's text is rewritten with its comments where it still says what *conda* says;
    otherwise new text is made from the fields.
    """
    if conda.text and _says(conda.text, conda):
        text = rewrite_yaml(conda.text)
        if _says(text, conda):
            return text
    return dump_yaml(_to_plain(conda))


def _says(text: str, conda: CondaSpec) -> bool:
    """Tell whether *text* can be read, and asks for the same as *conda*."""
    report = Report("")
    read = load_conda(text, report)
    return read is not None and not report.errors and replace(read, text=conda.text) == conda


class _CondaReader:
    def __init__(self, report: Report) -> None:
        self._report = report
        self._match_specs: list[str] = []
        self._pip_requirements: list[str] = []
        self._pip_options: list[str] = []
        self._has_pip_section = False

    def read(self, node: Node | None, path: str, text: str) -> CondaSpec | None:
        if not isinstance(node, Mapping):
            found = "nothing" if node is None or is_null(node) else _describe(node)
            message = f"{found} where a mapping with `dependencies` should be"
            hint = "put `dependencies:` above the list" if isinstance(node, Sequence) else _ADD
            self._report.error(path, message, hint=hint, at=node, rule="wrong-type")
            return None
        entries = {key.text: value for key, value in node.entries}
        self._check_keys(node, path)
        if "dependencies" not in entries:
            self._report.error(
                path, "`dependencies` is missing", hint=_ADD, at=node, rule="missing"
            )
        else:
            self._read_dependencies(entries["dependencies"], join(path, "dependencies"))
        self._check_python(join(path, "dependencies"), entries.get("dependencies"))
        return CondaSpec(
            name=self._read_name(entries.get("name"), join(path, "name")),
            channels=self._read_channels(entries.get("channels"), join(path, "channels")),
            match_specs=tuple(self._match_specs),
            pip_requirements=tuple(self._pip_requirements),
            pip_options=tuple(self._pip_options),
            has_pip_section=self._has_pip_section,
            variables=self._read_variables(entries.get("variables"), join(path, "variables")),
            prefix=self._read_text(entries.get("prefix"), join(path, "prefix")),
            text=text,
        )

    def _check_keys(self, node: Mapping, path: str) -> None:
        known = " ".join(KEYS)
        for key, _ in node.entries:
            if key.text in KEYS:
                continue
            hint = suggest_key(key.text, KEYS) or f"Azure ML takes only: {known}"
            if key.text == "build_dependencies":
                hint = "this is MLflow's `python_env.yaml`; give its `conda.yaml`"
            self._report.error(
                join(path, key.text),
                "Azure ML refuses a file with this key",
                hint=hint,
                at=key,
                rule="unknown-key",
            )

    def _read_name(self, node: Node | None, path: str) -> str | None:
        name = self._read_text(node, path)
        if fault := find_name_fault(name or ""):
            message = describe_name_fault(name or "", fault)
            self._report.error(path, message, rule="impossible-name", hint=NAME_HINT, at=node)
        return name

    def _read_text(self, node: Node | None, path: str) -> str | None:
        if node is None or is_null(node):
            return None
        if isinstance(node, Scalar):
            return node.text
        message = f"{_describe(node)} where text should be"
        self._report.error(
            path, message, hint="write it on one line, in quotes", at=node, rule="wrong-type"
        )
        return None

    def _read_channels(self, node: Node | None, path: str) -> tuple[str, ...]:
        channels = []
        for i, item in enumerate(self._items(node, path)):
            channel = self._read_text(item, f"{path}[{i}]")
            if channel is None or not channel.strip():
                if isinstance(item, Scalar):
                    message = "the channel has no name"
                    self._report.error(
                        f"{path}[{i}]", message, hint=REMOVE_ITEM, at=item, rule="empty-item"
                    )
            else:
                channels.append(channel.strip())
        return tuple(channels)

    def _read_variables(self, node: Node | None, path: str) -> tuple[tuple[str, str], ...]:
        if node is None or is_null(node):
            return ()
        if not isinstance(node, Mapping):
            self._report.error(
                path, f"{_describe(node)} where a mapping should be", at=node, rule="wrong-type"
            )
            return ()
        pairs = []
        for key, item in node.entries:
            place = join(path, key.text)
            value = self._read_text(item, place) or ""
            if fault := find_variable_fault(key.text, value):
                self._report.error(place, fault, rule="wrong-type", at=item)
            pairs.append((key.text, value))
        return tuple(pairs)

    def _items(self, node: Node | None, path: str) -> tuple[Node, ...]:
        if node is None:
            return ()
        if isinstance(node, Sequence):
            return node.items
        if is_null(node):
            hint = "indent its items, or remove it"
            self._report.warn(
                path, "there is nothing under this key", hint=hint, at=node, rule="missing"
            )
        else:
            hint = "write each item on its own line, after `- `"
            message = f"{_describe(node)} where a list should be"
            self._report.error(path, message, hint=hint, at=node, rule="wrong-type")
        return ()

    def _read_dependencies(self, node: Node, path: str) -> None:
        if is_null(node):
            hint = "list what the environment needs, `- python=3.10` for one"
            self._report.error(
                path, "there is nothing under this key", hint=hint, at=node, rule="missing"
            )
            return
        for i, item in enumerate(self._items(node, path)):
            place = f"{path}[{i}]"
            if isinstance(item, Mapping):
                self._read_sections(item, place)
            elif isinstance(item, Scalar):
                self._read_match_spec(item, place)
            else:
                message = "a list where a match spec should be"
                self._report.error(
                    place, message, hint="write one `- ` before each", at=item, rule="wrong-type"
                )

    def _read_match_spec(self, item: Scalar, path: str) -> None:
        if item.is_plain and not isinstance(plain_value(item), (str, type(None))):
            message = f"{quote(item.text)} is {_describe(item)}, not a match spec"
            self._report.error(
                path, message, hint="write `name=version`", at=item, rule="not-a-match-spec"
            )
            return
        try:
            parse_match_spec("" if is_null(item) else item.text)
        except MatchSpecError as error:
            self._report.error(path, str(error), rule=error.rule, hint=error.hint, at=item)
        self._match_specs.append(item.text.strip())

    def _check_python(self, path: str, node: Node | None) -> None:
        asked = python_pin(self._match_specs).asked
        if not asked and (self._match_specs or self._has_pip_section):
            message = f"no item asks for Python; the Azure ML SDK would add `{SDK_DEFAULT}`"
            self._report.warn(
                path,
                message,
                hint="add the one you mean, `- python=3.10` for one",
                at=node,
                rule="missing-python",
            )
        elif len(asked) > 1:
            names = " and ".join(quote(text) for text in asked)
            message = f"{names} must both hold; the Azure ML SDK adds one that nobody asked for"
            self._report.warn(
                path, message, hint="keep the one you mean", at=node, rule="two-pythons"
            )

    def _read_sections(self, item: Mapping, path: str) -> None:
        for key, value in item.entries:
            if key.text == "pip":
                self._read_pip(value, join(path, "pip"))
            elif isinstance(value, Scalar):
                message = f"{quote(key.text)} is a key here, not a match spec"
                hint = "write `name=version`, without a colon"
                self._report.error(path, message, hint=hint, at=key, rule="not-a-match-spec")
            else:
                message = "only `pip` is acted upon; this section is kept, not used"
                self._report.warn(join(path, key.text), message, at=key)

    def _read_pip(self, node: Node, path: str) -> None:
        self._has_pip_section = True
        for i, item in enumerate(self._items(node, path)):
            place = f"{path}[{i}]"
            if not isinstance(item, Scalar):
                message = f"{_describe(item)} where a pip requirement should be"
                self._report.error(
                    place, message, hint="quote it if it is text", at=item, rule="wrong-type"
                )
            elif is_null(item):
                self._report.error(
                    place, "the item is empty", hint=REMOVE_ITEM, at=item, rule="empty-item"
                )
            elif item.is_plain and not isinstance(plain_value(item), str):
                message = f"{quote(item.text)} is {_describe(item)}, not a pip requirement"
                self._report.error(
                    place, message, hint="write `name==version`", at=item, rule="not-a-pip-line"
                )
            else:
                self._read_pip_line(item, place)

    def _read_pip_line(self, item: Scalar, path: str) -> None:
        line = strip_comment(item.text)
        if not line:  # the SDK itself writes comments and empty lines as items
            return
        is_option = line.startswith("-")
        (self._pip_options if is_option else self._pip_requirements).append(item.text.strip())
        try:
            if is_option:
                parse_pip_option(line)
            else:
                check_pip_requirement(line)
        except PipLineError as error:
            self._report.error(path, str(error), rule=error.rule, hint=error.hint, at=item)


def _describe(node: Node) -> str:
    if isinstance(node, Mapping):
        return "a mapping"
    if isinstance(node, Sequence):
        return "a list"
    value = plain_value(node)
    if isinstance(value, bool):
        return "a truth value"
    return "a number" if isinstance(value, (int, float)) else "text"


def _to_plain(conda: CondaSpec) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    if conda.name is not None:
        plain["name"] = conda.name
    if conda.channels:
        plain["channels"] = list(conda.channels)
    dependencies: list[Any] = list(conda.match_specs)
    if conda.has_pip_section or conda.pip_options or conda.pip_requirements:
        dependencies.append({"pip": [*conda.pip_options, *conda.pip_requirements]})
    plain["dependencies"] = dependencies
    if conda.variables:
        plain["variables"] = dict(conda.variables)
    if conda.prefix is not None:
        plain["prefix"] = conda.prefix
    return plain
