"""YAML text, which may be broken or hostile, to nodes."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from envsync.errors import DefinitionError, Finding
from envsync.model.text.redaction import quote
from envsync.yamlio.node import Mapping, Node, Scalar, Sequence, is_integer, normalise_line_ends
from envsync.yamlio.usual import parse_usual

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST_TEXT = 256 * 1024
DEEPEST_NESTING = 64
MOST_NODES = 10_000
LONGEST_NUMBER = 1_000

_CONFLICT = re.compile(r"^(?:<{7}|>{7}) ", re.MULTILINE)
_TAG = "tag:yaml.org,2002:"
_KNOWN_TAGS = {"!"} | {_TAG + tag for tag in ("str", "int", "float", "bool", "null", "seq", "map")}

# What ruamel.yaml says, what it means in a definition, and what to do.
_PROBLEMS = (
    ("'\\t'", "a tab stands where only spaces may indent", "indent with spaces"),
    ("mapping values are not allowed", "no key can stand here", "check the indentation around it"),
    (
        "expected <block end>",
        "the indentation does not agree with the lines above",
        "give all items of a list the same indentation",
    ),
    ("could not find expected ':'", "a key without its `:`", "write `key: value`"),
    ("expected alphabetic or numeric", "`*` and `&` have a meaning in YAML", "quote the value"),
    ("cannot start any token", "this character cannot start a value", "quote the value"),
    ("found unexpected end of stream", "a quote is not closed", "close the quote"),
    ("expected '<document start>'", "more than one value stands at the top", "write one mapping"),
    ("expected ',' or", "a `[` or `{` is not closed", "close the bracket, or quote the value"),
)


class Limits(NamedTuple):
    """How much text, and how many values with what aliases stand for, a file may have."""

    longest_text: int = LONGEST_TEXT
    most_nodes: int = MOST_NODES


_OF_A_DEFINITION = Limits()


def parse_yaml(text: str, *, file: str, limits: Limits = _OF_A_DEFINITION) -> Node | None:
    """Return the one document of *text*, None for an empty one; *file* is named in errors.

    Scalars stay text. The cost of hostile input is bounded: its length, its depth and what its
    aliases expand to are limited, and tags are not acted upon.

    Raises:
        DefinitionError: *text* is not YAML, or more than a definition can need.
    """
    text = normalise_line_ends(text)
    _check_text(text, file, limits.longest_text)
    return parse_usual(text) or parse_with_library(text, file, limits)


def parse_with_library(text: str, file: str, limits: Limits) -> Node | None:
    """Return the one document of *text*, whose characters and length are checked; see above."""
    from ruamel.yaml import YAML  # noqa: PLC0415  # 20 ms that few definitions need
    from ruamel.yaml.error import MarkedYAMLError  # noqa: PLC0415

    composer = _Composer(file, limits.most_nodes)
    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            composer.feed(event)
    except MarkedYAMLError as error:
        raise _syntax_error(error, file) from error
    if composer.findings:
        raise DefinitionError.from_findings(composer.findings)
    return composer.root


class _Frame(NamedTuple):
    """A collection whose end has not come yet."""

    line: int
    column: int
    anchor: str | None
    is_mapping: bool
    weight_before: int
    children: list[Node]


class _Composer:
    """Make one tree of nodes from a stream of events, without recursion."""

    def __init__(self, file: str, most_nodes: int) -> None:
        self.root: Node | None = None
        self.findings: list[Finding] = []
        self._file = file
        self._most_nodes = most_nodes
        self._frames: list[_Frame] = []
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._weight = 0
        self._documents = 0
        self._feeders: dict[str, Callable[[Any], None]] = {
            "DocumentStartEvent": self._start_document,
            "MappingStartEvent": self._start_collection,
            "SequenceStartEvent": self._start_collection,
            "MappingEndEvent": self._end_collection,
            "SequenceEndEvent": self._end_collection,
            "ScalarEvent": self._add_scalar,
            "AliasEvent": self._add_alias,
        }

    def feed(self, event: Any) -> None:
        feeder = self._feeders.get(type(event).__name__)
        if feeder is not None:
            feeder(event)

    def _start_document(self, event: Any) -> None:
        self._documents += 1
        if self._documents > 1:
            self._fail(event, "a second YAML document starts here", "keep one document in the file")

    def _start_collection(self, event: Any) -> None:
        self._check_tag(event)
        if len(self._frames) >= DEEPEST_NESTING:
            self._fail(event, f"the nesting is deeper than {DEEPEST_NESTING} levels")
        self._weigh(event, 1)
        line, column = _place(event)
        is_mapping = type(event).__name__ == "MappingStartEvent"
        self._frames.append(_Frame(line, column, event.anchor, is_mapping, self._weight - 1, []))

    def _end_collection(self, event: Any) -> None:
        frame = self._frames.pop()
        node: Node
        if frame.is_mapping:
            node = Mapping(self._pairs(event, frame.children), frame.line, frame.column)
        else:
            node = Sequence(tuple(frame.children), frame.line, frame.column)
        if frame.anchor is not None:
            self._anchors[frame.anchor] = (node, self._weight - frame.weight_before)
        self._attach(node)

    def _add_scalar(self, event: Any) -> None:
        self._check_tag(event)
        self._weigh(event, 1)
        line, column = self._place_of_scalar(event)
        is_plain = event.style is None and event.tag is None
        if is_plain and len(event.value) > LONGEST_NUMBER and is_integer(event.value):
            self._fail(event, f"a number of {len(event.value):,} digits", "quote it if it is text")
        node = Scalar(event.value, is_plain, line, column)
        if event.anchor is not None:
            self._anchors[event.anchor] = (node, 1)
        self._attach(node)

    def _place_of_scalar(self, event: Any) -> tuple[int, int]:
        """Return where *event* stands; for a value that isn't there, where its key stands."""
        siblings = self._frames[-1].children if self._frames else []
        if not event.value and event.style is None and len(siblings) % 2:
            key = siblings[-1]
            if self._frames[-1].is_mapping and key.line is not None and key.column is not None:
                return key.line, key.column
        return _place(event)

    def _add_alias(self, event: Any) -> None:
        if any(frame.anchor == event.anchor for frame in self._frames):
            self._fail(event, f"{quote('*' + event.anchor)} contains itself", "drop the alias")
        if event.anchor not in self._anchors:
            hint = f"define {quote('&' + event.anchor)} above it, or quote the value"
            self._fail(event, f"{quote('*' + event.anchor)} is an alias of nothing", hint)
        node, weight = self._anchors[event.anchor]
        self._weigh(event, weight)
        self._attach(node)

    def _attach(self, node: Node) -> None:
        if self._frames:
            self._frames[-1].children.append(node)
        else:
            self.root = node

    def _pairs(self, event: Any, children: list[Node]) -> tuple[tuple[Scalar, Node], ...]:
        pairs: list[tuple[Scalar, Node]] = []
        for key, value in zip(children[::2], children[1::2], strict=True):
            if not isinstance(key, Scalar):
                self._fail(event, "a list or mapping cannot be a key", "quote a `{{ template }}`")
            pairs.append((key, value))
        counts = Counter[str]()
        for key, _ in pairs:
            counts[key.text] += 1
            if counts[key.text] == 2:  # noqa: PLR2004  # a third one says nothing new
                message = f"{quote(key.text)} is there twice"
                self.findings.append(
                    self._finding(
                        key.line, key.column, message, "keep one of the two", rule="duplicate-key"
                    )
                )
        return self._merge(pairs) if counts["<<"] else tuple(pairs)

    def _merge(self, pairs: list[tuple[Scalar, Node]]) -> tuple[tuple[Scalar, Node], ...]:
        """Put in the place of `<<` what it stands for, as conda and ruamel.yaml do."""
        entries = {key.text: (key, value) for key, value in pairs}
        for key, value in pairs:
            if key.text != "<<" or not key.is_plain:
                continue
            entries.pop("<<", None)
            for source in value.items if isinstance(value, Sequence) else (value,):
                if not isinstance(source, Mapping):
                    message, hint = "what `<<` stands for is no mapping", "name one by `*NAME`"
                    self.findings.append(self._finding(key.line, key.column, message, hint))
                    continue
                for pair in source.entries:
                    entries.setdefault(pair[0].text, pair)
        return tuple(entries.values())

    def _weigh(self, event: Any, weight: int) -> None:
        self._weight += weight
        if self._weight > self._most_nodes:
            self._fail(event, f"the file, with its aliases, has over {self._most_nodes:,} values")

    def _check_tag(self, event: Any) -> None:
        if event.tag is not None and str(event.tag) not in _KNOWN_TAGS:
            message = f"the tag {quote(str(event.tag))} is not acted upon"
            self._fail(event, message, "remove the tag")

    def _fail(self, event: Any, message: str, hint: str | None = None) -> NoReturn:
        raise DefinitionError.from_findings([self._finding(*_place(event), message, hint)])

    def _finding(
        self,
        line: int | None,
        column: int | None,
        message: str,
        hint: str | None = None,
        rule: str = "syntax",
    ) -> Finding:
        return Finding(
            file=self._file, message=message, hint=hint, line=line, column=column, rule=rule
        )


