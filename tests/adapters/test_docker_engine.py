from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from channel import CONDA_FORGE
from channel.package import machine_subdir
from rattler import Client, Gateway, install, solve
from rattler.config import Config

from envsync.adapters.docker_engine import DockerEngine, connect
from envsync.adapters.docker_engine.engine import choose_digest
from envsync.errors import EnvsyncError
from envsync.model.image import parse_reference
from envsync.remedy import Option, Step, advise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from channel import Served

OLD, NEW = f"sha256:{1:064}", f"sha256:{2:064}"

_HINT = advise(
    "start Docker or set `DOCKER_HOST`; ",
    Step("build-local"),
    " without ",
    Option("docker"),
    " needs no engine",
)


def test_no_daemon_at_the_socket_is_said_with_its_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = f"unix://{tmp_path}/docker.sock"
    monkeypatch.setenv("DOCKER_HOST", host)

    with pytest.raises(EnvsyncError) as caught, connect():
        pass

    assert caught.value.message == f"Cannot reach the Docker daemon at `{host}`"
    assert caught.value.hint == _HINT


def test_a_socket_closed_to_the_user_has_a_hint_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "docker.sock"
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        path.chmod(0)
        with _as_plain_user(), pytest.raises(EnvsyncError) as caught, connect():
            pass

    assert caught.value.message == f"Cannot reach the Docker daemon at `unix://{path}`"
    assert caught.value.hint == "add your user to the `docker` group, or run as root"


@contextlib.contextmanager
def _as_plain_user() -> Iterator[None]:
    """Give up root's rights for a while, if this is root, whom no file mode stops."""
    user = os.geteuid()
    os.seteuid(user or 65534)
    try:
        yield
    finally:
        os.seteuid(user)


@pytest.mark.parametrize("host", ["nonsense://x", "tcp://127.0.0.1:1", "ssh://127.0.0.1:1", "a b"])
def test_a_host_that_cannot_answer_is_said_with_its_address(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)

    with pytest.raises(EnvsyncError) as caught, connect():
        pass

    assert caught.value.message == f"Cannot reach the Docker daemon at `{host}`"


def test_a_server_that_is_no_docker_daemon_is_said_with_its_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_hang_up_on_callers, args=(server,), daemon=True)
        thread.start()
        host = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        monkeypatch.setenv("DOCKER_HOST", host)
        with pytest.raises(EnvsyncError) as caught, connect():
            pass
        server.shutdown(socket.SHUT_RDWR)
        thread.join()

    assert caught.value.message == f"Cannot reach the Docker daemon at `{host}`"


