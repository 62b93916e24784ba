import pytest
from support.fakes import conda_package

from envsync.lock.graph import find_chain, name_of, walk_tree

PACKAGES = (
    conda_package("pandas", dependencies=(("numpy", ""), ("python", ""))),
    conda_package("numpy", dependencies=(("libblas", ""), ("python", ""))),
    conda_package("libblas", dependencies=(("__glibc", ">=2"),)),
    conda_package("python", dependencies=(("pip", ""),)),
    conda_package("pip", dependencies=(("python", ""),)),
)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("numpy=1.2", "numpy"),
        ("numpy 1.2", "numpy"),
        ("conda-forge::Ruamel_Yaml>=1", "ruamel-yaml"),
        ("uvicorn[standard]==1", "uvicorn"),
        ("a @ https://x.example/a.whl", "a"),
        ("python", "python"),
        ("./wheels/My_Thing-1.0-py3-none-any.whl[more]", "my-thing"),
        ("../thing-1.0.tar.gz", "thing"),
        ("https://x.example/a/six-1.17.0-py2.py3-none-any.whl#sha256=1", "six"),
        ("git+https://x.example/a/thing.git@v1", "thing"),
        ("git+https://x.example/a/thing@v1", "thing"),
        ("git+ssh://git@x.example/a/thing.git@v1#subdirectory=b&egg=Other", "other"),
    ],
)
def test_a_requirement_starts_with_a_name(text: str, name: str) -> None:
    assert name_of(text) == name


def test_the_shortest_chain_is_found() -> None:
    chain = find_chain(PACKAGES, ["pandas"], "LibBLAS")

    assert [package.name for package in chain] == ["pandas", "numpy", "libblas"]
    assert [package.name for package in find_chain(PACKAGES, ["pandas"], "python")] == [
        "pandas",
        "python",
    ]


def test_what_nothing_leads_to_has_no_chain() -> None:
    assert find_chain(PACKAGES, ["libblas"], "numpy") == ()
    assert find_chain(PACKAGES, ["nowhere"], "numpy") == ()


def test_a_tree_shows_each_package_once_in_full_even_in_a_cycle() -> None:
    rows = [
        (depth, package.name, is_repeat)
        for depth, package, is_repeat in walk_tree(PACKAGES, ["pandas", "nowhere", "pip"])
    ]

    assert rows == [
        (0, "pandas", False),
        (1, "numpy", False),
        (2, "libblas", False),
        (2, "python", False),
        (3, "pip", False),
        (4, "python", True),
        (1, "python", True),
        (0, "pip", True),
    ]
