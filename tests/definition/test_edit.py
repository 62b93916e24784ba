from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.definitions import SHARED

from envsync.definition.edit.conda import Change, CondaText
from envsync.definition.edit.editable import EditableFile, open_editable
from envsync.definition.edit.text_edit import (
    Edit,
    InPlaceError,
    InsertItem,
    Quote,
    RemoveItem,
    RenameKey,
    SetText,
    Unquote,
    apply_edit,
    apply_edits,
)
from envsync.errors import DefinitionError
from envsync.files import write_atomically

CORPUS = SHARED / "corpus/conda_yml"


def added(text: str, *specs: str, pip: tuple[str, ...] = ()) -> str:
    conda = CondaText(text, "c.yml")
    for spec in specs:
        conda.add_match_spec(spec)
    for requirement in pip:
        conda.add_pip_requirement(requirement)
    return conda.text


def removed(text: str, *names: str, pip: tuple[str, ...] = ()) -> str:
    conda = CondaText(text, "c.yml")
    conda.remove(item for item in conda.match_specs if item.name in names)
    conda.remove(item for item in conda.pip_lines if item.name in pip)
    return conda.text


@pytest.mark.parametrize(
    ("text", "edit", "expected"),
    [
        ("a: [x, 'y']\n", SetText(path=("a", 1), text="z"), "a: [x, 'z']\n"),
        ("a: # why\n  x #y\n", SetText(path=("a",), text="it's"), "a: # why\n  it's #y\n"),
        ("a: 'x'\n", SetText(path=("a",), text="it's"), "a: 'it''s'\n"),
        ("a: [x]\n", SetText(path=("a", 0), text="p>=1,<2"), "a: ['p>=1,<2']\n"),
        ("a:\n- x\n", SetText(path=("a", 0), text="p>=1,<2"), "a:\n- p>=1,<2\n"),
        ("a: x\n", SetText(path=("a",), text="yes"), "a: 'yes'\n"),
        ("a: x\n", SetText(path=("a",), text="1.10"), "a: '1.10'\n"),
        ("a: 1.10 # v\n", Quote(path=("a",), text="1.10"), 'a: "1.10" # v\n'),
        ("a: 'false'\n", Unquote(path=("a",)), "a: false\n"),
        ("{a: {'b': 1}}\n", RenameKey(path=("a", "b"), name="c"), "{a: {'c': 1}}\n"),
        ("a: 1\r\nb: 2\r\n", RenameKey(path=("a",), name="c"), "c: 1\r\nb: 2\r\n"),
    ],
)
def test_an_edit_changes_its_place_alone(text: str, edit: Edit, expected: str) -> None:
    assert apply_edit(text, edit) == expected


@pytest.mark.parametrize(
    ("text", "edit", "expected"),
    [
        ('{"a" : "false" ,"b":1}', Unquote(path=("a",)), '{"a" : false ,"b":1}'),
        ('{"a":\t1.10\r\n}', Quote(path=("a",), text="1.10"), '{"a":\t"1.10"\r\n}'),
        ('{"x":{"a_b": [1]}}', RenameKey(path=("x", "a_b"), name="aB"), '{"x":{"aB": [1]}}'),
        ('{"a": [1, 2 ,3]}', RemoveItem(path=("a", 1)), '{"a": [1, 3]}'),
        ('{"é": "\\ud83d\\ude00"}', SetText(path=("é",), text="ü"), '{"é": "ü"}'),
    ],
)
def test_json_is_edited_like_yaml(text: str, edit: Edit, expected: str) -> None:
    assert apply_edit(text, edit, language="json") == expected


