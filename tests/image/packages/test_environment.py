"""The layers of environments, made of real packages by the real stagers, without any network."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from channel.package import Recipe as PackageRecipe
from channel.package import assemble, machine_subdir
from support.fakes import RecordingReporter, conda_package, pip_package

from envsync.adapters.git import GitRepositories
from envsync.adapters.rattler import RattlerInstaller, load_config
from envsync.adapters.uv import UvUnpacker
from envsync.errors import EnvsyncError
from envsync.image.packages.environment import EnvironmentLayers, ImageEnvironment
from envsync.image.packages.staging import Stagers
from envsync.image.store.layer_cache import LayerCache
from envsync.model.lockfile import LockedPackage

PREFIX = "/azureml-envs/x"
Make = Callable[..., LockedPackage]


@pytest.fixture
def conda(tmp_path: Path) -> Make:
    """Make a conda package of some files, and return it as locked."""

    def make(name: str, files: dict[str, str], version: str = "1.0") -> LockedPackage:
        folder = tmp_path / "files" / f"{name}-{version}"
        for path, content in files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            if content.startswith("-> "):
                target.symlink_to(content.removeprefix("-> "))
            else:
                target.write_text(content)
                target.chmod(0o755 if path.startswith("bin/") else 0o644)
        recipe = PackageRecipe(name=name, version=version, build="0", depends=())
        archive = assemble(recipe, folder, tmp_path / "channel")
        sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
        subdir = machine_subdir()
        url = archive.as_uri()
        return conda_package(name, version, url=url, sha256=sha256, md5=None, subdir=subdir)

    return make


@pytest.fixture
def wheel(tmp_path: Path) -> Make:
    """Make a wheel of some files, and return it as locked."""

    def make(name: str, files: dict[str, str], entry_points: str = "") -> LockedPackage:
        info = f"{name}-1.0.dist-info"
        contents = {
            **files,
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
            f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        if entry_points:
            contents[f"{info}/entry_points.txt"] = entry_points
        contents[f"{info}/RECORD"] = "".join(
            f"{path},,\n" for path in [*contents, f"{info}/RECORD"]
        )
        archive = tmp_path / f"{name}-1.0-py3-none-any.whl"
        with zipfile.ZipFile(archive, "w") as opened:
            for path, content in contents.items():
                opened.writestr(path, content)
        sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
        subdir = machine_subdir()
        return pip_package(name, url=archive.as_uri(), sha256=sha256, subdir=subdir)

    return make


@pytest.fixture
def python(conda: Make) -> LockedPackage:
    """Return a package that says where packages for Python go, and is none that could run."""
    return conda("python", {"bin/python3.11": "", "bin/python": "-> python3.11"}, "3.11.0")


def layers_of(
    cache: LayerCache, *packages: LockedPackage, budget: int = 50, prefix: str = PREFIX
) -> EnvironmentLayers:
    environment = ImageEnvironment(prefix=prefix, packages=packages, budget=budget)

    def load_stagers() -> Stagers:
        pip = UvUnpacker(GitRepositories(cache.root / "git"))
        return Stagers(conda=RattlerInstaller(load_config()), pip=pip)

    reporter = RecordingReporter()
    return EnvironmentLayers(environment, cache=cache, load_stagers=load_stagers, reporter=reporter)


def refuse() -> Stagers:
    message = "nothing was to be staged"
    raise AssertionError(message)


@pytest.fixture
def cache(tmp_path: Path) -> LayerCache:
    return LayerCache(tmp_path / "cache")


def merge(cache: LayerCache, layers: EnvironmentLayers) -> dict[str, tarfile.TarInfo]:
    """Return the files of the environment as an engine sees them: upper layers hide lower ones."""
    found: dict[str, tarfile.TarInfo] = {}
    for each in layers.make():
        with tarfile.open(cache.blobs.path(each.layer.diff_id)) as archive:
            for member in archive:
                stream = archive.extractfile(member) if member.isfile() else None
                member.pax_headers = {"content": stream.read().decode() if stream else ""}
                found[f"/{member.name}".removeprefix(f"{PREFIX}/")] = member
    return found


def content(files: dict[str, tarfile.TarInfo], path: str) -> str:
    return str(files[path].pax_headers["content"])


def test_each_package_is_a_layer_and_conda_finds_its_record(conda: Make, cache: LayerCache) -> None:
    packages = [conda("a", {"share/a": "A", "bin/a": "#!/bin/sh\n"}), conda("b", {"share/b": "B"})]
    layers = layers_of(cache, *packages)
    titles = [each.layer.created_by for each in layers.make()]
    files = merge(cache, layers)

    assert titles == ["conda's own files", "conda a 1.0 0", "conda b 1.0 0"]
    assert (content(files, "share/a"), content(files, "share/b")) == ("A", "B")
    assert (files["bin/a"].mode, files["share/a"].mode) == (0o755, 0o644)
    record = json.loads(content(files, "conda-meta/a-1.0-0.json"))
    assert record["files"] == ["bin/a", "share/a"]
    assert not {"link", "extracted_package_dir"} & set(record)


def test_what_is_known_is_not_staged_again(conda: Make, cache: LayerCache) -> None:
    packages = [conda("a", {"share/a": "A"})]
    first = layers_of(cache, *packages).make()
    environment = ImageEnvironment(prefix=PREFIX, packages=tuple(packages), budget=50)
    again = EnvironmentLayers(
        environment, cache=cache, load_stagers=refuse, reporter=RecordingReporter()
    )

    assert again.make() == first


def test_bytes_that_are_gone_are_made_again(conda: Make, cache: LayerCache) -> None:
    layers = layers_of(cache, conda("a", {"share/a": "A"}), conda("b", {"share/b": "B"}))
    made = layers.make()
    for each in made:
        cache.blobs.path(each.layer.diff_id).unlink()
    layers.ensure(made)

    assert all(cache.blobs.find(each.layer.diff_id) for each in made)


def test_a_file_of_two_conda_packages_is_the_one_that_a_prefix_would_have(
    conda: Make, cache: LayerCache, tmp_path: Path
) -> None:
    packages = [conda(name, {"share/both": name, f"share/{name}": name}) for name in "abc"]
    prefix = tmp_path / "prefix"
    prefix.mkdir()
    RattlerInstaller(load_config()).install(
        packages, target=prefix, prefix=prefix, requested=[], reporter=RecordingReporter()
    )
    files = merge(cache, layers_of(cache, *packages))

    assert content(files, "share/both") == (prefix / "share/both").read_text()
    assert [content(files, f"share/{name}") for name in "abc"] == ["a", "b", "c"]
    assert not any(path.startswith("__clobbers__") for path in files)


@pytest.mark.parametrize("together", [True, False])
def test_a_folder_wins_over_the_link_that_another_package_has_in_its_place(
    conda: Make, cache: LayerCache, *, together: bool
) -> None:
    packages = [
        conda("a", {"lib64": "-> lib", "lib/a": "a", "share/x": "a file"}),
        conda("b", {"lib64/b": "b", "share/x/y": "y"}),
        conda("c", {"lib64/c": "c"}),
    ]
    if not together:  # each alone, and so none in the way of another
        for package in packages:
            layers_of(cache, package).make()
    layers = layers_of(cache, *packages).make()
    found: set[str] = set()
    for each in layers:  # as engines do
        with tarfile.open(cache.blobs.path(each.layer.diff_id)) as archive:
            for member in archive:
                path = f"/{member.name}".removeprefix(f"{PREFIX}/")
                folders = {path} if member.isdir() else set()
                found -= {it for it in found if not folders and it.startswith(f"{path}/")}
                found = (found - folders) | (set() if folders else {path})

    wanted = {"lib/a", "lib64/b", "lib64/c", "share/x/y"}
    assert {path for path in found if not path.startswith("conda-meta/")} == wanted


def test_a_lock_that_spells_a_pip_package_its_own_way_is_understood(
    wheel: Make, python: LockedPackage, cache: LayerCache
) -> None:
    package = replace(wheel("My_Tool", {"my_tool.py": ""}), name="My.Tool")

    assert "lib/python3.11/site-packages/my_tool.py" in merge(
        cache, layers_of(cache, python, package)
    )


def test_compiled_modules_without_sources_are_part_of_a_wheel(
    wheel: Make, python: LockedPackage, cache: LayerCache
) -> None:
    package = wheel("secret", {"secret.pyc": "code", "__pycache__/other.cpython-311.pyc": "code"})
    files = merge(cache, layers_of(cache, python, package))

    assert "lib/python3.11/site-packages/secret.pyc" in files
    assert not any("__pycache__" in path for path in files)


def test_a_pip_package_wins_over_a_conda_package(
    conda: Make, wheel: Make, python: LockedPackage, cache: LayerCache
) -> None:
    place = "lib/python3.11/site-packages/both.py"
    packages = [python, conda("zzz", {place: "conda"}), wheel("aaa", {"both.py": "pip"})]

    assert content(merge(cache, layers_of(cache, *packages)), place) == "pip"


@pytest.mark.slow
def test_of_two_pip_packages_each_keeps_its_own_files(
    wheel: Make, python: LockedPackage, cache: LayerCache
) -> None:
    packages = [python] + [
        wheel(name, {"tests/__init__.py": name, f"{name}.py": name}) for name in ("one", "two")
    ]
    layers = layers_of(cache, *packages)
    files = merge(cache, layers)
    one = next(each.layer for each in layers.make() if each.layer.created_by == "pip one 1.0")
    with tarfile.open(cache.blobs.path(one.diff_id)) as archive:
        own = archive.extractfile(f"{PREFIX[1:]}/lib/python3.11/site-packages/tests/__init__.py")
        assert own is not None
        assert own.read() == b"one"

    assert content(files, "lib/python3.11/site-packages/tests/__init__.py") == "two"


def test_a_wheel_lands_where_the_environments_python_looks(
    wheel: Make, python: LockedPackage, cache: LayerCache
) -> None:
    files = {
        "demo.py": "x = 1",
        "demo-1.0.data/scripts/tool": "#!python\nprint(1)\n",
        "demo-1.0.data/scripts/shell": "#!/bin/sh\necho 1\n",
        "demo-1.0.data/data/share/demo/x.txt": "x",
        "demo-1.0.data/headers/demo.h": "h",
    }
    points = "[console_scripts]\ndemo = demo:main\n[gui_scripts]\nGui = demo.ui:App.run [extra]\n"
    merged = merge(cache, layers_of(cache, python, wheel("demo", files, points)))
    site_packages = "lib/python3.11/site-packages"

    assert content(merged, f"{site_packages}/demo.py") == "x = 1"
    assert content(merged, "share/demo/x.txt") == "x"
    assert content(merged, "include/python3.11/demo/demo.h") == "h"
    assert content(merged, "bin/tool") == f"#!{PREFIX}/bin/python\nprint(1)\n"
    assert content(merged, "bin/shell") == "#!/bin/sh\necho 1\n"
    assert content(merged, "bin/demo").startswith(f"#!{PREFIX}/bin/python\n")
    assert "from demo import main\n" in content(merged, "bin/demo")
    assert "from demo.ui import App\n" in content(merged, "bin/Gui")
    assert "sys.exit(App.run())\n" in content(merged, "bin/Gui")
    assert merged["bin/demo"].mode == 0o755
    notes = ("REQUESTED", "direct_url.json", "uv_cache.json")
    assert not any(path.endswith(notes) for path in merged)


def test_scripts_start_where_the_path_of_their_python_is_long(
    wheel: Make, python: LockedPackage, cache: LayerCache
) -> None:
    prefix = f"/azureml-envs/{'long-' * 30}x"
    files = {"demo-1.0.data/scripts/tool": "#!python\nprint(1)\n"}
    package = wheel("demo", files, "[console_scripts]\ndemo = demo:main\n")
    scripts = {}
    for each in layers_of(cache, python, package, prefix=prefix).make():
        with tarfile.open(cache.blobs.path(each.layer.diff_id)) as archive:
            for member in archive:
                stream = archive.extractfile(member) if "/bin/" in member.name else None
                scripts[member.name.rpartition("/")[2]] = stream.read() if stream else b""

    for name in ("demo", "tool"):
        head, call, end = scripts[name].decode().splitlines()[:3]
        assert (head, end) == ("#!/bin/sh", "' '''")
        assert call == f'\'\'\'exec\' "{prefix}/bin/python" "$0" "$@"'
        compile(scripts[name], name, "exec")


def test_the_record_of_a_wheel_says_what_is_there(
    wheel: Make, python: LockedPackage, cache: LayerCache
) -> None:
    package = wheel("demo", {"demo.py": "x = 1"}, "[console_scripts]\ndemo = demo:main\n")
    merged = merge(cache, layers_of(cache, python, package))
    rows = content(merged, "lib/python3.11/site-packages/demo-1.0.dist-info/RECORD").splitlines()
    script = content(merged, "bin/demo")

    listed = [row.split(",") for row in rows]
    paths = {
        row[0].removeprefix("../../../")
        if row[0].startswith("../")
        else f"lib/python3.11/site-packages/{row[0]}"
        for row in listed
    }
    assert paths <= set(merged)
    entry = next(row for row in listed if row[0] == "../../../bin/demo")
    assert entry[2] == str(len(script))


@pytest.mark.slow
def test_small_packages_share_layers_and_lose_nothing(conda: Make, cache: LayerCache) -> None:
    packages = [conda(f"p{number}", {f"share/{number}": str(number)}) for number in range(30)]
    layers = layers_of(cache, *packages, budget=10)
    files = merge(cache, layers)

    assert len(layers.make()) <= 10
    assert [content(files, f"share/{number}") for number in range(30)] == [
        str(number) for number in range(30)
    ]
    blobs = [cache.blobs.path(each.layer.diff_id).read_bytes() for each in layers.make()]
    for blob in blobs:
        with tarfile.open(fileobj=io.BytesIO(blob), mode="r:") as archive:
            names = archive.getnames()
            assert len(names) == len(set(names))


def test_compiled_modules_that_came_along_stay_valid(conda: Make, cache: LayerCache) -> None:
    # a magic number, no flags, the time of the source, and its size
    compiled = "MAGC\0\0\0\0\x01\0\0\0\x06\0\0\0code"
    package = conda(
        "compiled",
        {
            "lib/python3.11/mod.py": "x = 1\n",
            "lib/python3.11/__pycache__/mod.cpython-311.pyc": compiled,
        },
    )
    files = merge(cache, layers_of(cache, package))

    assert files["lib/python3.11/mod.py"].mtime == 1
    assert files["lib/python3.11/__pycache__/mod.cpython-311.pyc"].mtime == 315532800


def test_pip_packages_without_a_python_are_refused(wheel: Make, cache: LayerCache) -> None:
    with pytest.raises(EnvsyncError, match="no Python to install them for"):
        layers_of(cache, wheel("demo", {"demo.py": ""})).make()


def test_an_archive_that_is_not_the_locked_one_is_refused(
    wheel: Make, python: LockedPackage, cache: LayerCache
) -> None:
    package = wheel("demo", {"demo.py": ""})
    path = Path(package.url.removeprefix("file://"))
    path.write_bytes(path.read_bytes() + b"\0")

    with pytest.raises(EnvsyncError, match="Cannot install the pip packages"):
        layers_of(cache, python, package).make()
    assert cache.find("x") is None
    assert list(cache.root.glob("staging-*")) == []


def test_scripts_of_packages_are_read_for_what_they_would_set(
    conda: Make, cache: LayerCache
) -> None:
    package = conda(
        "gdal",
        {
            "etc/conda/activate.d/gdal.sh": (
                'if [ -d "$CONDA_PREFIX/share/gdal" ]; then\n'
                "  export GDAL_DATA=$CONDA_PREFIX/share/gdal\nfi\n"
            ),
            "share/gdal/x": "",
        },
    )
    layers = layers_of(cache, package)
    layers.make()
    activation = layers.read_activation({"CONDA_PREFIX": PREFIX})

    assert activation.variables == (("GDAL_DATA", f"{PREFIX}/share/gdal"),)


def test_programs_whose_loader_is_nowhere_are_named(conda: Make, cache: LayerCache) -> None:
    script = conda("script", {"bin/tool": "#!/bin/sh\n"})
    program = conda("program", {"bin/program": ""})
    real = Path(program.url.removeprefix("file://"))
    folder = real.parents[2] / "files" / "program-1.0"
    (folder / "bin/program").write_bytes(Path("/bin/ls").read_bytes())
    program = conda("program", {"share/x": ""})
    layers = layers_of(cache, script, program)
    layers.make()

    missing = layers.find_missing_loaders()
    assert list(missing) == [f"{PREFIX}/bin/program"]
    assert missing[f"{PREFIX}/bin/program"].startswith("/lib")
