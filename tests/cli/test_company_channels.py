"""Channels and indexes as companies have them: behind logins, certificates, proxies, mirrors."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from support.servers.company import (
    Authority,
    basic,
    make_authority,
    make_index,
    run_proxy,
    serve_guarded,
)
from support.servers.faulty import serve_faulty
from support.servers.oci_channel import push_channel
from support.servers.registries import run_registry, why_not

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from channel import Channel
    from conftest import Done

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("empty_caches")]

SECRET = "hunter-company"  # noqa: S105  # planted
LOGIN = basic("user", SECRET)


@pytest.fixture
def index(tmp_path: Path) -> Path:
    return make_index(tmp_path / "index")


@pytest.fixture
def guarded(embedded_channel: Channel) -> Iterator[str]:
    """Serve the embedded channel to `user` alone; return where."""
    with serve_guarded(embedded_channel.path, authorization=LOGIN) as channel:
        yield f"127.0.0.1:{channel.port}"


@pytest.fixture
def guarded_index(index: Path) -> Iterator[str]:
    """Serve an index to `user` alone; return where."""
    with serve_guarded(index, authorization=LOGIN) as wheels:
        yield f"127.0.0.1:{wheels.port}/simple"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("authority") / "ca")


@pytest.fixture
def make(
    envsync: Callable[..., Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., list[Done]]:
    """Lock a definition over a channel and an index, and make it."""
    monkeypatch.setenv("ENVSYNC_TIMEOUT", "10")
    for name in ("NO_PROXY", "no_proxy", "HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)

    def run(channel: str, index: str = "") -> list[Done]:
        pip = [{"pip": [f"--index-url {index}", "private-thing"]}] if index else []
        (tmp_path / "d").mkdir()
        (tmp_path / "d" / "azureml_environment.json").write_text(
            json.dumps({"name": "d", "environmentVariables": {}})
        )
        (tmp_path / "d" / "conda_dependencies.yml").write_text(
            json.dumps({"channels": [channel], "dependencies": ["python", *pip]})
        )
        done = [envsync("lock", "d")]
        if done[0].status == 0:
            assert SECRET not in (tmp_path / "d" / "conda-lock.yml").read_text()
            done.append(envsync("build-local", "d"))
        assert SECRET not in str(done)
        return done

    return run


def configure(text: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "config.toml").write_text(text)
    monkeypatch.setenv("ENVSYNC_CONFIG", str(folder / "config.toml"))


def is_made(done: list[Done]) -> bool:
    return [each.status for each in done] == [0, 0]


@pytest.mark.parametrize("place", ["home", "NETRC"])
def test_a_netrc_opens_channels_and_indexes(
    make: Callable[..., list[Done]],
    guarded: str,
    guarded_index: str,
    private_home: Path,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
) -> None:
    netrc = private_home / (".netrc" if place == "home" else "elsewhere")
    netrc.write_text(f"machine 127.0.0.1 login user password {SECRET}\n")
    netrc.chmod(0o600)
    if place == "NETRC":
        monkeypatch.setenv("NETRC", str(netrc))

    done = make(f"http://{guarded}", f"http://{guarded_index}")

    assert is_made(done), done


@pytest.mark.parametrize("place", ["RATTLER_AUTH_FILE", "store", "config"])
def test_rattlers_own_stores_open_channels(
    make: Callable[..., list[Done]],
    guarded: str,
    private_home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
) -> None:
    store = private_home / ".rattler" / "credentials.json"
    if place != "store":
        store = private_home / "own.json"
    store.parent.mkdir(exist_ok=True)
    known = {"127.0.0.1": {"BasicHTTP": {"username": "user", "password": SECRET}}}
    store.write_text(json.dumps(known))
    if place == "RATTLER_AUTH_FILE":
        monkeypatch.setenv("RATTLER_AUTH_FILE", str(store))
    elif place == "config":
        configure(f'authentication-override-file = "{store}"\n', tmp_path, monkeypatch)

    done = make(f"http://{guarded}")

    assert is_made(done), done


@pytest.mark.parametrize("spelling", ["${COMPANY_TOKEN}", "$COMPANY_TOKEN", SECRET])
def test_a_token_in_the_address_opens_its_channel(
    make: Callable[..., list[Done]],
    embedded_channel: Channel,
    monkeypatch: pytest.MonkeyPatch,
    spelling: str,
) -> None:
    monkeypatch.setenv("COMPANY_TOKEN", SECRET)
    with serve_guarded(embedded_channel.path, prefix=f"/t/{SECRET}/mine") as channel:
        done = make(f"http://127.0.0.1:{channel.port}/t/{spelling}/mine")

    assert is_made(done), done
    assert channel.requests


def test_variables_in_addresses_open_channels_and_indexes(
    make: Callable[..., list[Done]],
    guarded: str,
    guarded_index: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COMPANY_USER", "user")
    monkeypatch.setenv("COMPANY_PASSWORD", SECRET)
    login = "${COMPANY_USER}:${COMPANY_PASSWORD}"

    done = make(f"http://{login}@{guarded}", f"http://{login}@{guarded_index}")

    assert is_made(done), done


def test_two_logins_at_one_host_are_refused(
    envsync: Callable[..., Done], define: Callable[..., Path], tmp_path: Path
) -> None:
    define("python")
    (tmp_path / "d" / "conda_dependencies.yml").write_text(
        f"channels:\n- http://a:{SECRET}@127.0.0.1:1/x\n- http://b:{SECRET}@127.0.0.1:1/y\n"
        "dependencies:\n- python\n"
    )

    done = envsync("lock", "d")

    assert done.status == 2
    assert "Error: Two channels on `127.0.0.1` have different credentials\n" in done.stderr
    assert SECRET not in done.stderr


def test_a_private_authority_is_trusted_where_it_is_named(
    make: Callable[..., list[Done]],
    embedded_channel: Channel,
    index: Path,
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
    with (
        serve_guarded(embedded_channel.path, certificate=authority.server) as channel,
        serve_guarded(index, certificate=authority.server) as wheels,
    ):
        done = make(f"https://localhost:{channel.port}", f"https://localhost:{wheels.port}/simple")

    assert is_made(done), done


def test_a_private_authority_is_not_trusted_unasked(
    make: Callable[..., list[Done]], embedded_channel: Channel, authority: Authority
) -> None:
    with serve_guarded(embedded_channel.path, certificate=authority.server) as channel:
        (done,) = make(f"https://localhost:{channel.port}")

    assert done.status == 1
    assert "invalid peer certificate: UnknownIssuer\n" in done.stderr
    assert "Hint: name the file of the authority that signed it in `SSL_CERT_FILE`" in done.stderr


def test_no_certificate_is_looked_at_where_the_configuration_says_so(
    make: Callable[..., list[Done]],
    embedded_channel: Channel,
    index: Path,
    authority: Authority,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    configure("tls-no-verify = true\n", tmp_path, monkeypatch)
    with (
        serve_guarded(embedded_channel.path, certificate=authority.server) as channel,
        serve_guarded(index, certificate=authority.server) as wheels,
    ):
        done = make(f"https://localhost:{channel.port}", f"https://localhost:{wheels.port}/simple")

    assert is_made(done), done


@pytest.mark.parametrize("place", ["environment", "config"])
def test_a_proxy_is_asked_for_channels_and_indexes(
    make: Callable[..., list[Done]],
    embedded_channel: Channel,
    index: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
) -> None:
    with (
        run_proxy(basic("me", SECRET)) as proxy,
        serve_guarded(embedded_channel.path) as channel,
        serve_guarded(index) as wheels,
    ):
        address = f"http://me:{SECRET}@127.0.0.1:{proxy.port}"
        if place == "environment":
            monkeypatch.setenv("http_proxy", address)
        else:
            configure(f'[proxy-config]\nhttp = "{address}"\n', tmp_path, monkeypatch)
        done = make(
            f"http://conda.company.example:{channel.port}",
            f"http://pypi.company.example:{wheels.port}/simple",
        )

    assert is_made(done), done
    assert any("conda.company.example" in path for path in proxy.requests)
    assert any("pypi.company.example" in path for path in proxy.requests)


def test_what_needs_no_proxy_goes_without(
    make: Callable[..., list[Done]],
    embedded_channel: Channel,
    index: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = '[proxy-config]\nhttp = "http://127.0.0.1:1"\nnon-proxy-hosts = ["127.0.0.1"]\n'
    configure(text, tmp_path, monkeypatch)
    with serve_guarded(embedded_channel.path) as channel, serve_guarded(index) as wheels:
        done = make(f"http://127.0.0.1:{channel.port}", f"http://127.0.0.1:{wheels.port}/simple")

    assert is_made(done), done


def test_a_proxy_that_refuses_is_named_with_the_channel(
    make: Callable[..., list[Done]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with run_proxy(basic("me", "other")) as proxy:
        monkeypatch.setenv("http_proxy", f"http://me:{SECRET}@127.0.0.1:{proxy.port}")
        (done,) = make("http://conda.company.example/mine")

    assert done.status == 1
    assert "Error: Cannot read channel `http://conda.company.example/mine` (" in done.stderr
    assert (
        f"by the proxy `http://127.0.0.1:{proxy.port}`: "
        "it answers `407 Proxy Authentication Required`" in done.stderr
    )
    assert "Hint: check the proxy in `HTTPS_PROXY` or under `[proxy-config]`" in done.stderr


@pytest.mark.parametrize("place", ["netrc", "config", "variable"])
def test_a_mirror_may_need_a_login(
    make: Callable[..., list[Done]],
    guarded: str,
    private_home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
) -> None:
    login = {"netrc": "", "config": f"user:{SECRET}@", "variable": "user:${COMPANY_PASSWORD}@"}
    monkeypatch.setenv("COMPANY_PASSWORD", SECRET)
    if place == "netrc":
        (private_home / ".netrc").write_text(f"machine 127.0.0.1 login user password {SECRET}\n")
    text = f'"https://conda.anaconda.org/conda-forge/" = ["http://{login[place]}{guarded}/"]'
    configure(f"[mirrors]\n{text}\n", tmp_path, monkeypatch)

    done = make("conda-forge")

    assert is_made(done), done
    assert "127.0.0.1" not in (tmp_path / "d" / "conda-lock.yml").read_text()


def test_where_one_mirror_fails_the_next_is_asked(
    make: Callable[..., list[Done]],
    embedded_channel: Channel,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with (
        serve_guarded(embedded_channel.path) as good,
        serve_faulty(tmp_path, lambda _path, _asked: "500") as bad,
    ):
        mirrors = f'["{bad.url}/", "http://127.0.0.1:{good.port}/"]'
        text = f'[mirrors]\n"https://conda.anaconda.org/conda-forge/" = {mirrors}\n'
        configure(text, tmp_path, monkeypatch)
        done = make("conda-forge")

    assert is_made(done), done


def test_a_mirror_may_be_an_oci_registry(
    make: Callable[..., list[Done]],
    embedded_channel: Channel,
    authority: Authority,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """rattler asks registries on port 443 alone, which the proxy takes for this one's."""
    if lack := why_not():
        pytest.skip(lack)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
    with run_registry(tmp_path / "registry", certificate=authority.server) as address:
        host, _, port = address.replace("127.0.0.1", "localhost").partition(":")
        push_channel(
            embedded_channel.path, f"{host}:{port}", "mirror/forge", authority=authority.certificate
        )
        with run_proxy(ports={443: int(port)}) as proxy:
            monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.port}")
            text = f'"https://conda.anaconda.org/conda-forge/" = ["oci://{host}/mirror/forge"]'
            configure(f"[mirrors]\n{text}\n", tmp_path, monkeypatch)
            done = make("conda-forge")

    assert is_made(done), done
    assert proxy.requests


