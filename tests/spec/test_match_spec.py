from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envsync.spec.match_spec import MatchSpec, MatchSpecError, parse_match_spec


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
    "text", ["a>=1!", "a>=1)", "a>*", "a!=*", "a=1.", "conda#forge::a", "a===1", "a=1!b2"]
)
def test_what_solvers_refuse_or_misread_is_no_match_spec(text: str) -> None:
    with pytest.raises(MatchSpecError):
        parse_match_spec(text)


PIP = "write it under `- pip:`"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("", "the item is empty", "remove it"),
        ("-r requirements.txt", "`-r requirements.txt` is an option of pip", PIP),
        ("a[b]==4.6.0", "`a[b]==4.6.0` has extras, which conda does not know", PIP),
        ("a[verzion=1]", "`a[verzion=1]` is not a match spec", None),
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
        ("numpy>=1 and more", "`numpy>=1 and more` is not a match spec", None),
        ("numpy and more", "`numpy and more` is not a match spec", None),
        ("numpy=1=py=0", "`numpy=1=py=0` is not a match spec", None),
        ("numpy=1=py/0", "`numpy=1=py/0` is not a match spec", None),
        ("=1.2", "`=1.2` is not a match spec", None),
        ("==", "`==` is not a match spec", None),
        ("num*py", "`num*py` is not a match spec", None),
        ("%=", "`%=` is not a match spec", None),
    ],
)
def test_what_is_no_match_spec_is_explained(text: str, message: str, hint: str | None) -> None:
    with pytest.raises(MatchSpecError) as caught:
        parse_match_spec(text)
    assert (str(caught.value), caught.value.hint) == (message, hint)


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
    except MatchSpecError as error:
        said = str(error)
    assert said