def _hang_up_on_callers(server: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            server.accept()[0].close()


@pytest.fixture
def python_prefix(served_channel: Served, tmp_path: Path) -> Path:
    """Return an environment that has the embedded channel's Python and nothing else."""
    prefix = tmp_path / "prefix"
    config = Config.from_toml(served_channel.config)

    async def make() -> None:
        gateway = Gateway.from_config(config, cache_dir=tmp_path / "repodata")
        subdirs = [machine_subdir(), "noarch"]
        records = await solve([CONDA_FORGE], ["python"], gateway=gateway, platforms=subdirs)
        await install(records, prefix, client=Client.from_config(config), show_progress=False)

    asyncio.run(make())
    return prefix


@pytest.mark.docker
def test_an_image_that_is_not_there_is_said(docker_engine: DockerEngine) -> None:
    with pytest.raises(EnvsyncError, match="asked to run `no-such-image:1`, failed: No such image"):
        docker_engine.run("no-such-image:1", ["true"], read_only={})


@pytest.mark.docker
@pytest.mark.e2e
def test_a_command_in_a_container_tells_its_status_and_its_two_outputs(
    docker_engine: DockerEngine, base_image: str
) -> None:
    script = "echo out; echo err >&2; exit 7"
    done = docker_engine.run(base_image, ["sh", "-c", script], read_only={})

    assert (done.status, done.stdout, done.stderr) == (7, "out\n", "err\n")


@pytest.mark.docker
@pytest.mark.e2e
def test_many_look_into_an_image_at_a_time(docker_engine: DockerEngine, base_image: str) -> None:
    del docker_engine

    def read(_: int) -> bytes:
        with connect() as engine:
            return b"".join(engine.read_file(base_image, "/etc/passwd") or ())

    with ThreadPoolExecutor(8) as pool:
        archives = list(pool.map(read, range(32)))

    assert len(set(archives)) == 1
    assert b"root:" in archives[0]


@pytest.mark.docker
@pytest.mark.e2e
def test_the_embedded_python_runs_with_nothing_of_the_host(
    docker_engine: DockerEngine, base_image: str, python_prefix: Path
) -> None:
    code = (
        "import bz2, ctypes, lzma, socket, sqlite3, ssl, sys, zlib\n"
        "assert sqlite3.connect(':memory:').execute('select 6 * 7').fetchone() == (42,)\n"
        "assert bz2.decompress(bz2.compress(b'x')) == lzma.decompress(lzma.compress(b'x'))\n"
        "assert ctypes.CDLL(None).getpid() > 0\n"
        "assert ssl.create_default_context().check_hostname\n"
        "assert [name for _, name in socket.if_nameindex()] == ['lo']\n"
        "print(sys.prefix)\n"
    )
    has_no_python = docker_engine.run(base_image, ["sh", "-c", "command -v python3"], read_only={})
    done = docker_engine.run(
        base_image, ["/env/bin/python", "-c", code], read_only={python_prefix: "/env"}
    )

    assert has_no_python.stdout == ""
    assert (done.stderr, done.stdout, done.status) == ("", "/env\n", 0)


@pytest.mark.parametrize(
    ("digests", "name", "found"),
    [
        ([f"r.example/a@{OLD}"], "r.example/a:1", OLD),
        ([f"r.example/b@{OLD}", f"r.example/a@{NEW}"], "r.example/a:1", NEW),
        ([f"r.example/b@{OLD}"], "r.example/a:1", None),
        ([f"ubuntu@{OLD}"], "docker.io/library/ubuntu:1", OLD),
        ([f"docker.io/library/ubuntu@{OLD}"], "ubuntu", OLD),  # as Podman says it
        ([f"a/b@{OLD}", f"a/b@{NEW}"], f"a/b@{NEW}", NEW),
        (["<none>@<none>"], "a/b:1", None),
        ([], "a/b:1", None),
        (None, "a/b:1", None),
    ],
)
def test_of_an_images_digests_the_one_of_its_repository_counts(
    digests: list[str] | None, name: str, found: str | None
) -> None:
    assert choose_digest({"RepoDigests": digests}, parse_reference(name)) == found


@pytest.fixture
def use_context(private_home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Return what makes a context of Docker's for a host the current one."""
    monkeypatch.delenv("DOCKER_HOST", raising=False)

    def use(name: str, host: str) -> None:
        folder = private_home / ".docker/contexts/meta" / hashlib.sha256(name.encode()).hexdigest()
        folder.mkdir(parents=True)
        meta = {"Name": name, "Metadata": {}, "Endpoints": {"docker": {"Host": host}}}
        (folder / "meta.json").write_text(json.dumps(meta))
        (private_home / ".docker/config.json").write_text(json.dumps({"currentContext": name}))

    return use


def test_dockers_current_context_says_where_the_engine_is(
    use_context: Callable[[str, str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_context("rootless", f"unix://{tmp_path}/rootless.sock")
    with pytest.raises(EnvsyncError) as caught, connect():
        pass
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")
    with pytest.raises(EnvsyncError) as stronger, connect():
        pass

    assert caught.value.message.endswith(f"at `unix://{tmp_path}/rootless.sock`")
    assert stronger.value.message.endswith("at `unix:///nowhere.sock`")


def test_a_context_that_is_not_there_is_said(
    use_context: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    use_context("rootless", "unix:///nowhere.sock")
    monkeypatch.setenv("DOCKER_CONTEXT", "other")

    with pytest.raises(EnvsyncError, match="Docker's context `other` can't be read"), connect():
        pass