@pytest.mark.parametrize(
    ("text", "edit"),
    [
        ("a: &x 1\nb: *x\n", SetText(path=("a",), text="2")),
        ("a: &x [1]\nb: *x\n", InsertItem(path=("a",), index=0, item="z")),
        ("a: &x [1]\nb: *x\n", InsertItem(path=("b",), index=0, item="z")),
        ("a:\n- &x z\n- *x\n", RemoveItem(path=("a", 0))),
        ("- - z\n  - y\n", InsertItem(path=(0,), index=0, item="x")),
        ("a: [x, # why\n y]\n", SetText(path=("c", 0), text="z")),
        ("a: !!str x\n", SetText(path=("a",), text="z")),
        ("# nothing\n", SetText(path=("a",), text="z")),
        ("a: &x {b: [1]}\nc: *x\n", SetText(path=("c", "b", 0), text="z")),
        ("a: &x {b: [1]}\nc: *x\n", RenameKey(path=("c", "b"), name="z")),
        ("a: &x {b: [1]}\nc: *x\n", InsertItem(path=("c", "d"), index=0, item="z")),
        ("a:\n- &x z\nb: *x\n", RemoveItem(path=("a", 0))),
    ],
)
def test_what_would_touch_more_is_left_alone(text: str, edit: Edit) -> None:
    with pytest.raises(InPlaceError):
        apply_edit(text, edit)


def test_several_edits_are_made_at_once_where_the_file_said_they_are() -> None:
    text = "a:\n- 0\n- x # why\n- y\n- z\n"

    edits = [
        RemoveItem(path=("a", 0)),
        SetText(path=("a", 1), text="w"),
        InsertItem(path=("a",), index=2, item="new"),
        RemoveItem(path=("a", 2)),
        RenameKey(path=("a",), name="b"),
    ]
    assert apply_edits(text, edits) == "b:\n- w # why\n- new\n- z\n"


def test_edits_that_touch_each_other_are_refused() -> None:
    edits = [RemoveItem(path=("a", 1)), RemoveItem(path=("a", 2))]

    with pytest.raises(InPlaceError):
        apply_edits("a: [x, y, z]\n", edits)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dependencies:\n- a\n", "dependencies:\n- a\n- new=1\n"),
        ("dependencies:\n- a", "dependencies:\n- a\n- new=1"),
        ("dependencies:\n- |-\n  a\n", "dependencies:\n- |-\n  a\n- new=1\n"),
        ("dependencies:\r\n  -  a # x\r\n", "dependencies:\r\n  -  a # x\r\n  -  new=1\r\n"),
        ("dependencies:\r- a\r", "dependencies:\r- a\r- new=1\r"),
        ('dependencies:\n- "a"\n- "b"\n', 'dependencies:\n- "a"\n- "b"\n- "new=1"\n'),
        ("dependencies:\n- 'a'\n- b\n", "dependencies:\n- 'a'\n- b\n- new=1\n"),
        ("dependencies: [a, b]\n", "dependencies: [a, b, new=1]\n"),
        ("dependencies: [a,b,]\n", "dependencies: [a,b,new=1,]\n"),
        ("dependencies: []\n", "dependencies: [new=1]\n"),
        ("dependencies: [ # c\n  a,\n  b\n]\n", "dependencies: [ # c\n  a,\n  b,\n  new=1\n]\n"),
        ("dependencies: [\n  a\n]\n", "dependencies: [\n  a,\n  new=1\n]\n"),
        ("dependencies: [a, {pip: [x]}]\n", "dependencies: [a, new=1, {pip: [x]}]\n"),
        ("dependencies:\n", "dependencies:\n- new=1\n"),
        ("dependencies: # c\nname: x\n", "dependencies: # c\n- new=1\nname: x\n"),
        ("name: x", "name: x\ndependencies:\n- new=1"),
        ("channels:\n  - a\n", "channels:\n  - a\ndependencies:\n  - new=1\n"),
        ("{name: x}\n", "{name: x, dependencies: [new=1]}\n"),
        (
            "dependencies:\n- a\n# about pip\n- pip\n- pip:\n  - x\n",
            "dependencies:\n- a\n- new=1\n# about pip\n- pip\n- pip:\n  - x\n",
        ),
        ("dependencies:\n- pip:\n  - x\n", "dependencies:\n- new=1\n- pip:\n  - x\n"),
        ("dependencies:\n- pip\n", "dependencies:\n- new=1\n- pip\n"),
        ("dependencies:\n- pip:\n  - x\n- a\n", "dependencies:\n- pip:\n  - x\n- a\n- new=1\n"),
    ],
)
def test_a_new_package_is_written_as_its_neighbours_are(text: str, expected: str) -> None:
    assert added(text, "new=1") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "dependencies:\n  - a\n  - pip:\n",
            "dependencies:\n  - a\n  - pip\n  - pip:\n      - new==1\n",
        ),
        ("dependencies:\n- pip\n- pip: []\n", "dependencies:\n- pip\n- pip: [new==1]\n"),
        (
            "dependencies:\n- pip\n- pip:\n  - x # y\n\nname: n\n",
            "dependencies:\n- pip\n- pip:\n  - x # y\n  - new==1\n\nname: n\n",
        ),
        ("dependencies:\n- a\n", "dependencies:\n- a\n- pip\n- pip:\n  - new==1\n"),
        (
            "dependencies:\n-   'a'\n",
            "dependencies:\n-   'a'\n-   'pip'\n-   pip:\n    -   'new==1'\n",
        ),
        ("dependencies:\n- pip=24\n", "dependencies:\n- pip=24\n- pip:\n  - new==1\n"),
        ("dependencies: [a]", "dependencies: [a, pip, {pip: [new==1]}]"),
        ('{"dependencies": ["a"]}', '{"dependencies": ["a", "pip", {"pip": ["new==1"]}]}'),
        ("dependencies:\n", "dependencies:\n- pip\n- pip:\n  - new==1\n"),
        (
            "dependencies:\n- a\n- pip:\n  - x\n- pip:\n  - y\n",
            "dependencies:\n- a\n- pip\n- pip:\n  - x\n  - new==1\n- pip:\n  - y\n",
        ),
    ],
)
def test_a_pip_requirement_brings_the_section_and_the_pip_that_it_needs(
    text: str, expected: str
) -> None:
    assert added(text, pip=("new==1",)) == expected


