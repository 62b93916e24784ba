from __future__ import annotations

from typing import Any

import pytest

from envsync.adapters.uv.hashes import keep_stated, list_unheld, refuse_unstated
from envsync.definition.requirement.pip_requirement import parse_requirement
from envsync.errors import EnvsyncError
from envsync.model.lockfile import LockedPackage

ONE, TWO, THREE = ("1" * 64, "2" * 64, "3" * 64)


def six() -> dict[str, Any]:
    return {
        "name": "Six",
        "wheels": [{"hashes": {"sha256": ONE}}, {"hashes": {"sha256": TWO}}],
        "sdist": {"hashes": {"sha256": THREE}},
    }


def test_a_requirement_without_a_hash_allows_every_file() -> None:
    package = six()

    keep_stated([package], [parse_requirement("six==1.0")])

    assert package == six()


def test_only_files_with_a_stated_hash_are_left() -> None:
    package = six()

    keep_stated([package], [parse_requirement(f"six==1.0 --hash=sha256:{TWO} --hash=md5:0")])

    assert package == {"name": "Six", "wheels": [{"hashes": {"sha256": TWO}}]}


def test_what_others_need_has_to_be_asked_for_where_hashes_are_required() -> None:
    six, idna = (
        LockedPackage(
            name=name,
            version="1.0",
            manager="pip",
            subdir="linux-64",
            url=f"https://h/{name}-1.0-py3-none-any.whl",
            sha256=ONE,
        )
        for name in ("six", "idna")
    )
    asked = [parse_requirement(f"Six==1.0 --hash=sha256:{ONE}")]

    refuse_unstated([six], asked)
    with pytest.raises(EnvsyncError) as caught:
        refuse_unstated([six, idna], asked)

    assert caught.value.message.endswith("and `pip:` has no line for `idna`")
    assert caught.value.hint == f"add `idna==1.0 --hash=sha256:{ONE}`"


def test_the_hash_of_source_code_leaves_no_wheel() -> None:
    package = six()

    keep_stated([package], [parse_requirement(f"six==1.0 --hash=sha256:{THREE}")])

    assert package == {"name": "Six", "sdist": {"hashes": {"sha256": THREE}}}


@pytest.mark.parametrize(
    "line",
    [
        f"six==1.0 --hash=sha256:{'4' * 64}",
        f"https://h/six-1.0-py3-none-any.whl#sha256={'4' * 64}",
        f"six @ https://u:secret@h/six.whl#sha256={'4' * 64}",
    ],
)
def test_a_package_without_the_stated_hash_is_refused_with_both(line: str) -> None:
    with pytest.raises(EnvsyncError) as caught:
        keep_stated(
            [{"name": "six", "archive": {"hashes": {"sha256": ONE}}}], [parse_requirement(line)]
        )

    assert "states another sha256 than it has" in caught.value.message
    assert f"`{ONE}`" in caught.value.message
    assert "secret" not in caught.value.message


def test_an_address_without_a_name_is_known_by_itself() -> None:
    archive = {"url": "https://h/get/7", "hashes": {"sha256": ONE}}
    line = f"https://u:secret@h/get/7#sha256={'4' * 64}"

    with pytest.raises(EnvsyncError, match="states another sha256 than it has"):
        keep_stated([{"name": "six", "archive": archive}], [parse_requirement(line)])


@pytest.mark.parametrize(
    ("line", "kinds"),
    [
        ("six --hash=md5:00 --hash=sha256:00", []),
        ("six --hash=sha512:00", ["a sha512"]),
        ("six @ https://u:secret@h/six.zip#subdirectory=x&md5=00", ["a md5"]),
        ("six", []),
    ],
)
def test_hashes_that_no_lock_holds_are_told(line: str, kinds: list[str]) -> None:
    told = list(list_unheld([parse_requirement(line)]))

    assert [each.partition("states ")[2].partition(",")[0] for each in told] == kinds
    assert "secret" not in "".join(told)


def test_repositories_have_no_file_to_look_at() -> None:
    package = {"name": "six", "vcs": {"type": "git"}}

    keep_stated([package], [parse_requirement(f"six --hash=sha256:{ONE}")])

    assert package == {"name": "six", "vcs": {"type": "git"}}