def test_a_channel_in_a_bucket_is_asked_for_where_the_configuration_says(
    make: Callable[..., list[Done]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "me")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    with serve_faulty(tmp_path, lambda _path, _asked: "403") as bucket:
        text = f'[s3-options.mine]\nendpoint-url = "{bucket.url}"\nregion = "eu"\n'
        configure(f'{text}addressing-style = "path"\n', tmp_path, monkeypatch)
        (done,) = make("s3://mine/channel")

    assert done.status == 1
    assert "Error: Cannot read channel `s3://mine/channel` (" in done.stderr
    assert any(path.startswith("/mine/channel/") for path in bucket.requests), bucket.requests


def test_a_lock_of_conda_locks_may_have_variables_in_its_addresses(
    make: Callable[..., list[Done]],
    envsync: Callable[..., Done],
    embedded_channel: Channel,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COMPANY_TOKEN", SECRET)
    with serve_guarded(embedded_channel.path, prefix=f"/t/{SECRET}/mine") as channel:
        bare = f"http://127.0.0.1:{channel.port}"
        assert is_made(make(f"{bare}/t/$COMPANY_TOKEN/mine"))
        text = (tmp_path / "d" / "conda-lock.yml").read_text()
        theirs = tmp_path / "theirs.conda-lock.yml"
        theirs.write_text(text.replace(f"{bare}/mine", f"{bare}/t/$COMPANY_TOKEN/mine"))
        monkeypatch.setenv("RATTLER_CACHE_DIR", str(tmp_path / "another"))
        done = envsync("build-local", str(theirs), "-p", "env")

    assert theirs.read_text() != text
    assert done.status == 0, done
    assert SECRET not in str(done)
