from dataclasses import replace

import pytest
from support.fakes import conda_package, pip_package

from envsync.lock.entry_faults import find_archive_fault, find_faults, has_secret
from envsync.model.lockfile import LockedPackage

HOST = "https://conda.example.org/forge"


def url(path: str) -> dict[str, object]:
    return {"url": path}


@pytest.mark.parametrize(
    "package",
    [
        conda_package("a"),
        conda_package("_libgcc_mutex", "0.1"),
        conda_package("x264", "1!164", url=f"{HOST}/linux-64/x264-1%21164-0.tar.bz2"),
        conda_package("x264", "1!164", url=f"{HOST}/noarch/x264-1!164-h1_2.conda", build="h1_2"),
        conda_package("a", url="file:///c/linux-64/a-1.0-0.conda"),
        conda_package("a", url="https://$USER:${PASS}@h.example/t/$T/c/noarch/a-1.0-0.conda"),
        pip_package("ruamel.yaml", "0.1+local"),
        pip_package("a", url=f"git+ssh://git@h.example/a@{'0' * 40}#egg=a"),
        pip_package("a", url=f"git+https://h.example/a@{'0' * 40}"),
        pip_package("a", url="file:wheels/a-1.0-py3-none-any.whl"),
    ],
)
def test_what_channels_and_indexes_have_is_faultless(package: LockedPackage) -> None:
    assert list(find_faults(package)) == []


@pytest.mark.parametrize(
    "url",
    [
        "git+https://h.example/a@main",
        "git+https://h.example/a@0123456",
        "git+https://h.example/a",
    ],
)
def test_a_repository_without_a_full_commit_is_none_that_is_locked(url: str) -> None:
    assert list(find_faults(pip_package("a", url=url))) == [
        ("url", "names no full commit of its repository")
    ]


@pytest.mark.parametrize(
    "subdirectory",
    [
        "..",
        "../../private",
        "a/../../b",
        ".",
        "./a",
        "/etc",
        "%2e%2e/%2e%2e",
        "..%2f..",
        "%252e%252e",
        "a%5C..%5Cb",
        "-x",
        "--upload-pack=x",
        "a&subdirectory=../b",
        "a//b",
        "%00",
    ],
)
@pytest.mark.parametrize(
    "address", [f"git+https://h.example/a@{'0' * 40}", "https://h.example/a-1.0.tar.gz"]
)
def test_a_subdirectory_that_leads_elsewhere_is_a_fault(address: str, subdirectory: str) -> None:
    for before in ("", "egg=a&"):
        url = f"{address}#{before}subdirectory={subdirectory}"

        assert list(find_faults(pip_package("a", url=url))) == [
            ("url", "has a `subdirectory` that leads out of what lies there")
        ]


