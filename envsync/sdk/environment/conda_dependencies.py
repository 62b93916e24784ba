"""The `CondaDependencies` of the Azure ML SDK."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from envsync.definition.conda.dependencies import dump_conda, load_conda
from envsync.definition.reading.report import Report
from envsync.definition.reading.source_file import read_source
from envsync.definition.reading.yaml_source import finish
from envsync.errors import DefinitionError
from envsync.files import write_atomically
from envsync.model.environment import CondaSpec
from envsync.model.text.redaction import redact
from envsync.sdk.environment import package_text as texts
from envsync.sdk.environment.conda_text import follow
from envsync.sdk.environment.items import check_list, drop_items, put_item
from envsync.yamlio import parse_yaml, plain_value

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

# The default of `CondaDependencies.create()` in azureml-core 1.61.
DEFAULT_PYTHON_VERSION = "3.10.18"

_DEFAULT = CondaSpec(
    name="project_environment",
    channels=("conda-forge",),
    match_specs=(f"python={DEFAULT_PYTHON_VERSION}",),
    pip_requirements=("azureml-defaults",),
    has_pip_section=True,
)


class CondaDependencies:
    """The packages of `conda_dependencies.yml`, read from a file or with the SDK's defaults.

    It differs from azureml-core where that is surprising:

    * there is one default Python, 3.10.18, where the SDK has two, and one default channel,
      `conda-forge`, where the SDK has `anaconda` before it;
    * packages that conda or pip would refuse are refused when they are added;
    * names are compared as conda and pip do: `scikit_learn` is `scikit-learn`, and
      `conda-forge::numpy=1` is `numpy`;
    * adding a package replaces the package of that name; a bare name keeps its version;
    * packages are removed by name, whatever versions are given;
    * pip options come before packages, and options that pip accumulates are all kept;
    * several pip sections become one.

    Comments in a file are kept when packages are added and removed.
    """

    def __init__(self, conda_dependencies_file_path: str | os.PathLike[str] | None = None) -> None:
        path = conda_dependencies_file_path
        self._loaded = _DEFAULT if path is None else _load(Path(path))
        self._spec = self._loaded

    @staticmethod
    def create(
        pip_indexurl: str | None = None,
        pip_packages: Iterable[str] | None = None,
        conda_packages: Iterable[str] | None = None,
        python_version: str = DEFAULT_PYTHON_VERSION,
        *,
        pin_sdk_version: bool = False,
    ) -> CondaDependencies:
        """Return the defaults with these packages; *pip_packages* replace `azureml-defaults`.

        *pip_indexurl* sets pip's index URL, and no other option is added. *pin_sdk_version* only
        warns: there is no SDK version to pin azureml packages to, and the lock pins them.
        """
        if pin_sdk_version:
            message = "envsync has no SDK version to pin azureml packages to; the lock pins them"
            warnings.warn(message, stacklevel=2)
        created = CondaDependencies()
        created.set_python_version(python_version)
        if pip_packages is not None:
            created.set_pip_requirements(pip_packages)
        if pip_indexurl is not None:
            created.set_pip_index_url(pip_indexurl)
        for package in check_list(conda_packages or ()):
            created._append_conda_package(package)
        return created

    @classmethod
    def from_spec(cls, spec: CondaSpec) -> CondaDependencies:
        """Return *spec* as an object that can be changed."""
        dependencies = cls()
        dependencies._loaded = dependencies._spec = spec
        return dependencies

    def to_spec(self) -> CondaSpec:
        """Return a frozen copy; its text is the loaded text, edited in place if possible."""
        if self._spec == self._loaded:
            return self._spec
        text = self._loaded.text
        return replace(self._spec, text=follow(text, self._spec) if text else "")

    @property
    def conda_channels(self) -> tuple[str, ...]:
        """The channels, highest priority first."""
        return self._spec.channels

    @property
    def conda_packages(self) -> tuple[str, ...]:
        """The match specs, as written."""
        return self._spec.match_specs

    @property
    def pip_packages(self) -> tuple[str, ...]:
        """The pip requirements of all pip sections, as written."""
        return self._spec.pip_requirements

    @property
    def pip_options(self) -> tuple[str, ...]:
        """The options for pip, as written."""
        return self._spec.pip_options

    def add_channel(self, channel: str) -> None:
        """Add *channel* after the others, unless it is there."""
        text = texts.check_text(channel, "a channel")
        if texts.channel_key(text) not in map(texts.channel_key, self.conda_channels):
            self._change(channels=(*self.conda_channels, text))

    def remove_channel(self, channel: str) -> None:
        """Remove *channel*, if it is there."""
        key = texts.channel_key(texts.check_text(channel, "a channel"))
        self._change(channels=drop_items(self.conda_channels, key, texts.channel_key))

    def add_conda_package(self, conda_package: str) -> None:
        """Add *conda_package*, a match spec, and replace those with the same name.

        Raises:
            DefinitionError: it is not a match spec.
        """
        text = texts.check_match_spec(conda_package)
        self._change(match_specs=put_item(self.conda_packages, text, texts.conda_key))

    def remove_conda_package(self, conda_package: str) -> None:
        """Remove the conda package with this name, if it is there.

        Raises:
            DefinitionError: it is Python.
        """
        key = texts.conda_key(texts.check_match_spec(conda_package))
        if key == "python":
            message = "`python` can't be removed: Azure ML environments need it"
            raise DefinitionError(message, hint="choose another version with `set_python_version`")
        self._change(match_specs=drop_items(self.conda_packages, key, texts.conda_key))

    def set_python_version(self, version: str) -> None:
        """Set the Python *version*: `3.11`, or with an operator, `>=3.10,<3.12`.

        Raises:
            DefinitionError: it is not a version.
        """
        wanted = texts.python_spec(version)
        if any(texts.conda_key(item) == "python" for item in self.conda_packages):
            self.add_conda_package(wanted)
        else:
            self._change(match_specs=(wanted, *self.conda_packages))

    def get_python_version(self) -> str | None:
        """Return the requested Python version, None for any.

        A range is returned as written; the SDK would return its upper bound.
        """
        found = (item for item in self.conda_packages if texts.conda_key(item) == "python")
        return next(map(texts.python_version, found), None)

    def add_pip_package(self, pip_package: str) -> None:
        """Add *pip_package*, and replace those with the same name.

        A requirement with a marker only replaces one with the same marker.

        Raises:
            DefinitionError: it is not a requirement, or it is an option.
        """
        text = texts.check_pip_package(pip_package)
        key_of = texts.pip_key_and_marker if ";" in text else texts.pip_key
        self._change(pip_requirements=put_item(self.pip_packages, text, key_of))

    def remove_pip_package(self, pip_package: str) -> None:
        """Remove the pip package with this name, if it is there."""
        key = texts.pip_key(texts.check_text(pip_package, "a pip requirement"))
        self._change(pip_requirements=drop_items(self.pip_packages, key, texts.pip_key))

    def set_pip_option(self, pip_option: str) -> None:
        """Add an option for pip, such as `--extra-index-url https://pypi.example.com/simple`.

        An option that pip uses once, such as `--index-url`, replaces the old one.

        Raises:
            DefinitionError: pip does not accept this option in a requirements file.
        """
        text = texts.check_pip_option(pip_option)
        self._change(pip_options=put_item(self.pip_options, text, texts.option_key))

    def remove_pip_option(self, pip_option: str) -> None:
        """Remove every option with this name, or with this name and value.

        Raises:
            DefinitionError: there is no such option.
        """
        text = texts.check_text(pip_option, "a pip option")
        kept = tuple(item for item in self.pip_options if not texts.matches_option(item, text))
        if kept == self.pip_options:
            raise DefinitionError(f"`{texts.option_name(text)}` is not among the pip options")
        self._change(pip_options=kept)

    def set_pip_index_url(self, index_url: str) -> None:
        """Set pip's index to *index_url*, which may begin with `--index-url`."""
        text = texts.check_text(index_url, "an address")
        self.set_pip_option(text if text.startswith("-") else f"--index-url {text}")

    def set_pip_requirements(self, pip_requirements: Iterable[str]) -> None:
        """Replace all pip requirements and options with *pip_requirements*."""
        lines = [texts.check_pip_line(line) for line in check_list(pip_requirements)]
        self._change(
            pip_options=tuple(line for line in lines if line.startswith("-")),
            pip_requirements=tuple(line for line in lines if not line.startswith("-")),
        )

    def serialize_to_string(self) -> str:
        """Return the YAML text."""
        return dump_conda(self.to_spec())

    def as_dict(self) -> dict[str, Any]:
        """Return the content of the YAML as plain values."""
        root = parse_yaml(self.serialize_to_string(), file="conda_dependencies.yml")
        return {} if root is None else plain_value(root)

    def save(self, path: str | os.PathLike[str] | None = None) -> str:
        """Write the YAML to *path*, by default `./conda_dependencies.yml`; return the path.

        Raises:
            EnvsyncError: the file can't be written.
        """
        target = Path("conda_dependencies.yml" if path is None else path)
        write_atomically(target, self.serialize_to_string().encode())
        return str(target)

    def save_to_file(
        self,
        base_directory: str | os.PathLike[str],
        conda_file_path: str | os.PathLike[str] = "conda_dependencies.yml",
    ) -> str:
        """Write the YAML to *conda_file_path* in *base_directory*; return the path."""
        return self.save(Path(base_directory) / conda_file_path)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CondaDependencies):
            return NotImplemented
        return replace(self._spec, text="") == replace(other._spec, text="")

    __hash__ = None  # type: ignore[assignment]  # it is mutable

    def __repr__(self) -> str:
        shown = ", ".join(
            f"{name}={[redact(text) for text in getattr(self, name)]}"
            for name in ("conda_channels", "conda_packages", "pip_options", "pip_packages")
        )
        return f"CondaDependencies({shown})"

    def _append_conda_package(self, conda_package: str) -> None:
        """Add one package of a list, which may name a package twice, but not Python."""
        text = texts.check_match_spec(conda_package)
        if texts.conda_key(text) == "python":
            self.add_conda_package(text)
        elif text not in self.conda_packages:
            self._change(match_specs=(*self.conda_packages, text))

    def _change(self, **fields: tuple[str, ...]) -> None:
        changed = replace(self._spec, **fields)  # type: ignore[arg-type]  # all of them are tuples
        if changed != self._spec:
            has_pip = bool(changed.pip_requirements or changed.pip_options)
            self._spec = replace(changed, has_pip_section=has_pip, text="")


def _load(path: Path) -> CondaSpec:
    report = Report(str(path))
    spec = load_conda(read_source(path, report), report)
    error = finish(report)
    if error is not None or spec is None:
        raise error or DefinitionError(f"`{path}` is not a conda environment file")
    return spec
