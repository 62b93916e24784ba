"""`envsync build-local --docker` against `tar` and `docker load`, and against a RUN that installs.

Run it with `python tests/bench/bench_image.py [DIR]`, with an engine and a bare Debian in it
(`tests/base_image.py` makes one). DIR is a definition; without it there are two rounds: that of
`specs/sklearn-mnist`, and one with a hundred packages of two hundred files each, of which it asks
for ten and these need the others.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from measure import Command, compare, environment

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import certifi
from channel import CONDA_FORGE, build_channel, default_cache, serve
from channel.package import Recipe, assemble, machine_subdir
from rattler.index import index_fs
from support.images.base_image import make_base_archive, reference_for

from envsync.lock.reader import load_lockfile

ROOT = Path(__file__).resolve().parents[2]
PACKAGES, ASKED_FOR, FILES, SIZE = 100, 10, 200, 8 << 10
MIDDLE = 50
_MIDDLE_NAME = f"bench-{MIDDLE:03}"
RUNS = 3
TAG, FLOOR = "envsync-bench:1", "envsync-bench:floor"
ENVSYNC = str(Path(sys.executable).with_name("envsync"))
TAR_AND_LOAD = """
import hashlib, json, pathlib, subprocess, sys
layers, made = sys.argv[1:]
made = pathlib.Path(made)
subprocess.run(["rm", "-rf", made], check=True)
made.mkdir()
names, diff_ids = [], []
for layer in json.loads(pathlib.Path(layers, "order.json").read_text()):
    target = made / f"{layer}.tar"
    tar = ["tar", "--sort=name", "-cf", target, "-C", f"{layers}/{layer}", "."]
    subprocess.run(tar, check=True)
    with target.open("rb") as stream:
        diff_ids.append("sha256:" + hashlib.file_digest(stream, "sha256").hexdigest())
    names.append(target.name)
config = {"os": "linux", "architecture": "amd64", "config": {},
          "rootfs": {"type": "layers", "diff_ids": diff_ids}}
(made / "config.json").write_text(json.dumps(config))
manifest = [{"Config": "config.json", "RepoTags": ["envsync-bench:floor"], "Layers": names}]
(made / "manifest.json").write_text(json.dumps(manifest))
with subprocess.Popen(["tar", "-cf", "-", "-C", made, "."], stdout=subprocess.PIPE) as tar:
    subprocess.run(["docker", "load", "-q"], stdin=tar.stdout, check=True)
