from __future__ import annotations

import itertools
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envsync.errors import DefinitionError
from envsync.yamlio import (
    Mapping,
    Scalar,
    Sequence,
    dump_yaml,
    is_null,
    node_from,
    parse_yaml,
    plain_value,
    rewrite_yaml,
)


def parse(text: str) -> Any:
    return parse_yaml(text, file="x.yml")


def refuse(text: str) -> list[tuple[str, int | None, str | None]]:
    """Return what is said about *text*: finding, column and hint."""
    with pytest.raises(DefinitionError) as caught:
        parse(text)
    return [(finding.text, finding.column, finding.hint) for finding in caught.value.findings]


def test_what_a_mapping_is_merged_with_counts_where_it_says_nothing_itself() -> None:
    text = "a: &a {x: 1, y: 2}\nb: &b {z: 3}\nc: {<<: *a, y: 4}\nd:\n  <<: [*b, *a]\n'<<': e\n"

    assert plain_value(parse(text)) == {
        "a": {"x": 1, "y": 2},
        "b": {"z": 3},
        "c": {"x": 1, "y": 4},
        "d": {"z": 3, "x": 1, "y": 2},
        "<<": "e",
    }


def test_two_merges_are_one_too_many() -> None:
    assert [text for text, *_ in refuse("a: &a {x: 1}\nb:\n  <<: *a\n  <<: *a\n")] == [
        "`x.yml`:4: `<<` is there twice"
    ]


def test_only_a_mapping_can_be_merged() -> None:
    assert refuse("a: &a [1]\nb:\n  <<: *a\n") == [
        ("`x.yml`:3: what `<<` stands for is no mapping", 3, "name one by `*NAME`")
    ]


def test_nodes_keep_the_authors_text_and_place() -> None:
    assert parse("deps:\n  - 3.10\n  - '3.10'\n") == Mapping(
        (
            (
                Scalar("deps", line=1, column=1),
                Sequence(
                    (
                        Scalar("3.10", line=2, column=5),
                        Scalar("3.10", is_plain=False, line=3, column=5),
                    ),
                    line=2,
                    column=3,
                ),
            ),
        ),
        line=1,
        column=1,
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("Null", None),
        ("true", True),
        ("FALSE", False),
        ("yes", "yes"),
        ("0755", 755),
        ("0o17", 15),
        ("0x1f", 31),
        ("-12", -12),
        ("3.10", 3.1),
        ("1e3", 1000.0),
        ("-.INF", float("-inf")),
        ("2020-01-01", "2020-01-01"),
        ("'12'", "12"),
        ("!!str 12", "12"),
        ("python=3.10", "python=3.10"),
    ],
)
def test_plain_scalars_mean_what_yaml_1_2_says(text: str, value: Any) -> None:
    (node,) = parse(f"- {text}\n").items
    assert plain_value(node) == value
    assert is_null(node) == (value is None)


def test_not_a_number_is_read() -> None:
    assert repr(plain_value(Scalar(".NaN"))) == "nan"


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n...\n"])
def test_empty_document_has_no_content(text: str) -> None:
    assert (parse(text) is None) or is_null(parse(text))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_end_is_taken(end: str) -> None:
    assert plain_value(parse(f"a: 1{end}b: 2{end}")) == {"a": 1, "b": 2}


def test_aliases_are_what_they_name() -> None:
    root = parse("a: &x [1]\nb: *x\nc: &y 2\nd: *y\n")
    assert plain_value(root) == {"a": [1], "b": [1], "c": 2, "d": 2}


