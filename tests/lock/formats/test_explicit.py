import pytest
from support.fakes import conda_package, pip_package

from envsync.errors import DefinitionError
from envsync.lock.formats.explicit import dump_explicit, parse_explicit

URL = "https://conda.example.org/forge/linux-64"
DIGEST = "0" * 32


def test_conda_packages_are_addresses_with_hashes() -> None:
    modern = conda_package("b", md5=None)

    assert dump_explicit([conda_package("a"), modern, pip_package("c")], "linux-64") == (
        "# platform: linux-64\n"
        "@EXPLICIT\n"
        f"{URL}/a-1.0-0.conda#{'0' * 32}\n"
        f"{URL}/b-1.0-0.conda#sha256:{'1' * 64}\n"
    )


def test_what_is_written_is_read_back() -> None:
    packages = (conda_package("a-b", sha256=None), conda_package("c", md5=None))

    text = dump_explicit(packages, "linux-64")

    assert parse_explicit(text, file="x", subdir="osx-64") == packages


def test_an_epoch_in_the_address_is_decoded_in_the_version() -> None:
    text = f"@EXPLICIT\n{URL}/x264-1%21164.3095-h1_2.tar.bz2#{'a' * 32}\n"

    (package,) = parse_explicit(text, file="x", subdir="linux-64")

    assert (package.name, package.version, package.build) == ("x264", "1!164.3095", "h1_2")


@pytest.mark.parametrize(
    "line",
    ["numpy=1.24", f"{URL}/a-1.0-0.conda", f"{URL}/a.conda#{'0' * 32}", f"{URL}/a-1-0.conda#zz"],
)
def test_a_line_that_is_no_address_is_named(line: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        parse_explicit(f"@EXPLICIT\n{line}\n", file="x.txt", subdir="linux-64")

    assert caught.value.findings[0].text == (
        "`x.txt`:2: this is not the address of a conda package with its hash"
    )


def test_pip_packages_count_where_conda_lock_puts_them() -> None:
    wheel = "https://files.pythonhosted.org/packages/aa/python_dateutil-2.9.0-py3-none-any.whl"
    source = "https://files.pythonhosted.org/packages/aa/docopt-0.6.2.tar.gz"
    lines = [f"# pip python-dateutil @ {wheel}#sha256={'A' * 64}"]
    lines += [f"# pip docopt @ {source}#sha256={'b' * 64}", "# pip is not mentioned otherwise"]

    found = parse_explicit("\n".join(["@EXPLICIT", *lines]), file="x", subdir="linux-64")

    assert [(each.name, each.version, each.manager) for each in found] == [
        ("python-dateutil", "2.9.0", "pip"),
        ("docopt", "0.6.2", "pip"),
    ]
    assert found[0].sha256 == "a" * 64


@pytest.mark.parametrize(
    ("address", "message"),
    [
        (f"https://u:p@h.example/linux-64/a-1-0.conda#{DIGEST}", "the url holds credentials"),
        (f"{URL}/../a-1-0.conda#{DIGEST}", "the url has `.` or `..` in its path"),
        (f"/etc/linux-64/a-1-0.conda#{DIGEST}", "the url is not the address of an archive"),
    ],
)
def test_an_address_that_leads_elsewhere_is_refused(address: str, message: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        parse_explicit(f"@EXPLICIT\n{address}\n", file="x.txt", subdir="linux-64")

    assert caught.value.findings[0].text.startswith(f"`x.txt`:2: {message}")


def test_a_subdir_that_is_none_is_refused() -> None:
    text = f"# platform: beos-64\n@EXPLICIT\n{URL}/a-1.0-0.conda#{DIGEST}\n"

    with pytest.raises(DefinitionError, match="is `beos-64`, which is no subdir of conda's"):
        parse_explicit(text, file="x.txt", subdir="linux-64")


def test_a_line_that_is_there_twice_counts_once() -> None:
    line = f"{URL}/a-1.0-0.conda#{DIGEST}\n"

    assert len(parse_explicit(f"@EXPLICIT\n{line}{line}", file="x", subdir="linux-64")) == 1
