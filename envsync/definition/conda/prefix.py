"""A conda environment on disk, read as the definition that it could have come from."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from envsync.definition.conda.history import read_history
from envsync.definition.conda.installed_wheels import find_pip_packages
from envsync.definition.conda.record import META, CondaRecord, read_prefix_file, read_records
from envsync.definition.reading.loaded import Loaded
from envsync.definition.reading.report import Report
from envsync.definition.reading.yaml_source import finish
from envsync.definition.requirement.match_spec import MatchSpec, MatchSpecError, parse_match_spec
from envsync.definition.requirement.package_place import (
    find_platform,
    is_plain_channel,
    name_channel,
)
from envsync.errors import DefinitionError
from envsync.model.channel import redact_url
from envsync.model.environment import CondaSpec, EnvironmentSpec
from envsync.model.text.redaction import quote

if TYPE_CHECKING:
    from pathlib import Path

_UNSET = "***unset***"  # what conda writes for a variable that was taken back
_INSTALLERS = frozenset({"pip", "setuptools", "wheel"})


def is_prefix(path: Path) -> bool:
    """Tell whether *path* is a conda environment."""
    return (path / META).is_dir()


def load_prefix(prefix: Path) -> Loaded:
    """Return a definition that can be locked again and gives what *prefix* has.

    The conda packages are those that somebody asked for, by the records and the history, as
    `conda env export --from-history` has them; one that was asked for without a version gets the
    one that is installed, so that the new environment is this one and not the newest. Where
    nobody is known to have asked, they are those that no other package needs, with their
    versions, and Python. The rest follows from these, on other platforms too.

    The pip packages are all that conda did not install, each with its version: what came from
    an address or a commit keeps that. Variables are those of `conda env config vars`. Channels
    are those of the records, the one with the most packages first. Credentials are left out.

    Raises:
        DefinitionError: *prefix* is no conda environment, or its records are broken.
    """
    if not is_prefix(prefix):
        raise DefinitionError(
            f"`{prefix}` is no conda environment", hint=f"give a folder that has `{META}` in it"
        )
    return _PrefixReader(prefix).load()


class _PrefixReader:
    def __init__(self, prefix: Path) -> None:
        self._prefix = prefix
        self._report = Report(str(prefix))

    def load(self) -> Loaded:
        records = read_records(self._prefix, self._report)
        channels = self._find_channels(records)
        pip = self._find_pip(records)
        chosen = {r: s for r, s in self._choose(records, channels) if r.pypi_name not in pip}
        conda = CondaSpec(
            name=self._prefix.absolute().name or None,
            channels=channels,
            match_specs=tuple(chosen[r] for r in sorted(chosen, key=_python_first)),
            pip_requirements=tuple(pip[name] for name in sorted(pip)),
            has_pip_section=bool(pip),
            variables=self._read_variables(),
        )
        error = finish(self._report)
        if error is not None:
            raise error
        history = self._prefix / META / "history"
        spec = EnvironmentSpec(
            name=conda.name,
            directory=self._prefix,
            files=(history,) if history.is_file() else (),
            conda=conda,
            platform=find_platform(record.subdir for record in records),
        )
        return Loaded(spec=spec, warnings=tuple(self._report.warnings))

    def _find_pip(self, records: tuple[CondaRecord, ...]) -> dict[str, str]:
        """Return the pip requirements; what conda's own tools were replaced with is left out."""
        found = find_pip_packages(self._prefix, records, self._report)
        of_conda = {record.pypi_name for record in records}
        for name in sorted(found):
            if name not in of_conda:
                continue
            if name in _INSTALLERS:
                del found[name]
                continue
            message = f"pip put {quote(name)} over conda's; it is taken as pip's"
            self._report.warn("", message, hint="install it with one of the two")
        return found

    def _choose(
        self, records: tuple[CondaRecord, ...], channels: tuple[str, ...]
    ) -> list[tuple[CondaRecord, str]]:
        """Return the packages that make the environment what it is, with their match specs."""
        history = read_history(self._prefix, self._report)
        asked = {r: history.get(r.name) or r.requested_spec or "" for r in records}
        requested = {r: text for r, text in asked.items() if text}
        is_explicit = len(requested) == len(records) and all(map(_names_build, asked.values()))
        if requested and not is_explicit:
            python = {r: "" for r in records if r.name == "python"}
            return [(r, _write_spec(t, r, channels)) for r, t in (python | requested).items()]
        needed = {name for record in records for name in record.needs if name != record.name}
        return [
            (record, _write_spec("", record, channels))
            for record in records
            if record.name == "python" or record.name not in needed
        ]

    def _find_channels(self, records: tuple[CondaRecord, ...]) -> tuple[str, ...]:
        found = (record.channel for record in records if record.channel)
        counts = Counter(name for name in map(name_channel, found) if self._is_channel(name))
        ordered = sorted(counts, key=lambda name: (name == "defaults", -counts[name], name))
        if any(redact_url(record.channel) != record.channel for record in records):
            message = "a channel's credentials are left out"
            self._report.warn("channels", message, hint="keep them in conda's own configuration")
        return tuple(ordered)

    def _is_channel(self, name: str) -> bool:
        """Tell whether a definition may hold *name*, and report it if not.

        A variable in it would be sent to whoever made the record.
        """
        if is_plain_channel(name):
            return True
        message = f"{quote(name)} is no channel; it is left out"
        if all(message != finding.message for finding in self._report.warnings):
            self._report.warn("channels", message, hint="add the channel that is meant")
        return False

    def _read_variables(self) -> tuple[tuple[str, str], ...]:
        path = self._prefix / META / "state"
        if not path.exists():
            return ()
        content = read_prefix_file(path, self._report)
        try:
            state = json.loads(content) if content is not None else {}
        except (ValueError, RecursionError):
            self._report.error("", f"{quote(str(path))} is not JSON", rule="syntax")
            return ()
        variables = state.get("env_vars") if isinstance(state, dict) else None
        if not isinstance(variables, dict):
            return ()
        return tuple((key, str(value)) for key, value in variables.items() if value != _UNSET)


def _write_spec(text: str, record: CondaRecord, channels: tuple[str, ...]) -> str:
    """Return what was asked for in the form that conda, and Azure ML, read in a definition.

    What names one build binds to one platform; the version is what is meant.
    """
    spec = _parse(text) or MatchSpec(name=record.name)
    version = (dict(spec.brackets).get("version") or spec.version or "").replace(" ", "")
    channel = dict(spec.brackets).get("channel") or spec.channel
    named = name_channel(channel) if channel else ""
    place = f"{named}::" if named in channels else ""
    installed = f"{place}{record.name}={record.version}"
    if not version or version == "*":
        return installed
    if version.endswith("*") and version[0].isdigit():
        return f"{place}{record.name}={version.rstrip('*').rstrip('.')}"
    asked = f"{place}{record.name}{'==' if version[0].isalnum() else ''}{version}"
    return asked if _parse(asked) is not None else installed


def _names_build(text: str) -> bool:
    """Tell whether the match spec asks for one archive, as an install from a lock does."""
    spec = _parse(text)
    exact = {"build", "url", "fn", "md5", "sha256"}
    return spec is None or spec.build is not None or bool(exact & dict(spec.brackets).keys())


def _parse(text: str) -> MatchSpec | None:
    try:
        return parse_match_spec(text)
    except MatchSpecError:
        return None


def _python_first(record: CondaRecord) -> tuple[bool, str]:
    return record.name != "python", record.name
