from dataclasses import replace

from support.fakes import conda_package, pip_package

from envsync.lock.consistency import drop_unsound, find_inconsistencies
from envsync.model.lockfile import LockedPackage, Lockfile

NEEDS_B = (("__glibc", ">=2.17"), ("b", ">=1"))


def lock_of(*packages: LockedPackage) -> Lockfile:
    return Lockfile(
        subdirs=("linux-64",), channels=(), sources=(), content_hash=(), packages=packages
    )


def test_a_lock_whose_packages_need_each_other_is_sound() -> None:
    a = conda_package("a", dependencies=NEEDS_B)
    b = conda_package("b", dependencies=(("a", ""),))

    assert find_inconsistencies(lock_of(a, b, pip_package("c"))) == ()


def test_what_is_needed_and_not_there_is_told() -> None:
    found = find_inconsistencies(lock_of(conda_package("a", dependencies=NEEDS_B)))

    assert found == ("`linux-64` lacks `b`, which `a` needs",)


def test_a_pip_package_without_one_that_it_needs_is_told_in_locks_of_our_own() -> None:
    needs = (("six", "*"), ("pytorch", ">=2"))
    lockfile = lock_of(conda_package("pytorch"), pip_package("c", dependencies=needs))
    own = replace(lockfile, custom_metadata=(("envsync.pip-requirements", "[]"),))

    assert find_inconsistencies(lockfile) == ()
    assert find_inconsistencies(own) == ("`linux-64` lacks `six`, which `c` needs",)


def test_two_packages_of_one_name_are_told() -> None:
    found = find_inconsistencies(lock_of(conda_package("a"), conda_package("a", "2.0")))

    assert found == ("`linux-64` has the conda package `a` 2 times",)


def test_an_archive_of_something_else_is_told() -> None:
    moved = replace(conda_package("a"), version="2.0")

    assert find_inconsistencies(lock_of(moved)) == (
        f"`{moved.url}` is not an archive of `a 2.0`, as the entry says",
    )


def test_what_is_not_what_its_entry_says_is_dropped() -> None:
    good, wheel = conda_package("good"), pip_package("wheel")
    moved = replace(conda_package("a"), version="2.0")
    twice = (conda_package("b"), conda_package("b", "2.0"))

    kept = drop_unsound(lock_of(good, moved, *twice, wheel))

    assert kept.packages == (good, wheel)
