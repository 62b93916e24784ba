import pytest

from envsync.lock import block_yaml


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\n", {"a": "1"}),
        ("a:\nb: x\n", {"a": "", "b": "x"}),
        ("a: x\nb:\n", {"a": "x", "b": ""}),
        ("a: {}\nb: []\n", {"a": {}, "b": []}),
        ("a:\n- x\n- y\n", {"a": ["x", "y"]}),
        ("a:\n  - x\n", {"a": ["x"]}),
        ("a:\n- b: 1\n  c: 2\n- b: 3\n", {"a": [{"b": "1", "c": "2"}, {"b": "3"}]}),
        ("a: 'it''s'\n", {"a": "it's"}),
        ("'a b': x\n", {"a b": "x"}),
        ("a: '[\"b\",\n  c]'\nd: e\n", {"a": '["b", c]', "d": "e"}),
        ("# comment\n\na: b\n", {"a": "b"}),
        ("md5: 12345678901234567890123456789012\n", {"md5": "1" + "2345678901" * 3 + "2"}),
        ("a: https://example.org/x:1\n", {"a": "https://example.org/x:1"}),
        ("a: -1\n", {"a": "-1"}),
        ("_a: b\n", {"_a": "b"}),
        ("a: long\n  folded\nb: c\n", {"a": "long folded", "b": "c"}),
        ("a: __glibc=2.36=0\n  __unix=0=0\n     - x\n", {"a": "__glibc=2.36=0 __unix=0=0 - x"}),
        ("- a: long\n    folded\n  b: c\n", [{"a": "long folded", "b": "c"}]),
        ('a: "q: \\"b\\" # c"\n', {"a": 'q: "b" # c'}),
        ("a: null\nb: ~\n", {"a": "", "b": ""}),
    ],
)
def test_what_lockfiles_are_written_in_is_read(text: str, expected: object) -> None:
    if text.startswith("md5"):
        expected = {"md5": text.split()[1]}

    assert block_yaml.parse(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a: &x 1\n",
        "a: *x\n",
        'a: "\\x41"\n',
        "a: 'b\n  # c'\n",
        "a: 'b\n\n  c'\n",
        "a: [1, 2]\n",
        "a: {b: c}\n",
        "a: |\n  text\n",
        "a: long\n\n  folded\n",
        "a: long\n  # comment\n  folded\n",
        "a: long\n  folded: no\n",
        "a: long\n  folded # comment\n",
        "a: long\n  folded:\n",
        "a: b # comment\n",
        "a: b: c\n",
        "a:\tb\n",
        "a: 1\r\n",
        "a: 'open\nb: c\n",
        "a: 1\n  b: 2\n",
        "just text\n",
        "a: 1\n- b\n",
        "  a: 1\nb: 2\n",
        "a: 'open",
        "- - a\n",
        "a: - b\n",
        "a: b\nc: -\n",
        "a: 'b' 'c'\n",
        "a: ]\n",
        "} b: c\n",
        "--- : a\n",
        "... b: c\n",
        "a: b\u00a0c\n",
        "<<: b\n",
        "a: b\0c\n",
    ],
)
def test_the_rest_of_yaml_is_left_to_a_library(text: str) -> None:
    with pytest.raises(block_yaml.NotBlockYaml):
        block_yaml.parse(text)


def test_a_key_that_is_there_twice_is_told_with_its_line() -> None:
    with pytest.raises(block_yaml.DuplicateKey) as caught:
        block_yaml.parse("a:\n  b: 1\n  c: 2\n  b: 3\n")

    assert (caught.value.key, caught.value.line) == ("b", 4)


def test_the_lines_of_keys_and_items_are_noted() -> None:
    places: block_yaml.Places = {}

    node = block_yaml.parse("# comment\na:\n- x\n- b: 1\n  c: 2\n", places)

    assert isinstance(node, dict)
    items = node["a"]
    assert isinstance(items, list)
    assert places[id(node)] == {"a": 2}
    assert places[id(items)] == {0: 3, 1: 4}
    assert places[id(items[1])] == {"b": 4, "c": 5}
