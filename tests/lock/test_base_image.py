from __future__ import annotations

from pathlib import Path

import pytest

from envsync.lock.base_image import LockedBase, dump_base, find_base, parse_base
from envsync.model.environment import BuildContext, EnvironmentSpec, ImageRegistry

DIGEST, OTHER = f"sha256:{1:064}", f"sha256:{2:064}"


def make_spec(image: str | None = None, **more: object) -> EnvironmentSpec:
    return EnvironmentSpec(
        name="x",
        directory=Path(),
        files=(),
        base_image=image,
        **more,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("text", "base"),
    [
        ("", LockedBase(name="")),
        ("a/b:1", LockedBase(name="a/b:1")),
        (f"a/b:1@{DIGEST}", LockedBase(name="a/b:1", digest=DIGEST)),
        (f"host:5000/a/b@{DIGEST}", LockedBase(name="host:5000/a/b", digest=DIGEST)),
    ],
)
def test_what_a_lock_says_is_read_as_it_was_written(text: str, base: LockedBase) -> None:
    assert parse_base([("envsync.base-image", text)]) == base
    assert dump_base(base) == ("envsync.base-image", text)


def test_a_digest_moves_and_the_name_stays() -> None:
    base = LockedBase(name="a/b:1", digest=DIGEST)

    assert base.with_digest(OTHER) == LockedBase(name="a/b:1", digest=OTHER)
    assert base.with_digest(None) == LockedBase(name="a/b:1")


def test_a_lock_may_say_nothing() -> None:
    assert parse_base([("envsync.match-specs", "[]")]) is None


def test_a_dockerfile_and_a_build_context_name_no_base_image() -> None:
    context = BuildContext(location_type="git", location="https://git.example/x")

    assert find_base(make_spec("a:1", base_dockerfile="FROM b:1")) == LockedBase(name="")
    assert find_base(make_spec("a:1", build_context=context)) == LockedBase(name="")
    assert find_base(make_spec()) == LockedBase(name="")


def test_the_registry_of_the_definition_is_part_of_the_name() -> None:
    spec = make_spec("team/a:1", registry=ImageRegistry(address="https://r.example/"))

    assert find_base(spec) == LockedBase(name="r.example/team/a:1")


@pytest.mark.parametrize(
    ("locked", "asked", "answers"),
    [
        (f"a:1@{DIGEST}", "a:1", True),
        (f"a:1@{DIGEST}", f"a:1@{DIGEST}", True),
        (f"a:1@{DIGEST}", f"a:1@{OTHER}", False),
        (f"a:1@{DIGEST}", "a:2", False),
        ("a:1", "a:1", True),
        ("a:1", f"a:1@{DIGEST}", False),
        ("", "a:1", False),
        ("", "", True),
    ],
)
def test_a_digest_answers_a_tag_and_no_other_digest(
    locked: str, asked: str, *, answers: bool
) -> None:
    before = parse_base([("envsync.base-image", locked)])

    assert before is not None
    assert before.answers(find_base(make_spec(asked))) is answers


@pytest.mark.parametrize(
    "image", ["u:hunter2@r.example/a:1", "https://u:hunter2@r.example/a", "r.example/a?sig=hunter2"]
)
def test_no_secret_in_a_name_gets_into_a_lock(image: str) -> None:
    assert "hunter2" not in str(find_base(make_spec(image)))
