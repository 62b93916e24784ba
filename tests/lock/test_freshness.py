from dataclasses import replace
from pathlib import Path

import pytest

from envsync.lock.base_image import dump_base, find_base
from envsync.lock.freshness import Staleness, find_staleness
from envsync.lock.requested import dump_requested, list_requested, parse_requested
from envsync.model.environment import CondaSpec, EnvironmentSpec
from envsync.model.lockfile import Lockfile

CONDA = CondaSpec(
    channels=("conda-forge",),
    match_specs=("python=3.11", "numpy"),
    pip_requirements=("six==1.16",),
    pip_options=("--pre",),
    has_pip_section=True,
)
DIGEST, OTHER = f"sha256:{1:064}", f"sha256:{2:064}"


def make_spec(conda: CondaSpec | None = CONDA) -> EnvironmentSpec:
    return EnvironmentSpec(
        name="x", directory=Path(), files=(Path("conda_dependencies.yml"),), conda=conda
    )


def make_lockfile(spec: EnvironmentSpec) -> Lockfile:
    requested = list_requested(spec)
    return Lockfile(
        subdirs=("linux-64",),
        channels=requested.channels,
        sources=(),
        content_hash=(),
        custom_metadata=dump_requested(requested),
    )


def test_a_lock_answers_the_definition_it_was_made_from() -> None:
    assert find_staleness(make_spec(), make_lockfile(make_spec()), ["linux-64"]) == ()


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            {"match_specs": ("python=3.11", "numpy", "lightgbm")},
            "`conda_dependencies.yml` added `lightgbm`",
        ),
        ({"match_specs": ("python=3.11",)}, "`conda_dependencies.yml` removed `numpy`"),
        (
            {"match_specs": ("python=3.12", "numpy")},
            "`conda_dependencies.yml` changed `python=3.11` to `python=3.12`",
        ),
        (
            {"pip_requirements": ("six==1.17",)},
            "`conda_dependencies.yml`, under `pip:`, changed `six==1.16` to `six==1.17`",
        ),
        ({"pip_options": ()}, "`conda_dependencies.yml`, under `pip:`, removed `--pre`"),
        (
            {"channels": ("defaults", "conda-forge")},
            (
                "`conda_dependencies.yml` has the channels `defaults`, `conda-forge`, "
                "it was locked with `conda-forge`"
            ),
        ),
    ],
)
def test_what_changed_is_said(change: dict[str, tuple[str, ...]], text: str) -> None:
    changed = make_spec(replace(CONDA, **change))  # type: ignore[arg-type]

    assert find_staleness(changed, make_lockfile(make_spec()), ["linux-64"]) == (
        Staleness(text=text),
    )


def test_of_two_addresses_each_is_said_to_be_gone() -> None:
    base = "https://files.example/{}-1.0-py3-none-any.whl"
    before = make_spec(replace(CONDA, pip_requirements=(base.format("a"), base.format("b"))))
    after = make_spec(replace(CONDA, pip_requirements=(base.format("c"),)))
    source = "`conda_dependencies.yml`, under `pip:`,"

    assert [each.text for each in find_staleness(after, make_lockfile(before), [])] == [
        f"{source} added `{base.format('c')}`",
        f"{source} removed `{base.format('a')}`",
        f"{source} removed `{base.format('b')}`",
    ]


def test_a_reordered_definition_is_still_answered() -> None:
    reordered = make_spec(replace(CONDA, match_specs=("numpy", "python=3.11")))

    assert find_staleness(reordered, make_lockfile(make_spec()), ["linux-64"]) == ()


@pytest.mark.parametrize(
    ("then", "now", "text"),
    [
        (None, "a:1", "added the base image `a:1`"),
        ("a:1", None, "no longer has the base image `a:1`"),
        ("a:1", "b:1", "changed the base image `a:1` to `b:1`"),
        (f"a:1@{DIGEST}", "b:1", "changed the base image `a:1` to `b:1`"),
        (
            f"a:1@{DIGEST}",
            f"a:1@{OTHER}",
            f"changed the base image `a:1@{DIGEST}` to `a:1@{OTHER}`",
        ),
    ],
)
def test_another_base_image_is_said(then: str | None, now: str | None, text: str) -> None:
    before, after = (replace(make_spec(), base_image=image) for image in (then, now))
    lockfile = make_lockfile(before)
    known = (*lockfile.custom_metadata, dump_base(find_base(before)))

    assert find_staleness(after, replace(lockfile, custom_metadata=known), []) == (
        Staleness(text=f"`conda_dependencies.yml` {text}"),
    )
    assert find_staleness(after, lockfile, []) == ()


def test_lockfile_without_the_subdir_is_stale() -> None:
    assert find_staleness(make_spec(), make_lockfile(make_spec()), ["osx-arm64"]) == (
        Staleness(text="it has no packages for it", subdir="osx-arm64"),
    )


@pytest.mark.parametrize("text", [None, "", "{}", "[1]", "["])
def test_a_lock_that_does_not_say_what_it_was_made_for_is_stale(text: str | None) -> None:
    metadata = () if text is None else (("envsync.match-specs", text),)
    lockfile = replace(make_lockfile(make_spec()), custom_metadata=metadata)

    assert find_staleness(make_spec(), lockfile, []) == (
        Staleness(text="it does not say what it was locked for"),
    )


def test_secrets_stay_out_of_what_is_kept() -> None:
    spec = make_spec(
        replace(
            CONDA,
            channels=("https://user:hunter2@host.example/t/token-1/channel",),
            pip_options=("--extra-index-url https://user:hunter2@host.example/simple",),
            pip_requirements=("https://host.example/a-1-py3-none-any.whl?sig=hunter2",),
        )
    )

    kept = str(make_lockfile(spec))

    assert "hunter2" not in kept
    assert "token-1" not in kept
    assert find_staleness(spec, make_lockfile(spec), []) == ()


def test_a_definition_without_channels_means_the_default_ones() -> None:
    assert list_requested(make_spec(CondaSpec())).channels == ("defaults",)
    assert list_requested(make_spec(None)).channels == ("defaults",)


def test_a_pip_section_asks_for_pip() -> None:
    requested = list_requested(make_spec())

    assert "pip" in requested.match_specs
    assert parse_requested(requested.channels, dump_requested(requested)) == requested
