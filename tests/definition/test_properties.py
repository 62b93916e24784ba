"""Whatever a definition holds: it survives being saved, and whatever happens to one, it is said."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.definitions import CONDA, DOCUMENT, SHARED, write_definition

from envsync import definition as definitions
from envsync.definition.azureml.keys import DATABRICKS, SPARK, R
from envsync.definition.reading.fields import default_of
from envsync.definition.requirement.pip_section import read_pip_section
from envsync.errors import DefinitionError, Finding
from envsync.model.environment import (
    BuildContext,
    CondaSpec,
    DockerSettings,
    EnvironmentSpec,
    ImageRegistry,
    ManagedIdentity,
    OciPlatform,
    PythonSettings,
    UnknownKey,
)
from envsync.model.environment_name import find_name_fault
from envsync.model.json_value import freeze
from envsync.model.text.redaction import Secret

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
OPTIONAL = st.none() | TEXT
NAMES = st.none() | TEXT.filter(lambda name: find_name_fault(name) is None)
VARIABLES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0="), max_size=12)
PAIRS = st.dictionaries(VARIABLES, VARIABLES, max_size=3).map(lambda pairs: tuple(pairs.items()))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
NAME = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
VERSION = st.from_regex(r"[0-9]{1,2}(\.[0-9]{1,2}){0,2}", fullmatch=True)

CONDAS = st.builds(
    CondaSpec,
    name=NAMES,
    channels=st.lists(NAME, max_size=3).map(tuple),
    match_specs=st.lists(
        st.builds("{}{}{}".format, NAME, st.sampled_from(["=", ">=", "==", "~=1.", " "]), VERSION),
        max_size=4,
    ).map(tuple),
    pip_requirements=st.lists(
        st.builds("{}[x]=={} ; python_version < '3.9'".format, NAME, VERSION) | NAME, max_size=3
    ).map(tuple),
    pip_options=st.lists(
        st.sampled_from(["--pre", "--index-url https://x/y?z=1", "-r a.txt", "--no-binary :all:"]),
        max_size=3,
    ).map(tuple),
    has_pip_section=st.just(value=True),
    variables=PAIRS,
    prefix=OPTIONAL,
)
STARTS = st.one_of(
    st.builds(dict, base_image=TEXT.filter(bool)),
    st.builds(dict, base_dockerfile=st.builds("FROM {}\n".format, NAME)),
    st.builds(
        dict,
        build_context=st.builds(
            BuildContext,
            location_type=st.sampled_from(["git", "storageAccount"]),
            location=OPTIONAL,
            dockerfile_path=OPTIONAL,
        ),
    ),
)
UNKNOWN = st.dictionaries(
    st.sampled_from(["ä.b", "future", "nmae"]) | st.just("docker/gpuSupport"), JSON, max_size=3
).map(
    lambda found: tuple(
        UnknownKey(path=tuple(key.split("/")), value=freeze(value))
        for key, value in sorted(found.items(), key=lambda item: "/" not in item[0])
    )
)
SPECS = st.builds(
    EnvironmentSpec,
    name=NAMES,
    directory=st.just(Path()),
    files=st.just(()),
    version=OPTIONAL,
    environment_variables=PAIRS,
    conda=CONDAS,
    platform=st.builds(OciPlatform, os=TEXT, architecture=TEXT),
    registry=st.builds(
        ImageRegistry,
        address=OPTIONAL,
        username=OPTIONAL,
        password=st.none() | st.builds(Secret, TEXT),
        identity=st.none() | st.builds(ManagedIdentity, resource_id=OPTIONAL, client_id=OPTIONAL),
    ),
    python=st.builds(
        PythonSettings,
        user_managed_dependencies=st.booleans(),
        interpreter_path=TEXT,
        base_conda_environment=OPTIONAL,
    ),
    docker=st.builds(
        DockerSettings,
        enabled=st.booleans(),
        shared_volumes=st.booleans(),
        shm_size=OPTIONAL,
        arguments=st.lists(TEXT, max_size=3).map(tuple),
    ),
    spark=st.dictionaries(TEXT.filter(lambda key: key not in SPARK.fields), JSON, max_size=2).map(
        lambda extra: freeze(default_of(SPARK) | extra)
    ),
    databricks=st.dictionaries(
        TEXT.filter(lambda key: key not in DATABRICKS.fields), JSON, max_size=2
    ).map(lambda extra: freeze(default_of(DATABRICKS) | extra)),
    r=st.none()
    | st.builds(
        lambda packages: freeze(
            default_of(R._replace(is_nullable=False)) | {"customUrlPackages": packages}
        ),
        st.lists(TEXT, max_size=3),
    ),
    inferencing_stack_version=st.none() | st.just("latest"),
    asset_id=OPTIONAL,
    unknown_keys=UNKNOWN,
)


@pytest.mark.slow
@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(SPECS, STARTS)
def test_any_definition_survives_being_saved(
    definition: EnvironmentSpec, start: dict[str, object]
) -> None:
    definition = replace(definition, **start)
    with tempfile.TemporaryDirectory() as folder:
        definitions.save(definition, Path(folder) / "a", overwrite=False)
        reread = definitions.load(Path(folder) / "a").spec
        definitions.save(reread, Path(folder) / "b", overwrite=False)
        for path in (Path(folder) / "a").iterdir():
            assert (Path(folder) / "b" / path.name).read_bytes() == path.read_bytes()

    assert reread.conda is not None
    conda = replace(reread.conda, text="")
    assert replace(reread, conda=conda, directory=Path(), files=()) == definition


REAL = sorted(
    path
    for folder in ("azureml-v1", "azureml-v1-malformed")
    for path in (SHARED / "oracle" / folder).glob("*/*.*")
    if path.suffix in {".yml", ".json"} and path.name not in {"oracle.json", "result.json"}
)
SAMPLES = [path.read_bytes() for path in REAL] or [CONDA.encode(), json.dumps(DOCUMENT).encode()]
SPLICES = (
    b"\0 \xff \xc3 \t \n \r \r\n - : ? # & * ! | > ' \" % @ ` { } [ ] , --- ... <<: null 1e999 NaN "
    b"\xef\xbb\xbf \xff\xfe \\ud800 pip: dependencies: <<<<<<< 0x 12345678901234567890 ${A} {{b}} "
    b"-r -e git+ file:// :: == => ~= \xe2\x80\xa8 \xc2\x85 \x1b"
).split(b" ")


@st.composite
def broken(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """Return a JSON and a YAML file of which parts were cut, doubled, moved or replaced."""
    texts = []
    for first in (b"{", b""):
        fitting = [sample for sample in SAMPLES if sample.startswith(first) or not first]
        text = draw(st.sampled_from(fitting))
        for _ in range(draw(st.integers(0, 4))):
            start, end = sorted(draw(st.tuples(*[st.integers(0, len(text))] * 2)))
            splice = draw(st.sampled_from([*SPLICES, text[start:end] * 2, b""]))
            end = draw(st.sampled_from([start, min(start + 3, len(text)), end]))
            text = text[:start] + splice + text[end:]
        texts.append(text)
    return texts[0], texts[1]


def check_findings(findings: tuple[Finding, ...], *, least: int = 1) -> None:
    assert len(findings) >= least
    assert all(finding.text.isprintable() for finding in findings)


@pytest.mark.slow
@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(broken())
def test_any_mutation_of_a_real_file_is_a_definition_or_an_error(
    files: tuple[bytes, bytes],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source = write_definition(Path(folder) / "a", "", conda=files[1])
        (source / "azureml_environment.json").write_bytes(files[0])
        try:
            loaded = definitions.load(source)
        except DefinitionError as error:
            check_findings(error.findings)
            return
        check_findings(loaded.warnings, least=0)
        definitions.save(loaded.spec, Path(folder) / "b", overwrite=False)
        again = definitions.load(Path(folder) / "b").spec
        assert replace(again, conda=None, directory=source, files=()) == replace(
            loaded.spec, conda=None, directory=source, files=()
        )
        try:
            read_pip_section(loaded.spec)
        except DefinitionError as error:
            check_findings(error.findings)


def test_no_finding_shows_a_secret(tmp_path: Path) -> None:
    document = json.loads(json.dumps(DOCUMENT))
    document["docker"]["baseImageRegistry"]["password"] = ["FAKE"]
    document["docker"]["FAKEkey"] = "FAKE-value"
    document["environmentVariables"]["TOKEN"] = {"FAKE": "FAKE"}
    conda = (
        "channels: ['https://example.org/t/FAKE/x']\ndependencies:\n- https://u:FAKE@x/a.conda\n"
        "- pip:\n  - https://u:FAKE@x y\n  - a = https://x?sig=FAKE\n"
    )
    write_definition(tmp_path, document, conda=conda)

    with pytest.raises(DefinitionError) as caught:
        definitions.load(tmp_path)

    said = [f"{finding.message} {finding.hint}" for finding in caught.value.findings]
    assert len(said) == 4
    assert "FAKE" not in " ".join(said)
    assert "FAKE" not in str(caught.value)