def _place(event: Any) -> tuple[int, int]:
    return event.start_mark.line + 1, event.start_mark.column + 1


def _check_text(text: str, file: str, longest: int) -> None:
    """Refuse what would take the parser long, or end in an error that says little."""
    if len(text) > longest:
        message = f"{len(text):,} characters are more than a definition needs ({longest:,})"
        raise DefinitionError.from_findings([Finding(file=file, message=message, rule="syntax")])
    conflict = _CONFLICT.search(text)
    if conflict is not None:
        _fail_at(text, conflict.start(), file, "a merge conflict is not resolved", "resolve it")
    # YAML 1.2.2, production 1; compiled here, as the second pattern takes longer than most files.
    beyond_ascii = "" if text.isascii() else "\x80-\x84\x86-\x9f\ud800-\udfff\ufeff\ufffe\uffff"
    unprintable = re.search(f"[\0-\x08\x0b\x0c\x0e-\x1f\x7f{beyond_ascii}]", text)
    if unprintable is not None:
        code = f"U+{ord(unprintable.group()):04X}"
        _fail_at(
            text, unprintable.start(), file, f"the character {code} cannot be in YAML", "remove it"
        )


def _fail_at(text: str, offset: int, file: str, message: str, hint: str | None) -> NoReturn:
    line = text.count("\n", 0, offset) + 1
    column = offset - text.rfind("\n", 0, offset)
    finding = Finding(
        file=file, message=message, hint=hint, line=line, column=column, rule="syntax"
    )
    raise DefinitionError.from_findings([finding])


def _syntax_error(error: Any, file: str) -> DefinitionError:
    problem = error.problem or error.context or "unreadable"
    mark = error.problem_mark or error.context_mark
    message, hint = f"not YAML: {problem}", "write `key: value`, or quote what is text"
    for said, meaning, advice in _PROBLEMS:
        if said in problem:
            message, hint = f"not YAML: {meaning}", advice
            break
    place = {} if mark is None else {"line": mark.line + 1, "column": mark.column + 1}
    return DefinitionError.from_findings(
        [Finding(file=file, message=message, hint=hint, rule="syntax", **place)]
    )
