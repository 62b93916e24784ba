import pytest
from support.fakes import conda_package, pip_package

from envsync.lock.consistency import find_inconsistencies
from envsync.lock.diff import diff_packages
from envsync.lock.reasons import add_reasons
from envsync.lock.requested import Requested
from envsync.model.lockfile import LockedPackage, Lockfile

NOTHING = Requested(channels=(), match_specs=(), pip=())


def is_newer(package: LockedPackage, other: LockedPackage) -> bool:
    return package.version > other.version


def satisfies(package: LockedPackage, requirement: str) -> bool:
    return package.version >= requirement.removeprefix(">=")


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        (None, conda_package("a"), "added"),
        (conda_package("a"), None, "removed"),
        (conda_package("a", "1.0"), conda_package("a", "2.0"), "up"),
        (conda_package("a", "2.0"), conda_package("a", "1.0"), "down"),
        (conda_package("a"), conda_package("a", build="1"), "rebuilt"),
        (conda_package("a"), conda_package("a", url="https://x.example/a.conda"), "moved"),
        (conda_package("a"), pip_package("A"), "moved"),
        (conda_package("a"), conda_package("a", sha256="2" * 64), "rehashed"),
        (conda_package("a"), conda_package("a", sha256=None), None),
        (conda_package("a"), conda_package("a"), None),
    ],
)
def test_each_way_to_change_has_its_word(
    before: LockedPackage | None, after: LockedPackage | None, kind: str | None
) -> None:
    changes = diff_packages([before] if before else [], [after] if after else [], is_newer=is_newer)

    assert [change.kind for change in changes] == ([kind] if kind else [])


def test_subdirs_are_compared_each_with_itself() -> None:
    (change,) = diff_packages(
        [conda_package("a"), conda_package("a", subdir="osx-64")],
        [conda_package("a"), conda_package("a", "2.0", subdir="osx-64")],
        is_newer=is_newer,
    )

    assert (change.subdir, change.kind) == ("osx-64", "up")


def reason_for(
    before: list[LockedPackage], after: list[LockedPackage], *, asks: tuple[str, ...] = ()
) -> dict[str, str]:
    changes = diff_packages(before, after, is_newer=is_newer)
    now = Requested(channels=(), match_specs=asks, pip=())
    done = add_reasons(changes, after, (NOTHING, now), satisfies=satisfies)
    return {change.name: change.reason for change in done}


def test_a_package_moves_because_another_needs_it() -> None:
    python = conda_package("python", "3.12", dependencies=(("openssl", ">=3.5"),))

    assert (
        reason_for([conda_package("openssl", "3.1")], [conda_package("openssl", "3.5"), python])[
            "openssl"
        ]
        == "python 3.12 needs `openssl >=3.5`"
    )


def test_a_package_that_all_its_users_would_have_kept_moves_for_no_reason() -> None:
    users = [
        conda_package("b", dependencies=(("a", ">=1"),)),
        conda_package("c", dependencies=(("a", ""),)),
    ]

    moved = reason_for([conda_package("a", "2"), *users], [conda_package("a", "3"), *users])

    assert moved == {"a": ""}


def test_a_package_moves_because_it_is_asked_for() -> None:
    before, after = [conda_package("a", "1")], [conda_package("a", "2")]

    assert reason_for(before, after, asks=("forge::a>=2",)) == {
        "a": "the definition asks for `forge::a>=2`"
    }
    assert reason_for(before, after) == {"a": ""}


def test_packages_come_and_go_with_their_users() -> None:
    user = conda_package("user", dependencies=(("helper", ""),))

    assert reason_for([], [user, conda_package("helper")], asks=("user",)) == {
        "helper": "user 1.0 needs it",
        "user": "the definition asks for `user`",
    }
    assert reason_for([conda_package("helper")], [])["helper"] == "nothing needs it any more"


def lockfile(*packages: LockedPackage) -> Lockfile:
    return Lockfile(
        subdirs=("linux-64",), channels=(), sources=(), content_hash=(), packages=packages
    )


def test_a_sound_lock_has_no_inconsistency() -> None:
    needy = conda_package("a", dependencies=(("__glibc", ">=2"), ("b", "")))

    assert find_inconsistencies(lockfile(needy, conda_package("b"), pip_package("b"))) == ()


def test_doubles_and_gaps_are_named() -> None:
    needy = conda_package("a", dependencies=(("b", ""),))

    assert find_inconsistencies(lockfile(needy, needy)) == (
        "`linux-64` has the conda package `a` 2 times",
        "`linux-64` lacks `b`, which `a` needs",
        "`linux-64` lacks `b`, which `a` needs",
    )
