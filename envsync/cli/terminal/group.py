"""The command group, and the one place where an error becomes lines and an exit status."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from typing import TYPE_CHECKING, NoReturn

import click

from envsync import __version__
from envsync.cli.terminal.interrupt import INTERRUPTED
from envsync.cli.terminal.remedies import word_remedy
from envsync.cli.terminal.usage import Group, explain_usage, is_plain
from envsync.errors import DefinitionError, EnvsyncError
from envsync.remedy import Hint, say, use_words

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_BUG = 3

# Each module, called as its command, holds one `click.Command` named `command`; it is imported
# when that is asked for, and not to say what the command does.
_COMMANDS = {
    "lock": "Pin definitions: solve them and write conda-lock.yml.",
    "check": "Say whether locks answer their definitions.",
    "diff": "Say what changed between locks, environments or images.",
    "why": "Show what leads to a package in a lock.",
    "tree": "Show the packages in a lock below those asked for.",
    "build-local": "Make or update the locked environment, or its image.",
    "verify": "Hold an environment or image against its lock.",
    "run": "Run a command in the environment.",
    "score": "Run requests through the entry script.",
    "serve": "Serve the entry script over HTTP.",
    "service": "Look after what `serve --detach` left running.",
    "model": "Keep models by name and version.",
    "save-to-directory": "Write a definition as the Azure ML SDK v1 does.",
    "validate": "Say everything that is wrong or risky in definitions.",
    "add": "Ask for packages in a definition.",
    "remove": "No longer ask for packages in a definition.",
    "export": "Write a definition or a lock in another format.",
    "help": "Show a topic of the guide, or the options of a command.",
}


class _LazyGroup(Group):
    """Imports a command's module only when that command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        module = f"envsync.cli.{cmd_name.replace('-', '_')}"
        command = importlib.import_module(module).command
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(
    cls=_LazyGroup,
    name="envsync",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, "--version", "-V", message="envsync %(version)s")
def group() -> None:
    """Lock Azure ML environment definitions and run their models on your own machine.

    A definition is a folder DIR with azureml_environment.json or conda_dependencies.yml, or a v2
    or conda environment file. The usual way: `lock` it, `build-local`, then `score` or `serve`.
    """


def run(command: click.Command, arguments: Sequence[str] | None = None) -> NoReturn:
    """Run *command* and end the process with the status that the outcome has."""
    use_words(word_remedy)
    try:
        status = command.main(
            args=None if arguments is None else list(arguments),
            prog_name="envsync",
            standalone_mode=False,
        )
    except EnvsyncError as error:
        render(error)
        sys.exit(error.exit_status)
    except click.ClickException as error:
        _render_usage(error)
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        click.echo("Interrupted", err=True)
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        _print("Error", *_explain_os_error(error))
        sys.exit(1)
    except Exception:  # noqa: BLE001  # whatever it is, it is a bug in envsync
        _report_bug()
        sys.exit(_BUG)
    sys.exit(status if isinstance(status, int) else 0)


def _explain_os_error(error: OSError) -> tuple[str, str | None]:
    """Return what the machine refused, and what would help."""
    import errno  # noqa: PLC0415  # rarely needed

    if error.errno == errno.ENOENT and not error.filename and _is_nowhere():
        return "The working directory is no longer there", "change to a folder that is"
    place = f"`{error.filename}`: " if error.filename else ""
    hints = {
        errno.ENOSPC: "make room, or write to another disk",
        errno.EDQUOT: "make room, or write to another disk",
        errno.EMFILE: "let processes open more files: `ulimit -n 4096`",
        errno.EROFS: "choose a place that you may write to; `ENVSYNC_HOME` says where most lies",
    }
    return f"{place}{error.strerror or error}", hints.get(error.errno or 0)


def _is_nowhere() -> bool:
    try:
        os.getcwd()  # noqa: PTH109  # pathlib would ask the same
    except OSError:
        return True
    return False


def leave(end: SystemExit) -> NoReturn:
    """End this process as *end* says, without taking the interpreter down.

    That takes 8 ms. Also, rattler's worker threads may still let go of Python objects then,
    which crashes the process now and then, after all is done: exit status 139 in place of 0.
    """
    import atexit  # noqa: PLC0415  # only here

    atexit._run_exitfuncs()  # noqa: SLF001  # what a normal end would do first
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, OSError):  # closed, or full: said before
            stream.flush()
    os._exit(end.code if isinstance(end.code, int) else 1)


def render(error: EnvsyncError, *, of: Path | None = None) -> None:
    """Print *error* to stderr: each finding with its hint.

    *of* is the definition that failed, where the command has several; it is named once.
    """
    if isinstance(error, DefinitionError) and error.findings:
        for finding in error.findings:
            _print("Error", finding.text, finding.hint)
    else:
        is_named = of is None or f"`{of}`" in error.message or f"`{of}/" in error.message
        _print("Error", error.message if is_named else f"`{of}`: {error.message}", error.hint)


def _render_usage(error: click.ClickException) -> None:
    if not is_plain(error):
        error.show()
        return
    if isinstance(error, click.UsageError) and error.ctx is not None:
        click.echo(error.ctx.get_usage(), err=True)
    _print("Error", *explain_usage(error))


def warn(message: str, hint: Hint | None = None) -> None:
    """Print a warning to stderr: something that the reader can change."""
    _print("Warning", message, hint)


def _print(label: str, message: str, hint: Hint | None) -> None:
    colour = "red" if label == "Error" else "yellow"
    click.echo(f"{paint(f'{label}:', colour)} {_visible(message)}", err=True)
    if hint:
        click.echo(f"{paint('Hint:', 'cyan')} {_visible(say(hint))}", err=True)


def paint(label: str, colour: str) -> str:
    """Return *label* in *colour*, but for those who want none (https://no-color.org)."""
    return label if os.environ.get("NO_COLOR") else click.style(label, fg=colour, bold=True)


def _visible(text: str) -> str:
    """Return *text* without what a terminal would act upon; it may quote a hostile file."""
    if text.replace("\n", "").isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)


def _report_bug() -> None:
    import platform  # noqa: PLC0415  # nobody else needs it
    import traceback  # noqa: PLC0415

    traceback.print_exc()
    click.echo(
        f"Error: This is a bug in envsync {__version__} "
        f"(Python {platform.python_version()}, {platform.platform()})\n"
        "Hint: report it, with the lines above",
        err=True,
    )
