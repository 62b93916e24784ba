import pytest
from fakes import conda_package, pip_package

from envsync.errors import DefinitionError
from envsync.lock.explicit import dump_explicit, parse_explicit

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
