from support.fakes import conda_package, pip_package

from envsync.model.lockfile import Lockfile


def test_a_package_is_called_by_its_name_and_version() -> None:
    assert str(conda_package("numpy", "1.24", build="py311_0")) == "numpy 1.24"


def test_packages_of_a_subdir_keep_their_order() -> None:
    packages = (conda_package("b"), conda_package("a", subdir="osx-64"), pip_package("a"))
    lockfile = Lockfile(
        subdirs=("linux-64", "osx-64"),
        channels=(),
        sources=(),
        content_hash=(),
        packages=packages,
    )

    assert lockfile.packages_for("linux-64") == (packages[0], packages[2])
    assert lockfile.packages_for("osx-64") == (packages[1],)
    assert lockfile.packages_for("win-64") == ()