"""


@dataclass(frozen=True, kw_only=True)
class Bench:
    """A definition, what its image is built upon, and where all of it lies."""

    folder: Path
    definition: Path
    base: str
    environ: dict[str, str]

    def build(self, *more: str) -> list[str]:
        options = ["--docker", "--tag", TAG, "--base", self.base, "--frozen"]
        options += ["--name", self.definition.name]
        return [ENVSYNC, "build-local", str(self.definition), *options, *more]

    def run(self, *command: str) -> None:
        subprocess.run(command, env=self.environ, check=True, stdout=subprocess.DEVNULL)

    def forget_image(self) -> None:
        """Remove the image, and those that had its name before."""
        nameless = ["docker", "images", "-q", "--filter", "dangling=true"]
        nameless += ["--filter", "label=org.opencontainers.image.title=bench"]
        found = subprocess.run(nameless, env=self.environ, check=True, capture_output=True)
        names = [TAG, FLOOR, *found.stdout.decode().split()]
        remove = ["docker", "rmi", "-f", *names]
        subprocess.run(remove, env=self.environ, check=False, capture_output=True)

    def forget_all(self) -> None:
        """Forget the image and its layers, and keep the packages that were fetched."""
        self.forget_image()
        shutil.rmtree(Path(self.environ["ENVSYNC_HOME"]) / "cache", ignore_errors=True)


def main() -> None:
    """Print the tables."""
    base = _have_base()
    with tempfile.TemporaryDirectory(prefix="envsync-bench-") as name:
        folder = Path(name)
        channel = build_channel(default_cache()).path
        if len(sys.argv) > 1:
            rounds = {"given": (Path(sys.argv[1]), channel)}
        else:
            rounds = {
                "sklearn-mnist": (ROOT / "specs/sklearn-mnist", channel),
                "100 packages": (_define_many(folder), _make_many(folder, channel)),
            }
        for title, (definition, source) in rounds.items():
            print(f"\n{title}\n")
            _measure(folder / title.replace(" ", "-"), definition, source, base)


def _measure(folder: Path, definition: Path, channel: Path, base: str) -> None:
    folder.mkdir()
    shutil.copytree(definition, folder / "bench")
    spec = folder / "bench/conda_dependencies.yml"
    if "- six\n" not in spec.read_text():
        spec.write_text(spec.read_text().replace("dependencies:\n", "dependencies:\n- six\n"))
    with serve({CONDA_FORGE: channel}) as served:
        (folder / "config.toml").write_text(served.config)
        environ = environment(
            ENVSYNC_CONFIG=str(folder / "config.toml"),
            ENVSYNC_HOME=str(folder / "home"),
            RATTLER_CACHE_DIR=str(folder / "rattler"),
        )
        bench = Bench(folder=folder, definition=folder / "bench", base=base, environ=environ)
        bench.run(ENVSYNC, "lock", str(bench.definition))
        bench.run(*bench.build("--output", str(folder / "image.tar")))
        _take_apart(folder)
        _lock_variants(bench)
        _write_dockerfiles(bench)
        print("\n".join(_compare(bench)))
        bench.forget_image()


def _compare(bench: Bench) -> list[str]:
    floor = Command(
        name="`tar` and `docker load` of the same layers",
        arguments=[
            sys.executable,
            "-c",
            TAR_AND_LOAD,
            str(bench.folder / "layers"),
            str(bench.folder / "again"),
        ],
        environment=bench.environ,
        prepare=bench.forget_image,
    )
    first = Command(
        name="`envsync build-local --docker`, first image",
        arguments=bench.build(),
        environment=bench.environ,
        prepare=bench.forget_all,
    )
    nothing = Command(
        name="nothing changed",
        arguments=bench.build(),
        environment=bench.environ,
    )
    change = Command(
        name="one package changed that the definition asks for",
        arguments=bench.build(),
        environment=bench.environ,
        prepare=lambda: _change(bench, "six"),
    )
    middle = Command(
        name="one package changed that others need, in the middle of the layers",
        arguments=bench.build(),
        environment=bench.environ,
        prepare=lambda: _change(bench, _MIDDLE_NAME),
    )
    rows = [first, nothing, change]
    rows += [middle] if (bench.folder / f"{_MIDDLE_NAME}.yml").exists() else []
    installers = ["uv", "pip"] if (bench.folder / "requirements.txt").exists() else ["uv"]
    return compare(floor, *rows, *(_run(bench, installer) for installer in installers), runs=RUNS)


def _run(bench: Bench, installer: str) -> Command:
    file = str(bench.folder / f"Dockerfile.{installer}")
    arguments = ["docker", "build", "-q", "--network=host", "-t", FLOOR, "-f", file]
    return Command(
        name=f"`docker build` with a RUN of rattler and {installer}, whatever has changed",
        arguments=[*arguments, str(bench.folder)],
        environment={**bench.environ, "DOCKER_BUILDKIT": "0"},
        prepare=bench.forget_image,
    )


def _change(bench: Bench, package: str) -> None:
    """Have the image of one lock, and then another lock, of which nothing is known yet."""
    lock = bench.definition / "conda-lock.yml"
    bench.forget_all()
    lock.write_text((bench.folder / "before.yml").read_text())
    bench.run(*bench.build())
    lock.write_text((bench.folder / f"{package}.yml").read_text())


def _lock_variants(bench: Bench) -> None:
    """Write a lock, and for each package that there are two versions of one with the other."""
    lock, spec = bench.definition / "conda-lock.yml", bench.definition / "conda_dependencies.yml"
    text = spec.read_text()
    others = {"six=1.16": "six=1.17", f"{_MIDDLE_NAME}=1.0": f"{_MIDDLE_NAME}=1.1"}
    packages = list(others)[: 2 if "bench-" in text else 1]
    for name in ("before", *packages):
        pins = "".join(f"- {others[it] if it == name else it}\n" for it in packages)
        spec.write_text(text.replace("- six\n", "") + pins)
        bench.run(ENVSYNC, "lock", str(bench.definition))
        shutil.copy(lock, bench.folder / f"{name.partition('=')[0]}.yml")
    spec.write_text(text)  # which asks for six, and for what needs the other one


def _write_dockerfiles(bench: Bench) -> None:
    """Write what installs the lock by a RUN, upon an image that has envsync in it.

    That is rattler and uv, the fastest installers that there are; and rattler and pip, which is
    nearer to Azure ML's conda and pip. Conda packages come from loopback, wheels from the index.
    """
    tool = bench.folder / "tool"
    _define(tool, ["python"], ["click", "packaging", "py-rattler", "rich", "ruamel.yaml", "uv"])
    bench.run(ENVSYNC, "lock", str(tool))
    image = ["--docker", "--tag", "envsync-bench:tool", "--base", bench.base]
    bench.run(ENVSYNC, "build-local", str(tool), *image)
    shutil.copytree(ROOT / "envsync", bench.folder / "package" / "envsync")
    trusted = os.environ.get("SSL_CERT_FILE") or certifi.where()
    shutil.copy(trusted, bench.folder / "cacert.pem")
    head = (
        "FROM envsync-bench:tool\n"
        "COPY package /package\n"
        "COPY config.toml cacert.pem /\n"
        "ENV PYTHONPATH=/package ENVSYNC_CONFIG=/config.toml SSL_CERT_FILE=/cacert.pem\n"
    )
    make = "python -m envsync build-local /bench --frozen -p /azureml-envs/bench"
    clean = "rm -rf /root/.cache"
    uv = f"{head}COPY bench /bench\nRUN {make} && {clean}\n"
    (bench.folder / "Dockerfile.uv").write_text(uv)
    (bench.folder / ".dockerignore").write_text("*\n!package\n!bench\n!plain\n!*.t*\n!*.pem\n")
    if _split_lock(bench):
        pip = "python -m pip install --no-cache-dir --no-deps --cert /cacert.pem"
        (bench.folder / "Dockerfile.pip").write_text(
            f"{head}COPY plain /bench\nCOPY requirements.txt /\n"
            f"RUN {make} && env -u PYTHONPATH /azureml-envs/bench/bin/{pip} -r /requirements.txt "
            f"&& {clean}\n"
        )


def _split_lock(bench: Bench) -> bool:
    """Write the conda part of the lock as `plain`, the rest as requirements if there is any."""
    lock = load_lockfile(bench.definition / "conda-lock.yml")
    pip = [package for package in lock.packages if package.manager == "pip"]
    names = [package.name for package in lock.packages if package.manager == "conda"]
    if pip:
        _define(bench.folder / "plain", sorted(names), [])
        bench.run(ENVSYNC, "lock", str(bench.folder / "plain"))
        lines = (f"{it.name} @ {it.url} --hash=sha256:{it.sha256}\n" for it in pip)
        (bench.folder / "requirements.txt").write_text("".join(lines))
    return bool(pip)


def _define(folder: Path, conda: list[str], pip: list[str]) -> None:
    folder.mkdir()
    settings = {"name": folder.name, "environmentVariables": {}, "docker": {}}
    (folder / "azureml_environment.json").write_text(json.dumps(settings))
    lines = [f"- {name}" for name in conda]
    lines += ["- pip:", *(f"  - {name}" for name in pip)] if pip else []
    text = "channels:\n- conda-forge\ndependencies:\n" + "\n".join(lines) + "\n"
    (folder / "conda_dependencies.yml").write_text(text)


def _take_apart(folder: Path) -> None:
    """Unpack each layer of the image, but for its base's, into a folder of its own."""
    with tarfile.open(folder / "image.tar") as archive:
        manifest = json.loads(archive.extractfile("manifest.json").read())  # type: ignore[union-attr]
        names = manifest[0]["Layers"][1:]
        for name in names:
            with tarfile.open(fileobj=archive.extractfile(name)) as layer:
                layer.extractall(folder / "layers" / Path(name).name, filter="tar")
    order = [Path(name).name for name in names]
    (folder / "layers" / "order.json").write_text(json.dumps(order))


