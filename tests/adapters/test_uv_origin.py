from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

import pytest

from envsync.adapters.uv.origin import PipOrigin, spell_for_uv
from envsync.model.repository import Repository

if TYPE_CHECKING:
    from pathlib import Path


def test_options_for_pip_become_variables_for_uv() -> None:
    lines = (
        "--index-url https://a/simple",
        "--extra-index-url=https://u:p@b/simple",
        "--extra-index-url https://c/simple",
        "-f ./wheels",
        "--find-links https://d/",
        "--trusted-host e",
        "--no-index",
        "--pre",
        "six",
    )

    assert PipOrigin(lines=lines).list_index_settings() == {
        "UV_DEFAULT_INDEX": "https://a/simple",
        "UV_EXTRA_INDEX_URL": "https://u:p@b/simple https://c/simple",
        "UV_FIND_LINKS": "./wheels,https://d/",
        "UV_INSECURE_HOST": "e",
        "UV_NO_INDEX": "1",
    }


def test_source_code_is_built_with_what_there_was_at_the_cut_off() -> None:
    cut_off = datetime(2021, 1, 1, tzinfo=timezone.utc)

    assert PipOrigin(cut_off=cut_off).list_index_settings() == {
        "UV_EXCLUDE_NEWER": "2021-01-01T00:00:00Z"
    }


def test_a_locked_address_is_asked_for_as_the_definition_spells_it(tmp_path: Path) -> None:
    asked = "https://u:p@h/six-1.0-py3-none-any.whl?sig=1#sha256=2"
    origin = PipOrigin(directory=tmp_path, lines=(f"six @ {asked} ; os_name == 'posix'",))

    assert origin.resolve("https://h/six-1.0-py3-none-any.whl") == asked.partition("#")[0]
    assert origin.resolve("https://h/other.whl") == "https://h/other.whl"
    assert origin.resolve("file:my%20wheels/x.whl") == (tmp_path / "my wheels/x.whl").as_uri()


def test_repositories_are_found_with_their_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "secret")
    lines = ("a @ git+https://${TOKEN}@h/a.git@v1", "git+ssh://git@h/b.git", "six")
    origin = PipOrigin(lines=lines)

    assert origin.list_repositories() == (
        Repository(url="https://h/a.git", revision="v1"),
        Repository(url="ssh://git@h/b.git"),
    )
    assert origin.list_git_credentials() == {"https://h/a.git": "secret"}


@pytest.mark.parametrize(
    ("line", "stripped"),
    [
        ("a @ git+https://u:p@h/a.git@v1", "a @ git+https://h/a.git@v1"),
        ("git+ssh://git@h/a.git@v1", "git+ssh://git@h/a.git@v1"),
        ("a @ git+https://h/a.git?token=p@v1#egg=a", "a @ git+https://h/a.git@v1#egg=a"),
        ("a @ https://u:p@h/a.whl", "a @ https://u:p@h/a.whl"),
        ("six==1.0", "six==1.0"),
        ("https://h/a.whl#sha256=00", "https://h/a.whl"),
        (
            "a @ https://h/a.zip#md5=0&subdirectory=x ; os_name",
            "a @ https://h/a.zip#subdirectory=x ; os_name",
        ),
        ("git+https://h/a.git#egg=a&subdirectory=b", "git+https://h/a.git#egg=a&subdirectory=b"),
        ("six # sha256=0", "six # sha256=0"),
    ],
)
def test_uv_sees_no_credentials_of_a_repository_and_no_hashes(line: str, stripped: str) -> None:
    assert spell_for_uv(line) == stripped


@pytest.mark.parametrize("secret", [";token=FAKE", "%3Fsig%3DFAKE", "&token=FAKE"])
def test_git_is_started_with_no_secret_of_an_address(secret: str) -> None:
    line = f"a @ git+https://h/a.git{secret}#subdirectory=b"

    assert spell_for_uv(line) == "a @ git+https://h/a.git#subdirectory=b"
    assert "FAKE" not in str(PipOrigin(lines=(line,)).list_repositories())


@pytest.mark.parametrize(
    ("lines", "url", "index"),
    [
        ((), "https://files.pythonhosted.org/packages/aa/six.whl", "https://pypi.org/simple"),
        ((), "https://h/six.whl", None),
        ((), "file:///wheels/six.whl", None),
        (("-i https://u:p@h/a/simple",), "https://h/files/six.whl", "https://h/a/simple"),
        (("-i https://h/a", "--extra-index-url https://h/b"), "https://h/files/six.whl", None),
        (("--extra-index-url https://h:1/b",), "https://h:1/six.whl", "https://h:1/b"),
        (("--no-index",), "https://files.pythonhosted.org/packages/aa/six.whl", None),
    ],
)
def test_an_archive_is_of_the_one_index_on_its_host(
    lines: tuple[str, ...], url: str, index: str | None
) -> None:
    assert PipOrigin(lines=lines).find_index(url) == index
