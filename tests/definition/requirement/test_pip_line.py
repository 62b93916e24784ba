from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import InvalidRequirement, Requirement

from envsync.definition.requirement.pip_line import (
    PipLineError,
    check_pip_requirement,
    is_direct,
    parse_pip_option,
    strip_comment,
)

WRITE = "write `name`, `name==1.2` or `name @ https://…`"


@pytest.mark.parametrize(
    "line",
    [
        "flask",
        "flask==2.0.3",
        "azureml-dataset-runtime[fuse,pandas]",
        "mlflow== 1.26.1",
        "certifi >= 2023.07.22",
        "a~=1.42.0,!=1.43",
        "pytest==5.4.*",
        "a==1.24.0.post1",
        "a==0.1.0a11",
        "torch==1.7.1+cpu",
        "a===weird",
        "uvicorn[standard]>=0.1 ; python_version < '3.9'",
        "name @ https://example.org/a.tar.gz",
        "flask==2.0.3 --hash=sha256:abc",
        "https://example.org/a-1.0-py3-none-any.whl?sv=1&sig=x",
        "git+https://example.org/a.git@v1#subdirectory=b",
        "git+ssh://git@example.org/a.git",
        "a @ https://example.org/a.zip#egg=a&subdirectory=b/c%20d/ ; python_version > '3'",
        "./local",
        "../up",
        "/abs",
        ".",
        "..",
        "wheels/a-1.0-py3-none-any.whl",
        "file:///a/b.zip",
    ],
)
def test_requirement_is_taken(line: str) -> None:
    check_pip_requirement(line)


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        (
            "scikit-learn=>1.4",
            "`scikit-learn=>1.4` is not a pip requirement",
            "did you mean `scikit-learn>=1.4`?",
        ),
        ("numpy=1.2", "`numpy=1.2` is not a pip requirement", "did you mean `numpy==1.2`?"),
        ("numpy 1.2", "`numpy 1.2` is not a pip requirement", "did you mean `numpy==1.2`?"),
        (
            "!pip install numpy",
            "`!pip install numpy` is not a pip requirement",
            "did you mean `numpy`?",
        ),
        ("numpy=<2", "`numpy=<2` is not a pip requirement", "did you mean `numpy<=2`?"),
        ("numpy>=", "`numpy>=` is not a pip requirement", "did you mean `numpy`?"),
        ("a=={{latest}}", "`a=={{latest}}` is a template", "fill in its value"),
        ("a==${V}", "`a==${V}` is a template", "fill in its value"),
        (
            "conda-forge::numpy",
            "`conda-forge::numpy` is not a pip requirement",
            "a conda package stands outside `pip:`",
        ),
        ("two words", "`two words` is not a pip requirement", WRITE),
        ("a==1.*.2", "`a==1.*.2` is not a pip requirement", WRITE),
        ("?", "`?` is not a pip requirement", WRITE),
        (
            "a @ http://[bad/x.whl",
            "`http://[bad/x.whl` is not an address: invalid ipv6 url",
            "write it as `https://HOST:PORT/PATH`",
        ),
    ],
)
def test_what_is_no_requirement_is_explained(line: str, message: str, hint: str | None) -> None:
    with pytest.raises(PipLineError) as caught:
        check_pip_requirement(line)
    assert (str(caught.value), caught.value.hint) == (message, hint)


@pytest.mark.parametrize(
    "subdirectory", ["..", "a/../../b", ".", "/etc", "%2e%2e/x", "..%2fx", "a%5C..", "-x"]
)
@pytest.mark.parametrize(
    "line",
    [
        "a @ git+https://example.org/a.git@v1#subdirectory={} ; python_version > '3'",
        "git+https://example.org/a.git#egg=a&subdirectory={}",
        "https://example.org/a-1.0.zip#subdirectory={}",
        "./a-1.0.zip#subdirectory={}",
        "-e git+https://example.org/a.git#egg=a&subdirectory={}",
    ],
)
def test_a_subdirectory_that_leads_out_is_refused(line: str, subdirectory: str) -> None:
    check = parse_pip_option if line.startswith("-") else check_pip_requirement

    with pytest.raises(PipLineError, match="has a `subdirectory` that leads out of") as caught:
        check(line.format(subdirectory))
    assert caught.value.hint == "name a folder in it, as in `#subdirectory=python/core`"