@pytest.mark.parametrize(
    ("text", "spec", "expected"),
    [
        ("dependencies:\n- a=1 # x\n- b\n", "A=2", "dependencies:\n- A=2 # x\n- b\n"),
        ("dependencies: ['a=1', b]\n", "a>=2,<3", "dependencies: ['a>=2,<3', b]\n"),
        ("dependencies:\n- c::a=1\n", "a=2", "dependencies:\n- a=2\n"),
        ("dependencies:\n- a=1\n- b\n- a\n", "a=2", "dependencies:\n- a=2\n- b\n"),
        ("dependencies:\n- a=1\n", "a", "dependencies:\n- a=1\n"),
        ("dependencies:\n- a=1\n", "a=1", "dependencies:\n- a=1\n"),
    ],
)
def test_a_package_that_is_there_is_replaced_unless_a_bare_name_asks(
    text: str, spec: str, expected: str
) -> None:
    assert added(text, spec) == expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("Foo_Bar[x]==1", "foo-bar==2", "foo-bar==2"),
        ("foo.bar>=1", "Foo-Bar", "foo.bar>=1"),
        ("'foo-bar @ https://e.org/f.zip'", "foo-bar==2", "'foo-bar==2'"),
    ],
)
def test_pip_names_are_compared_as_pip_compares_them(old: str, new: str, expected: str) -> None:
    text = "dependencies:\n- pip\n- pip:\n  - {}\n"

    assert added(text.format(old), pip=(new,)) == text.format(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dependencies:\n- a\n- b # x\n# c\n- d\n", "dependencies:\n- a\n# c\n- d\n"),
        ("dependencies:\n- a\n- b", "dependencies:\n- a"),
        ("dependencies:\n- long >=1,\n  <2\n- b\n", "dependencies:\n- long >=1,\n  <2\n"),
        ("dependencies: # why\n# c\n- b\nname: x\n", "dependencies: [] # why\n# c\nname: x\n"),
        ("dependencies: [ b ]\n", "dependencies: []\n"),
        ("dependencies: [a,  b, d]\n", "dependencies: [a,  d]\n"),
        ("dependencies: [a,  b]\n", "dependencies: [a]\n"),
        ("dependencies:\n- b=1\n- a\n- B=2\n", "dependencies:\n- a\n"),
    ],
)
def test_a_package_goes_with_its_line_and_nothing_else(text: str, expected: str) -> None:
    assert removed(text, "b") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dependencies:\n- pip\n- pip:\n  - b==1\n", "dependencies:\n- pip\n"),
        ("dependencies: [pip, {pip: [b, B]}]\n", "dependencies: [pip]\n"),
        (
            "dependencies:\n- pip:\n  - b\n- pip:\n  - c\n  - b\n",
            "dependencies:\n- pip:\n  - c\n",
        ),
    ],
)
def test_a_pip_section_of_which_nothing_is_left_goes_too(text: str, expected: str) -> None:
    assert removed(text, pip=("b",)) == expected


