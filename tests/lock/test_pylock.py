from fakes import conda_package, pip_package

from envsync.lock.pylock import dump_pylock


def test_a_pylock_names_each_archive_and_its_hash() -> None:
    sdist = pip_package("sdist", url="https://index.example.org/sdist-1.0.tar.gz")

    assert dump_pylock([conda_package("python"), pip_package("six"), sdist]) == (
        'lock-version = "1.0"\n'
        'created-by = "envsync"\n'
        "\n"
        "[[packages]]\n"
        'name = "six"\n'
        'version = "1.0"\n'
        'wheels = [{ url = "https://index.example.org/six-1.0-py3-none-any.whl", '
        f'hashes = {{ sha256 = "{"2" * 64}" }} }}]\n'
        "\n"
        "[[packages]]\n"
        'name = "sdist"\n'
        'version = "1.0"\n'
        'sdist = { url = "https://index.example.org/sdist-1.0.tar.gz", '
        f'hashes = {{ sha256 = "{"2" * 64}" }} }}\n'
    )
