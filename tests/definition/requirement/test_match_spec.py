from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envsync.definition.requirement.match_spec import (
    MatchSpec,
    MatchSpecError,
    parse_match_spec,
    spell_for_solver,
)


@pytest.mark.parametrize(
    ("text", "name", "version", "build", "channel"),
    [
        ("numpy", "numpy", None, None, None),
        ("PyJWT < 2.0.0", "pyjwt", "< 2.0.0", None, None),
        ("_libgcc_mutex=0.1=main", "_libgcc_mutex", "=0.1", "main", None),
        ("python=3.7.*", "python", "=3.7.*", None, None),
        ("python= 3.9", "python", "= 3.9", None, None),
        ("python 3.8.13", "python", "3.8.13", None, None),
        ("python =3.9", "python", "=3.9", None, None),
        ("python~=3.8", "python", "~=3.8", None, None),
        ("python >=3.8 , <3.11", "python", ">=3.8 , <3.11", None, None),
        ("x264=1!157.20191217=h7b6447c_0", "x264", "=1!157.20191217", "h7b6447c_0", None),
        ("matplotlib 3 py38", "matplotlib", "3", "py38", None),
        ("pillow 8.0.0 py38h9776b28_0", "pillow", "8.0.0", "py38h9776b28_0", None),
        ("blas=*=openblas", "blas", "=*", "openblas", None),
        ("a==1.0|>=2,<3", "a", "==1.0|>=2,<3", None, None),
        ("openssl=dev", "openssl", "=dev", None, None),
        ("conda-forge::jq", "jq", None, None, "conda-forge"),
        (
            "conda-forge/linux-64::libblas=3.9.0=8_ob",
            "libblas",
            "=3.9.0",
            "8_ob",
            "conda-forge/linux-64",
        ),
        ("https://example.org/acme::a>1", "a", ">1", None, "https://example.org/acme"),
        ("7zip", "7zip", None, None, None),
        ("six = 1.16 = py_0", "six", "= 1.16", "py_0", None),
        ("six>=1.15,<2=py*", "six", ">=1.15,<2", "py*", None),
        ("six=1.16 # [linux]", "six", "=1.16", None, None),
    ],
)
def test_match_spec_is_taken_apart_as_conda_reads_it(
    text: str, name: str, version: str | None, build: str | None, channel: str | None
) -> None:
    assert parse_match_spec(text) == MatchSpec(
        name=name, version=version, build=build, channel=channel
    )


def test_brackets_are_read_as_pairs() -> None:
    spec = parse_match_spec("lightgbm[version='3.0.0|3.1.0', build=py38*]")
    assert spec.brackets == (("version", "3.0.0|3.1.0"), ("build", "py38*"))
    assert parse_match_spec("a=1[]") == MatchSpec(name="a", version="=1")


@pytest.mark.parametrize(
    "text",
    [
        *("a>=1!", "a>=1)", "a>*", "a!=*", "a=1.", "conda#forge::a", "a===1", "a=1!b2"),
        *("a~=1", "a~=1.2.*", "a=1.*.2", "a=*.2", "a=1=x|y", "a=1|2=py", "a[optional=1]"),
        *("a[name=a]", "a[md5=12]", "a[version=1,]"),
    ],
)
def test_what_solvers_refuse_or_misread_is_no_match_spec(text: str) -> None:
    with pytest.raises(MatchSpecError):
        parse_match_spec(text)


