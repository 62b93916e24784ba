from __future__ import annotations

from support.fakes import conda_package, pip_package

from envsync.package.owners import find_clobbers, find_crossing, find_overshadowed, rank_owner

A, B, C = (conda_package(name) for name in "abc")


def test_of_several_owners_pip_comes_first_and_then_the_last_name() -> None:
    assert max((A, C, B), key=rank_owner) == C
    assert max((A, pip_package("a"), C), key=rank_owner) == pip_package("a")


def test_paths_of_several_packages_are_found_with_these_in_order() -> None:
    claims = {B: ["/env/x", "/env/y"], A: ["/env/y", "/env/z"], C: ["/env/z", "/env/y"]}

    assert find_clobbers(claims) == {"/env/y": [B, A, C], "/env/z": [A, C]}


def test_packages_that_share_nothing_have_no_clobbers() -> None:
    assert find_clobbers({A: ["/env/x"], B: ["/env/X"], C: []}) == {}
    assert find_clobbers({}) == {}


def test_files_below_what_another_package_has_as_a_file_are_overshadowed() -> None:
    claims = {
        A: ["/env/lib64", "/env/lib/a", "/env/share/x"],
        B: ["/env/lib64/deep/b", "/env/lib64x", "/env/share/x/y/z"],
        C: ["/env/lib64/c", "/env/lib/c"],
    }

    assert find_overshadowed(claims) == {
        "/env/lib64/deep/b": B,
        "/env/share/x/y/z": B,
        "/env/lib64/c": C,
    }
    assert find_crossing(claims) == (A, B, C)


def test_folders_that_packages_share_are_no_matter() -> None:
    claims = {A: ["/env/lib/a"], B: ["/env/lib/b", "/env/lib/b.d/x"]}

    assert find_overshadowed(claims) == {}
    assert find_crossing(claims) == ()
