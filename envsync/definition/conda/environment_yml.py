"""A plain conda environment file (CEP 24), both ways."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from envsync.definition.conda.dependencies import KEYS, dump_conda, read_conda
from envsync.definition.reading.loaded import Loaded
from envsync.definition.reading.repairs import suggest_key
from envsync.definition.reading.report import Report, join
from envsync.definition.reading.yaml_source import finish
from envsync.errors import DefinitionError
from envsync.model.environment import EnvironmentSpec
from envsync.model.text.wording import suggest
from envsync.remedy import Hint, Option, Step, advise
from envsync.yamlio import Mapping, Scalar, Sequence, dump_yaml

if TYPE_CHECKING:
    from envsync.definition.reading.yaml_source import YamlSource
    from envsync.model.environment import CondaSpec
    from envsync.yamlio import Node

# Known to some clients of conda, and so no mistake; what to do about them in envsync.
_EXTENSIONS: dict[str, Hint | None] = {
    "platforms": advise(
        "lock for other subdirs with ", Step("lock", (), (Option("subdir", "SUBDIR"),))
    ),
    "category": None,
}
_PYTHON_ENV_KEYS = frozenset({"build_dependencies", "python"})
_SELECTOR = re.compile(r"^\s*-\s.*\s#\s*\[[^\]]+\]\s*$")


def load_environment_yml(source: YamlSource) -> Loaded:
    """Return the definition in *source*, which has no image and no settings of Azure ML.

    It is called as the file says, else as its folder.

    Raises:
        DefinitionError: it is wrong; the error holds every finding.
    """
    conda = read_cep24(source.root, source.report, text=source.text)
    error = finish(source.report)
    if error is not None or conda is None:
        raise error or DefinitionError(f"`{source.path}` is no conda environment file")
    directory = source.path.parent
    spec = EnvironmentSpec(
        name=conda.name or directory.resolve().name or None,
        directory=directory,
        files=(source.path,),
        conda=conda,
    )
    return Loaded(spec=spec, warnings=tuple(source.report.warnings))


def read_cep24(node: Node | None, report: Report, *, text: str, path: str = "") -> CondaSpec | None:
    """Return what *node* asks for, by the rules of CEP 24 and not by those of azureml-core.

    An unknown key is ignored with a warning ("Other top-level keys"), an unknown section among
    the dependencies is an error ("dependencies"). *text* is what *node* was parsed from, empty
    where it has none of its own; *path* is where *node* stands.
    """
    if not isinstance(node, Mapping):
        return read_conda(node, report, text=text, path=path)
    if node.entries and {key.text for key, _ in node.entries} >= _PYTHON_ENV_KEYS:
        hint = "give the `conda.yaml` beside it, or the folder of the model"
        report.error(
            path,
            "this is MLflow's `python_env.yaml`, not a conda file",
            hint=hint,
            rule="not-a-definition",
        )
        return None
    misspelt = _find_misspelt(node)
    if misspelt is not None:
        report.error(
            join(path, misspelt.text),
            "conda ignores this key",
            hint=suggest_key(misspelt.text, ("dependencies",)),
            at=misspelt,
            rule="unknown-key",
        )
        return None
    _warn_selectors(text, report)
    entries = []
    for key, value in node.entries:
        if key.text not in KEYS:
            advice = _EXTENSIONS.get(key.text) or suggest_key(key.text, KEYS)
            message = "conda ignores this key, and envsync does not keep it"
            report.warn(join(path, key.text), message, hint=advice, at=key, rule="unknown-key")
        elif key.text == "dependencies":
            entries.append((key, _without_sections(value, report, join(path, key.text))))
        else:
            entries.append((key, value))
    known = node._replace(entries=tuple(entries))
    return read_conda(known, report, text=text, path=path)


def dump_environment_yml(spec: EnvironmentSpec) -> str:
    """Return *spec* as a conda environment file, in its author's text as far as that says it.

    The file is called as *spec* is, and its variables are those of the conda side and then the
    others, so that an environment made from it has all of them.

    Raises:
        DefinitionError: *spec* has no conda dependencies.
    """
    conda = spec.conda
    if conda is None:
        raise DefinitionError(
            f"`{spec.directory}` has no conda dependencies, so no conda file can hold it"
        )
    variables = dict(conda.variables) | dict(spec.environment_variables)
    changed = replace(conda, name=spec.name or conda.name, variables=tuple(variables.items()))
    return dump_conda(replace(changed, text=_edit(conda, changed)))


def _edit(before: CondaSpec, after: CondaSpec) -> str:
    """Return the text of *before* with the name and the variables of *after*.

    That is a guess at where they stand; `dump_conda` takes it only if it says what *after* says.
    """
    text = before.text
    if not text or (before.variables and before.variables != after.variables):
        return ""
    if after.name is not None and before.name != after.name:
        line: str = dump_yaml({"name": after.name})
        text, count = re.subn(r"^name:[^\n]*\n", lambda _: line, text, count=1, flags=re.MULTILINE)
        text = text if count else line + text
    if before.variables != after.variables:
        text += "" if text.endswith("\n") else "\n"
        text += dump_yaml({"variables": dict(after.variables)})
    return text


def _without_sections(node: Node, report: Report, path: str) -> Node:
    """Return the dependencies without what no installer here knows, which is reported."""
    if not isinstance(node, Sequence):
        return node
    items: list[Node] = []
    for i, item in enumerate(node.items):
        if not isinstance(item, Mapping):
            items.append(item)
            continue
        kept = []
        for key, value in item.entries:
            place = f"{path}[{i}].{key.text}"
            if key.text.startswith("sel("):
                hint = "write one file for each platform"
                report.error(place, "envsync does not act on selectors", hint=hint, at=key)
            elif key.text != "pip" and not isinstance(value, Scalar):
                message = "no installer for this section is known"
                report.error(place, message, hint="only `pip` may stand here", at=key)
            else:
                kept.append((key, value))
        items.append(item._replace(entries=tuple(kept)))
    return node._replace(items=tuple(items))


def _find_misspelt(node: Mapping) -> Scalar | None:
    """Return the key that must be meant for `dependencies`, where that is missing."""
    keys = [key for key, _ in node.entries]
    if any(key.text == "dependencies" for key in keys):
        return None
    unknown = (key for key in keys if key.text not in KEYS)
    return next((key for key in unknown if suggest(key.text, ("dependencies",))), None)


def _warn_selectors(text: str, report: Report) -> None:
    if "[" not in text:
        return
    for number, line in enumerate(text.splitlines(), start=1):
        if _SELECTOR.match(line):
            at = Scalar(line, line=number, column=line.index("#") + 1)
            message = "conda-lock would act on this selector; conda and envsync take the line as is"
            report.warn("", message, hint="write one file for each platform", at=at)