@pytest.mark.parametrize(
    ("text", "finding", "column", "hint"),
    [
        ("a: 1\n---\nb: 2\n", "`x.yml`:2: a second YAML document starts here", 1, "keep one "),
        ("a:\n\t- b\n", "`x.yml`:2: not YAML: a tab stands where only spaces", 1, "indent with"),
        ("a:\n- b\n<<<<<<< HEAD\n", "`x.yml`:3: a merge conflict is not resolved", 1, "resolve"),
        ("a: &a\n- *a\n", "`x.yml`:2: `*a` contains itself", 3, "drop the alias"),
        ("- *a\n", "`x.yml`:1: `*a` is an alias of nothing", 3, "define `&a` above it, or"),
        ("- ***GONE***\n", "`x.yml`:1: `***GONE***` is an alias of nothing", 3, "define"),
        ("a: b: c\n", "`x.yml`:1: not YAML: no key can stand here", 5, "check the indentation"),
        ("a:\n  - b\n - c\n", "`x.yml`:3: not YAML: the indentation does not", 2, "give all"),
        ('a: "b\n', "`x.yml`:2: not YAML: a quote is not closed", 1, "close the quote"),
        ("a: [b\nc: d\n", "`x.yml`:2: not YAML: a `[` or `{` is not closed", 2, "close the"),
        ("a: @b\n", "`x.yml`:1: not YAML: this character cannot start a value", 4, "quote the"),
        ("a:\nb\n", "`x.yml`:3: not YAML: a key without its `:`", 1, "write `key: value`"),
        ("a\nb: c\n", "`x.yml`:2: not YAML: no key can stand here", 2, "check"),
        ('"a" [\n', "`x.yml`:1: not YAML: more than one value stands at the top", 5, "write one"),
        ("- {{ x }}\n", "`x.yml`:1: a list or mapping cannot be a key", 9, "quote a `{{ templ"),
        ("a: b\0\n", "`x.yml`:1: the character U+0000 cannot be in YAML", 5, "remove it"),
        ("é: \ufeff\n", "`x.yml`:1: the character U+FEFF cannot be in YAML", 4, "remove it"),
        (
            "a: !!python/object/apply:os.system [x]\n",
            "`x.yml`:1: the tag `tag:yaml.org,2002:python/object/apply:os.system` is not acted",
            4,
            "remove the tag",
        ),
        ("- " + "1" * 5000, "`x.yml`:1: a number of 5,000 digits", 3, "quote it if it is text"),
        ("%YAML 3.0\n---\na: 1\n", "`x.yml`:1: not YAML: found incompatible YAML", 1, "write"),
        ("[" * 3000, "`x.yml`:1: the nesting is deeper than 64 levels", 65, None),
        ("- a\n" * 30_000, "`x.yml`:10000: the file, with its aliases, has over 10,000", 3, None),
        ("a" * 300_000, "`x.yml`: 300,000 characters are more than a definition needs", None, None),
    ],
)
def test_broken_yaml_is_refused_with_its_place(
    text: str, finding: str, column: int | None, hint: str | None
) -> None:
    ((said, at, advice),) = refuse(text)
    assert said.startswith(finding)
    assert at == column
    assert (advice or "").startswith(hint or "")
    assert (advice is None) == (hint is None)


def test_each_repeated_key_is_said_once() -> None:
    text = "a: 1\na: 2\na: 3\nb:\n  c: 1\n  c: 2\n"
    assert refuse(text) == [
        ("`x.yml`:6: `c` is there twice", 3, "keep one of the two"),
        ("`x.yml`:2: `a` is there twice", 1, "keep one of the two"),
    ]


def test_alias_bomb_is_refused_at_once() -> None:
    levels = "abcdefghi"
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{b}: &{b} [{', '.join(['*' + a] * 9)}]\n" for a, b in itertools.pairwise(levels)
    )

    start = time.perf_counter()
    ((finding, _, _),) = refuse(bomb)

    assert finding == "`x.yml`:5: the file, with its aliases, has over 10,000 values"
    assert time.perf_counter() - start < 1


@pytest.mark.parametrize(
    ("text", "saved"),
    [
        ("a:\n  - b   # why\n\n  - 'c'\n", "a:\n- b     # why\n\n- c\n"),
        ("# head\r\na: [b, c]\r\n", "# head\na: [b, c]\n"),
        ("a: &x b\nc: *x\n", "a: &x b\nc: *x\n"),
        ("a: null\n", "a:\n"),
        (
            "- --find-links " + "x" * 80 + " --trusted-host y\n",
            "- --find-links " + "x" * 80 + "\n  --trusted-host y\n",
        ),
        ("- " + "x" * 80 + "  two spaces\n", "- " + "x" * 80 + "  two\n  spaces\n"),
        ("- --index-url https://" + "x" * 80 + "\n", "- --index-url https://" + "x" * 80 + "\n"),
        ("? " + "k" * 90 + " l\n: v\n", "k" * 90 + " l: v\n"),
    ],
)
def test_rewritten_text_looks_as_the_sdk_leaves_it(text: str, saved: str) -> None:
    assert rewrite_yaml(text) == saved
    assert rewrite_yaml(saved) == saved


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=30)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4)
    ),
    max_leaves=10,
)


@given(VALUES)
def test_what_is_dumped_is_read_back(value: Any) -> None:
    root = parse(dump_yaml([value]))
    assert plain_value(root) == [value]


@given(VALUES)
def test_nodes_made_from_a_value_are_that_value(value: Any) -> None:
    assert plain_value(node_from(value)) == value