@pytest.mark.parametrize("subdirectory", ["", "py", "py/", "a/b-c", "a%20b", "..a/b..", "a/-b"])
def test_a_subdirectory_of_the_repository_is_faultless(subdirectory: str) -> None:
    url = f"git+https://h.example/a@{'0' * 40}#subdirectory={subdirectory}"

    assert list(find_faults(pip_package("a", url=url))) == []


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"name": "../evil"}, ("name", "is not the name of a package")),
        ({"name": "/etc"}, ("name", "is not the name of a package")),
        ({"name": ".."}, ("name", "is not the name of a package")),
        ({"name": ".hidden"}, ("name", "is not the name of a package")),
        ({"name": "a b"}, ("name", "is not the name of a package")),
        ({"name": "a\x1b[31m"}, ("name", "is not the name of a package")),
        ({"name": "a\nb"}, ("name", "is not the name of a package")),
        ({"name": "p\u0430th"}, ("name", "is not the name of a package")),
        ({"version": "1/2"}, ("version", "is not a version")),
        ({"version": "1 2"}, ("version", "is not a version")),
        ({"build": "a*"}, ("build", "is not a build string")),
        ({"build": "a" * 65}, ("build", "is not a build string")),
        ({"build": "../0"}, ("build", "is not a build string")),
        ({"subdir": "beos-64"}, ("platform", "is `beos-64`, which is no subdir of conda's")),
        ({"subdir": "noarch"}, ("platform", "is `noarch`, which is no subdir of conda's")),
        (url("/etc/linux-64/a-1.0-0.conda"), ("url", "is not the address of an archive, with")),
        (url("../linux-64/a-1.0-0.conda"), ("url", "is not the address of an archive, with")),
        (url("file:linux-64/a-1.0-0.conda"), ("url", "is not the address of an archive, with")),
        (url("ftp://h/linux-64/a-1.0-0.conda"), ("url", "is not the address of an archive")),
        (url(f"{HOST}/linux-64/a-1.0-0.conda "), ("url", "is not an address")),
        (url(f"{HOST}/linux-64/a-1.0-0.conda\x1b"), ("url", "is not an address")),
        (url("https://[::1/linux-64/a-1.0-0.conda"), ("url", "is not an address")),
        (url("https://h:x/linux-64/a-1.0-0.conda"), ("url", "is not an address")),
        (url("file://h/linux-64/a-1.0-0.conda"), ("url", "names a machine, and a")),
        (url("https://u:p@h/linux-64/a-1.0-0.conda"), ("url", "holds credentials")),
        (url("https://h/t/tk-1/c/linux-64/a-1.0-0.conda"), ("url", "holds credentials")),
        (url(f"{HOST}/../linux-64/a-1.0-0.conda"), ("url", "has `.` or `..` in its path")),
        (url(f"{HOST}/%2e%2e/linux-64/a-1.0-0.conda"), ("url", "has `.` or `..` in its path")),
        (url(f"{HOST}/%2e%2e%2flinux-64/a-1.0-0.conda"), ("url", "has `.` or `..` in its path")),
    ],
)
def test_what_leads_elsewhere_is_a_fault(
    changes: dict[str, object], fault: tuple[str, str]
) -> None:
    found = dict(find_faults(replace(conda_package("a"), **changes)))  # type: ignore[arg-type]

    assert fault[0] in found
    assert found[fault[0]].startswith(fault[1])


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("conda-forge", False),
        ("https://h.example/c", False),
        ("https://u@h.example/c", True),
        ("https://$U@h.example/c", False),
        ("https://%U%:%P%@h.example/c", False),
        ("https://$U:secret@h.example/c", True),
        ("https://h.example/t/abc/c", True),
        ("https://h.example/t/${T}/c", False),
        ("git+ssh://git@h.example/c", False),
        ("git+ssh://git:pw@h.example/c", True),
        ("https://h.example/c?download=1", False),
        ("https://h.example/c?sv=1&sig=secret", True),
        ("https://h.example/c?access_token=secret#0", True),
        ("https://h.example/c#token=secret", True),
        ("https://h.example/c%3Fsig=secret", True),
        ("https://h.example/c&token=secret", True),
        ("https://h.example/c?sig=$SIG", False),
        ("https://h.example/c#sha256=0&subdirectory=s", False),
        ("https://[", False),
    ],
)
def test_credentials_are_told_from_names_of_variables(address: str, expected: bool) -> None:  # noqa: FBT001
    assert has_secret(address) is expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("linux-64/a-1.0-0.conda", None),
        ("noarch/a-1.0-py_0.tar.bz2", None),
        ("linux-64/a-1.0-0.zip", "a conda package (`.conda` or `.tar.bz2`)"),
        ("linux-64/b-1.0-0.conda", "an archive of `a 1.0`"),
        ("linux-64/a-1.0.1-0.conda", "an archive of `a 1.0`"),
        ("osx-64/a-1.0-0.conda", "an archive for `linux-64`"),
    ],
)
def test_the_address_of_an_archive_says_what_it_is(name: str, expected: str | None) -> None:
    assert find_archive_fault(conda_package("a", url=f"{HOST}/{name}")) == expected
