from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from envsync.definition.rules.secrets import check_secrets, find_secret, is_secret_name

if TYPE_CHECKING:
    from collections.abc import Callable

FILE = "conda_dependencies.yml"
JSON = "azureml_environment.json"
CLEAR = "a secret stands here in clear text"


@pytest.mark.parametrize(
    "name",
    [
        *("password", "authToken", "DB_PASSWORD", "API_KEY", "apiKey", "AZURE_CLIENT_SECRET"),
        *("storage-key", "AccountKey", "connectionString", "SAS", "HF_TOKEN", "MY_SAS_TOKEN_2"),
    ],
)
def test_name_of_a_secret_is_told(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *("TOKENIZERS_PARALLELISM", "MAX_TOKENS", "SECRET_NAME", "TOKEN_URL", "PASSWORD_FILE"),
        *("KEY", "SASS", "COMPASS", "passwordless", "AZUREML_MODEL_DIR", "api_key_id"),
    ],
)
def test_name_of_something_else_is_told(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("https://me:pass@e.org/", "the address holds a user name, password or token"),
        ("git+https://abcdef@e.org/x.git", "the address holds a user name, password or token"),
        ("https://${USER}:pat@e.org/", "the address holds a user name, password or token"),
        ("--index-url https://:pat@e.org/", "the address holds a user name, password or token"),
        ("https://conda.e.org/t/abc/main", "the address holds a channel token"),
        ("https://e.org/x?a=1&sig=abc%3D", "the address is signed"),
        ("AccountName=a;AccountKey=abc==;", "the connection string holds a key"),
        ("-----BEGIN RSA PRIVATE KEY-----", "this is a private key"),
        ("ghp_" + "a" * 36, "this has the form of an access token"),
        ("--env=DB_PASSWORD=abc", "`DB_PASSWORD` is given a secret in clear text"),
        ("API_TOKEN=abc", "`API_TOKEN` is given a secret in clear text"),
        ("FROM a\nENV API_TOKEN abc", "`API_TOKEN` is given a secret in clear text"),
        ("arg api_token='abc'", "`api_token` is given a secret in clear text"),
    ],
)
def test_secret_is_told_by_its_form(text: str, message: str) -> None:
    found = find_secret(text)

    assert found is not None
    assert found.startswith(message)
    assert "abc" not in found.replace("abcdef", "")


@pytest.mark.parametrize(
    "text",
    [
        *("https://e.org/a@b", "git+ssh://git@github.com/a/b.git", "git+https://git@e.org/a"),
        *(
            "https://${USER}:${PASS}@e.org/",
            "https://me:${PASS}@e.org:8080/",
            "https://<me>@e.org/",
        ),
        *("https://e.org/t/${TOKEN}/main", "https://e.org/x?sig=<sig>", "https://e.org/x?a=1"),
        *("API_TOKEN=", "API_TOKEN=${T}", "ENV API_TOKEN ${T}", "ARG API_TOKEN", "numpy==1.2"),
        "AccountKey=${KEY}",
    ],
)
def test_placeholders_and_plain_addresses_are_fine(text: str) -> None:
    assert find_secret(text) is None


def test_credentials_in_the_json_are_found_by_key(look: Callable[..., list[str]]) -> None:
    found = look(
        check_secrets,
        docker__baseImageRegistry={"address": "e.org", "username": "me", "password": "hunter22"},
        environmentVariables={"DB_PASSWORD": "hunter22", "TOKEN": "${X}", "URL": "https://a:b@c/"},
        docker__arguments=["-e", "API_KEY=hunter22"],
    )

    assert found == [
        f"warning secret {JSON}:5:24: environmentVariables.DB_PASSWORD: {CLEAR}",
        (
            f"warning secret {JSON}:7:16: environmentVariables.URL: "
            "the address holds a user name, password or token"
        ),
        (
            f"warning secret {JSON}:24:13: docker.arguments[1]: "
            "`API_KEY` is given a secret in clear text"
        ),
        f"warning secret {JSON}:29:25: docker.baseImageRegistry.password: {CLEAR}",
    ]


def test_credentials_in_the_yml_are_found_in_comments_too(look: Callable[..., list[str]]) -> None:
    text = (
        "# once https://a:b@c/\n"
        "channels: [https://e.org/t/abc/x]\n"
        "dependencies:\n"
        "- pip:\n"
        "  - --extra-index-url=https://a:b@c/\n"
        "  - d # https://e/?sig=f\n"
        "variables: {API_TOKEN: abc, PORT_TOKEN: 80}\n"
    )

    user = "the address holds a user name, password or token"
    signed = "the address is signed: it opens what it names to everyone"
    assert look(check_secrets, conda=text) == [
        f"warning secret {FILE}:2:12: channels[0]: the address holds a channel token",
        f"warning secret {FILE}:5:5: dependencies[0].pip[0]: {user}",
        f"warning secret {FILE}:7:24: variables.API_TOKEN: {CLEAR}",
        f"warning secret {FILE}:1:1: in a comment: {user}",
        f"warning secret {FILE}:6:1: in a comment: {signed}",
    ]


def test_credentials_in_a_dockerfile_are_found_on_their_lines(
    look: Callable[..., list[str]],
) -> None:
    found = look(check_secrets, dockerfile="FROM a\nENV API_TOKEN=abc\nRUN curl https://a:b@c/\n")

    assert found == [
        "warning secret BaseDockerfile:2:1: `API_TOKEN` is given a secret in clear text",
        "warning secret BaseDockerfile:3:1: the address holds a user name, password or token",
    ]
