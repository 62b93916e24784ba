"""Remedies as arguments and calls of this library."""

from __future__ import annotations

import json

from envsync.model.text.wording import shell_quote
from envsync.remedy import Option, Step

# The arguments of this library by the name of their setting; `{}` is the value.
_ARGUMENTS = {
    "allow_large_source": "allow_large_source=True",
    "allow_unreproducible": "allow_unreproducible=True",
    "base": "base_image={}",
    "docker": "use_docker=True",
    "exclude_newer": "cut_off={}",
    "follow_links": "follow_links=True",
    "frozen": "frozen=True",
    "max_changes": "max_changes={}",
    "no_build": "no_build=True",
    "offline": "offline=True",
    "overwrite": "overwrite=True",
    "port": "port={}",
    "prefix": "prefix={}",
    "subdir": "subdirs=({},)",
    "system_requirements": "system_requirements=({},)",
    "update": "update=({},)",
    "upgrade": "upgrade=True",
    "workers": "workers={}",
}

_METHODS = {
    "lock": "Environment.lock",
    "check": "Environment.check",
    "build-local": "Environment.build_local",
    "save-to-directory": "Environment.save_to_directory",
    "model register": "Model.register",
    "model list": "Model.list",
    "model delete": "Model.delete",
    "serve": "Model.deploy",
    "service list": "LocalWebservice.list",
    "service delete": "LocalWebservice.delete",
}


def word_remedy(part: Option | Step) -> str:
    """Return *part* as a Python user writes it, in backticks; a step without a call is a command.

    An `Environment` stands for its directory, so the arguments of its steps are left out.
    """
    if isinstance(part, Option):
        return f"`{_spell_argument(part)}`"
    method = _METHODS.get(part.action)
    if method is None or any(option.name not in _ARGUMENTS for option in part.options):
        return f"`{_spell_command(part)}`"
    options = ", ".join(map(_spell_argument, part.options))
    if part.action == "lock" and options:
        options = f"LockOptions({options})"
    if part.arguments and part.action in {"model delete", "service delete"}:
        kind, _, method = method.partition(".")
        method = f"{kind}({json.dumps(part.arguments[0])}).{method}"
    return f"`{method}({options})`"


def _spell_argument(option: Option) -> str:
    argument = _ARGUMENTS.get(option.name, f"{option.name}={{}}")
    if "{}" not in argument:
        return argument
    if not option.value:
        return f"{argument.partition('=')[0]}=..."
    value = option.value if option.value.isdecimal() else json.dumps(option.value)
    return argument.format(value)


def _spell_command(step: Step) -> str:
    words = ["envsync", step.action]
    for option in step.options:
        words += [f"--{option.name.replace('_', '-')}", *filter(None, [option.value])]
    return " ".join([*words, *map(shell_quote, step.arguments)])