@pytest.mark.parametrize("filler", ["a", "a-", "[a,", "==1,", " ", ";", "a==1.", "#a"])
def test_long_line_is_refused_at_once(filler: str) -> None:
    start = time.perf_counter()
    with pytest.raises(PipLineError, match="is too long"):
        check_pip_requirement("a" + filler * 20_000 + "!")
    for _ in range(3):
        with pytest.raises(PipLineError):
            check_pip_requirement(("a" + filler * 2_000)[:9_000] + "!")
    assert time.perf_counter() - start < 1


@given(
    st.from_regex(
        r"[ab][ab._-]{0,3}(\[[ab,-]{0,4}\])?[ =<>!~0-9.*,abrcpostdev+;]{0,12}", fullmatch=True
    )
)
def test_what_is_taken_is_what_packaging_takes(line: str) -> None:
    try:
        Requirement(line.strip())
    except InvalidRequirement:
        if not is_direct(line.strip()):
            with pytest.raises(PipLineError):
                check_pip_requirement(line.strip())
    else:
        check_pip_requirement(line.strip())


@pytest.mark.parametrize(
    ("line", "option"),
    [
        ("--extra-index-url https://x", ("--extra-index-url", "https://x")),
        ("--extra-index-url=https://x", ("--extra-index-url", "https://x")),
        ("-i https://x", ("--index-url", "https://x")),
        ("-rrequirements.txt", ("--requirement", "requirements.txt")),
        ("-r ../a b.txt", ("--requirement", "../a b.txt")),
        ("-e .", ("--editable", ".")),
        ("-c https://x/c.txt", ("--constraint", "https://x/c.txt")),
        ("-f https://x", ("--find-links", "https://x")),
        ("--trusted-host x", ("--trusted-host", "x")),
        ("--no-binary :all:", ("--no-binary", ":all:")),
        ("--only-binary=numpy", ("--only-binary", "numpy")),
        ("--use-feature fast-deps", ("--use-feature", "fast-deps")),
        ("--no-index", ("--no-index", "")),
        ("--pre", ("--pre", "")),
        ("--prefer-binary", ("--prefer-binary", "")),
        ("--require-hashes", ("--require-hashes", "")),
    ],
)
def test_option_is_taken_in_each_spelling(line: str, option: tuple[str, str]) -> None:
    assert parse_pip_option(line) == option


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        (
            "--extra-index https://x",
            "`--extra-index` is not an option that a pip section can hold",
            "did you mean `--extra-index-url`?",
        ),
        ("--user", "`--user` is not an option that a pip section can hold", None),
        ("-x", "`-x` is not an option that a pip section can hold", None),
        ("-", "`-` is not an option that a pip section can hold", None),
        ("--index-url=", "`--index-url` lacks its value", None),
        ("-r", "`-r` lacks its value", None),
        ("--pre yes", "`--pre` takes no value", None),
    ],
)
def test_wrong_option_is_explained(line: str, message: str, hint: str | None) -> None:
    with pytest.raises(PipLineError) as caught:
        parse_pip_option(line)
    assert (str(caught.value), caught.value.hint) == (message, hint)


@pytest.mark.parametrize(
    ("line", "rest"),
    [
        ("flask  # why", "flask"),
        ("# all of it", ""),
        ("git+https://x#subdirectory=a", "git+https://x#subdirectory=a"),
        ("", ""),
    ],
)
def test_comments_go_as_pip_lets_them_go(line: str, rest: str) -> None:
    assert strip_comment(line) == rest