def _define_many(folder: Path) -> Path:
    names = [f"bench-{number:03}" for number in range(ASKED_FOR)]
    _define(folder / "many", ["python", "six", *names], [])
    return folder / "many"


def _make_many(folder: Path, stand_in: Path) -> Path:
    """Return a channel with what *stand_in* has and many packages of many files."""
    channel = folder / "channel"
    shutil.copytree(stand_in, channel)
    for number in range(PACKAGES):
        files = folder / "files"
        module = files / "lib" / "bench" / f"bench{number}"
        module.mkdir(parents=True)
        for index in range(FILES):
            (module / f"module{index}.py").write_bytes(
                f"# {number} {index}\n".encode() * (SIZE // 10)
            )
        for version in ("1.0", "1.1") if number == MIDDLE else ("1.0",):
            (module / "version.py").write_text(version)
            needed = range(number + ASKED_FOR, PACKAGES, ASKED_FOR) if number < ASKED_FOR else ()
            depends = tuple(f"bench-{each:03}" for each in needed)
            recipe = Recipe(name=f"bench-{number:03}", version=version, build="0", depends=depends)
            assemble(recipe, files, channel)
        shutil.rmtree(files)
    asyncio.run(index_fs(channel, write_zst=True, write_shards=True))
    assert any((channel / machine_subdir()).glob("bench-*.conda"))
    return channel


def _have_base() -> str:
    archive = make_base_archive(default_cache())
    name = reference_for(archive)
    inspect = ["docker", "image", "inspect", name]
    if subprocess.run(inspect, check=False, capture_output=True).returncode != 0:
        take = ["docker", "import", str(archive), name]
        subprocess.run(take, check=True, capture_output=True)
    return name


if __name__ == "__main__":
    main()