def test_changes_are_told_in_their_order() -> None:
    conda = CondaText("dependencies: [a=1]", "c.yml")

    conda.add_match_spec("a=2")
    conda.add_match_spec("b")
    conda.add_match_spec("b")
    conda.remove(conda.match_specs[:1])

    assert conda.changes == [
        Change(action="replaced", before="a=1", after="a=2"),
        Change(action="added", after="b"),
        Change(action="kept", before="b", after="b"),
        Change(action="removed", before="a=2"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "`c.yml`: a mapping with `dependencies` should be here"),
        ("- a\n", "`c.yml`:1: a mapping with `dependencies` should be here"),
        ("name: x\nimage: y\n", "`c.yml`:1: this is no conda environment file"),
        ("name: x\ndependencies: a\n", "`c.yml`:2: dependencies: a list should be here"),
        (
            "x: &x [a]\ndependencies: *x\n",
            (
                "`c.yml`: dependencies: this cannot be edited in place: "
                "there is no list here, or one that stands elsewhere"
            ),
        ),
    ],
)
def test_a_file_of_another_form_is_refused(text: str, message: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        added(text, "new")

    assert caught.value.message == message


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (b"", "utf-8"),
        (b"\xef\xbb\xbf", "utf-8"),
        (b"\xff\xfe", "utf-16-le"),
        (b"\xfe\xff", "utf-16-be"),
        (b"", "utf-16-le"),
    ],
)
def test_a_file_keeps_its_encoding_and_its_mode(tmp_path: Any, mark: bytes, encoding: str) -> None:
    path = tmp_path / "c.yml"
    path.write_bytes(mark + "name: é\r\n".encode(encoding))
    path.chmod(0o640)

    assert open_editable(path).write("name: ü\r\n")

    assert path.read_bytes() == mark + "name: ü\r\n".encode(encoding)
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_symbolic_link_stays_one(tmp_path: Any) -> None:
    (tmp_path / "real.yml").write_text("name: a\n")
    link = tmp_path / "c.yml"
    link.symlink_to("real.yml")

    assert open_editable(link).write("name: b\n")

    assert link.is_symlink()
    assert (tmp_path / "real.yml").read_text() == "name: b\n"


def test_a_file_in_which_nothing_changes_is_left_alone(tmp_path: Any) -> None:
    path = tmp_path / "c.yml"
    path.write_text("name: a\n")
    source, before = open_editable(path), path.stat()

    assert source.write("name: a\n") is False
    assert path.stat() == before


