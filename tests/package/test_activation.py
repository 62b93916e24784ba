from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from envsync.package.activation import Activation, read_activation

_GDAL = """\
#!/bin/bash
# Keep what is set already
if [[ -n "$GDAL_DATA" ]]; then
  export _CONDA_SET_GDAL_DATA=$GDAL_DATA
fi

if [ -d ${CONDA_PREFIX}/share/gdal ]; then
  export GDAL_DATA=$CONDA_PREFIX/share/gdal
  export GDAL_DRIVER_PATH="${CONDA_PREFIX}/lib/gdalplugins"  # a folder
elif [ -d $CONDA_PREFIX/Library/share/gdal ]; then
  export GDAL_DATA=$CONDA_PREFIX/Library/share/gdal
fi
"""

_UNDERSTOOD = [
    "export A=b",
    "export A='b c' D=\"e f\"",
    "A=b; export A",
    "export A=\\\n  b",
    'export A="${CONDA_PREFIX}/x"',
    'export A="${UNSET:-fallback}/${CONDA_PREFIX:+set}"',
    "export A=1; unset A",
    'if [ -n "$UNSET" ]; then export A=1; else export A=2; fi',
    'if [ -z "$UNSET" ]; then\n if [ -d "$CONDA_PREFIX/there" ]; then\n  export A=1\n fi\nfi',
    'if ! [ -e "$CONDA_PREFIX/nowhere" ]; then export A=1; fi',
    'if [ ! -e "$CONDA_PREFIX/nowhere" ]; then export A=1; fi',
    'if [ "$CONDA_PREFIX" = other ]; then\n export A=1\nelif [ a != b ]; then\n export A=2\nfi',
    '[ -d "$CONDA_PREFIX/there" ] && export A=1',
    '[ -d "$CONDA_PREFIX/there" ] || export A=1',
    "# only a comment",
    "echo hello; :",
]

_BEYOND = [
    "eval $(something)",
    'export A="$(dirname x)"',
    "export A=`date`",
    "export A=~/x",
    "f() {\n export A=1\n}\nf",
    "for x in 1 2; do export A=$x; done",
    ". other.sh",
    "export A=${CONDA_PREFIX##*/}",
    "if [ -d x ]; then export A=1",
    "fi",
    "echo x | tee y",
    "export A=/x/*",
]


@pytest.mark.parametrize("script", [*_UNDERSTOOD, _GDAL])
def test_what_is_understood_sets_what_a_shell_would_set(script: str, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "share/gdal").mkdir(parents=True)
    before = {"CONDA_PREFIX": str(tmp_path), "PATH": os.defpath}
    shell = ["bash", "-c", f"exec 3>&1 >/dev/null\n{script}\nenv -0 >&3"]
    output = subprocess.run(shell, env=before, capture_output=True, check=True).stdout.decode()
    after = dict(item.partition("=")[::2] for item in output.split("\0") if "=" in item)
    own = {"_", "SHLVL", "PWD", "OLDPWD"}

    read = read_activation(
        {"/x.sh": script.encode()},
        environment=before,
        exists=lambda path: Path(path).exists(),
    )

    assert read.not_understood == ()
    assert dict(read.variables) == {
        name: value.removeprefix("hello\n")
        for name, value in after.items()
        if name not in own and before.get(name) != value
    }


@pytest.mark.parametrize("script", _BEYOND)
def test_what_is_beyond_it_sets_nothing_and_is_named(script: str) -> None:
    read = read_activation(
        {"/a.sh": b"export FIRST=1", "/x.sh": f"export B=2\n{script}".encode()},
        environment={"CONDA_PREFIX": "/env"},
        exists=lambda path: path == "x",
    )

    assert read == Activation(variables=(("FIRST", "1"),), not_understood=("/x.sh",))


def test_variables_of_packages_in_json_are_read() -> None:
    read = read_activation(
        {"/etc/conda/env_vars.d/tool.json": b'{"TOOL_HOME": "/opt/tool"}', "/b.json": b"[1]"},
        environment={},
        exists=lambda path: False,  # noqa: ARG005
    )

    assert read.variables == (("TOOL_HOME", "/opt/tool"),)
    assert read.not_understood == ("/b.json",)


def test_what_a_script_keeps_for_deactivation_is_left_out() -> None:
    read = read_activation(
        {"/gdal.sh": _GDAL.encode()},
        environment={"CONDA_PREFIX": "/env", "GDAL_DATA": "/mine"},
        exists=lambda path: path == "/env/share/gdal",
    )

    assert read.variables == (
        ("GDAL_DATA", "/env/share/gdal"),
        ("GDAL_DRIVER_PATH", "/env/lib/gdalplugins"),
    )


def test_a_value_without_bounds_is_not_understood() -> None:
    double = "export A=aaaaaaaaaaaaaaaa\n" + "export A=$A$A$A$A\n" * 30
    files = {
        "/p/etc/conda/activate.d/a.sh": double.encode(),
        "/p/etc/conda/activate.d/b.sh": b"#" * (2 << 20),
        "/p/etc/conda/env_vars.d/c.json": b"[" * 100_000,
    }

    found = read_activation(files, environment={}, exists=lambda _: False)

    assert found == Activation(not_understood=tuple(sorted(files)))