PIP = "write it under `- pip:`"
WRITE = "write `name`, `name=1.2`, `name>=1.2,<2` or `channel::name=1.2=build`"
NAME = "put one before it; between `[` and `]` quote an item that has a comma"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("", "the item is empty", "remove it"),
        ("-r requirements.txt", "`-r requirements.txt` is an option of pip", PIP),
        ("a[b]==4.6.0", "`a[b]==4.6.0` has extras, which conda does not know", PIP),
        ("a[verzion=1]", "`a[verzion=1]` is not a match spec", WRITE),
        ("a; python_version<'3'", "`a; python_version<'3'` is a pip requirement", PIP),
        ("a @ b", "`a @ b` is a pip requirement", PIP),
        ("a={{ version }}", "`a={{ version }}` is a template", "fill in its value"),
        (
            "https://u:FAKE@example.org/a-1-0.conda",
            "`https://***@example.org/a-1-0.conda` is an address",
            "write `channel::name=version`, or put a Python package under `- pip:`",
        ),
        ("numpy=>1.4", "`numpy=>1.4` is not a match spec", "did you mean `numpy>=1.4`?"),
        ("numpy==", "`numpy==` is not a match spec", "did you mean `numpy`?"),
        ("numpy>=1,", "`numpy>=1,` is not a match spec", "did you mean `numpy>=1`?"),
        ("numpy>=1 and more", "`numpy>=1 and more` is not a match spec", WRITE),
        ("numpy and more", "`numpy and more` is not a match spec", WRITE),
        ("numpy=1=py=0", "`numpy=1=py=0` is not a match spec", WRITE),
        ("numpy=1=py/0", "`numpy=1=py/0` is not a match spec", WRITE),
        ("<2", "`<2` has no name", NAME),
        ("==", "`==` has no name", NAME),
        ("a~=1.2.*", "`a~=1.2.*` is not a match spec", "did you mean `a=1.2.*`?"),
        ("acme:a", "`acme:a` is not a match spec", "did you mean `acme::a`?"),
        ("a='1.2'", "`a='1.2'` is not a match spec", "did you mean `a=1.2`?"),
        ("a[md5=12]", "`a[md5=12]` has no md5", "it is 32 digits of 0 to 9 and a to f"),
        (
            "https://conda.anaconda.org/acme/noarch/a-b-1-py_0.conda",
            "`https://conda.anaconda.org/acme/noarch/a-b-1-py_0.conda` is an address",
            "did you mean `acme::a-b=1=py_0`?",
        ),
        ("num*py", "`num*py` is not a match spec", WRITE),
        ("%=", "`%=` is not a match spec", WRITE),
    ],
)
def test_what_is_no_match_spec_is_explained(text: str, message: str, hint: str | None) -> None:
    with pytest.raises(MatchSpecError) as caught:
        parse_match_spec(text)
    assert (str(caught.value), caught.value.hint) == (message, hint)


@pytest.mark.parametrize(
    ("text", "spelt"),
    [
        ("numpy>=1.2, <2", "numpy>=1.2, <2"),
        ("python=3.7.*", "python=3.7.*"),
        ("six = 1.16 = py_0", "six 1.16 py_0"),
        ("six=1.16.* =py*", "six 1.16.* py*"),
        ("acme::six==1.16=py_0[subdir=noarch]", 'acme::six ==1.16 py_0[subdir="noarch"]'),
        ("six >= 1.15, <2 = py*", "six >=1.15,<2 py*"),
        ("six>1.15.*,<2", "six >1.15,<2"),
        ("six # [linux]", "six"),
    ],
)
def test_a_solver_gets_a_spelling_that_it_does_not_misread(text: str, spelt: str) -> None:
    assert spell_for_solver(text) == spelt


@pytest.mark.parametrize("filler", [" ", "=", "[", "a,", "a=1,", "<", "::", "(", "a[b=c,"])
def test_long_text_is_refused_at_once(filler: str) -> None:
    start = time.perf_counter()
    with pytest.raises(MatchSpecError):
        parse_match_spec("numpy" + filler * 100_000 + "!")
    assert time.perf_counter() - start < 0.5


@given(st.text(alphabet="anum1.*=<>!~,| []'\":-_/#@;{", max_size=30))
def test_any_text_is_a_match_spec_or_explained(text: str) -> None:
    try:
        said = parse_match_spec(text).name
        assert parse_match_spec(spell_for_solver(text)).name == said
    except MatchSpecError as error:
        said = str(error)
    assert said