def test_a_file_that_changed_meanwhile_is_not_overwritten(tmp_path: Any) -> None:
    path = tmp_path / "c.yml"
    path.write_text("name: a\n")
    source = open_editable(path)
    write_atomically(path, b"name: z\n")

    with pytest.raises(DefinitionError, match="has changed meanwhile"):
        source.write("name: b\n")

    assert path.read_text() == "name: z\n"


def test_a_file_that_changed_while_it_was_read_is_not_written(tmp_path: Any) -> None:
    source = EditableFile(path=tmp_path / "c.yml", text="name: a\n", content=b"name: z\n")

    with pytest.raises(DefinitionError, match="has changed meanwhile"):
        source.write("name: b\n")


@st.composite
def conda_files(draw: st.DrawFn) -> str:
    """Draw a conda file with a `pip`, in one of the many styles that people have."""
    end = draw(st.sampled_from(["\n", "\r\n"]))
    indent = " " * draw(st.integers(0, 4))
    gap = " " * draw(st.integers(1, 3))
    quote = draw(st.sampled_from(["", "'", '"']))
    comments = st.sampled_from(["", "  # why - not", " #"])
    between = st.sampled_from([[], [""], ["# about the next"], ["", "    # - old=1"]])
    names = st.lists(st.sampled_from(["python=3.10", "numpy>=1,<2", "c::d", "e f"]), max_size=4)
    lines = ["dependencies:" + draw(comments)]
    for name in [*draw(names), "pip"]:
        lines += [f"{indent}-{gap}{quote}{name}{quote}{draw(comments)}", *draw(between)]
    if draw(st.booleans()):
        lines.append(f"{indent}-{gap}pip:{draw(comments)}")
        inner = f"{indent} {gap}{' ' * draw(st.sampled_from([0, 2, 4]))}-{gap}"
        for name in draw(st.lists(st.sampled_from(["x==1", "y[z]", "-e ."]), min_size=1)):
            lines += [f"{inner}{quote}{name}{quote}{draw(comments)}", *draw(between)]
    rest = draw(st.sampled_from([[], ["channels: [a]"], ["# end"], ["", "name: x"]]))
    return end.join([*lines, *rest]) + draw(st.sampled_from(["", end, end + end]))


@settings(max_examples=40)
@given(conda_files(), st.sampled_from(["new", "new=1.0", "new >=1,<2", "c::new[build=a]"]))
def test_adding_a_package_and_removing_it_gives_the_same_bytes(text: str, spec: str) -> None:
    assert removed(added(text, spec), "new") == text


@pytest.mark.slow
@given(
    conda_files(), st.sampled_from(["new", "new==1.0", "new[a,b]>=1,<2", "new @ https://e.org/"])
)
def test_so_does_a_pip_requirement_where_pip_is_asked_for(text: str, requirement: str) -> None:
    assert removed(added(text, pip=(requirement,)), pip=("new",)) == text


@pytest.mark.slow
@settings(max_examples=40)
@given(st.lists(st.sampled_from(["a", "b=1", "c >=1,<2"])), st.integers(0, 4) | st.none())
def test_so_does_a_package_in_json(specs: list[str], indent: int | None) -> None:
    text = json.dumps({"dependencies": [*specs, "pip", {"pip": ["x"]}]}, indent=indent)

    assert removed(added(text, "new=1"), "new") == text
    assert removed(added(text, pip=("new==1",)), pip=("new",)) == text


@pytest.mark.slow
@pytest.mark.skipif(not CORPUS.is_dir(), reason="no corpus here")
def test_so_do_both_in_every_real_conda_file() -> None:
    for path in sorted(CORPUS.iterdir()):
        text = path.read_bytes().decode()
        if "pip" in {item.name for item in CondaText(text, path.name).match_specs}:
            assert removed(added(text, pip=("zz==1",)), pip=("zz",)) == text, path.name
        assert removed(added(text, "zz=1"), "zz") == text, path.name
