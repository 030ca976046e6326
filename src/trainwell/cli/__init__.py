"""The command `trainwell`: parse, one library call, exit code. Nothing here imports torch at the top."""

from __future__ import annotations

import importlib
import sys
import traceback
from pathlib import Path
from typing import Any

import click

from trainwell.cli.interrupts import remembered
from trainwell.errors import DataStop, TrainwellError

# name -> (module:attribute, one-line help); read by `--help` without importing the command
COMMANDS: dict[str, tuple[str, str]] = {
    "improve": (
        "trainwell.cli.improve:improve",
        "find out what is wrong, fix it, tune it, and prove that it got better",
    ),
    "fit": ("trainwell.cli.fit:fit", "train one problem with one recipe, recorded"),
    "tune": ("trainwell.cli.tune:tune", "find the best recipe of a space for a budget"),
    "check": ("trainwell.check.command:check_command", "say what is wrong with a training script or notebook"),
    "compare": ("trainwell.cli.compare:compare", "say which optimizer is better, by how much, how sure"),
    "claim": ("trainwell.cli.claim:claim", "check what somebody wrote against a result"),
    "lr": ("trainwell.cli.lr:lr", "find a learning rate by a range test"),
    "batch": ("trainwell.cli.batch:batch", "find a batch size: the largest, the fastest, the most useful"),
    "diagnose": ("trainwell.cli.diagnose:diagnose", "say what is wrong with a recorded run"),
    "report": (
        "trainwell.cli.report:report",
        "write the HTML page of a run, of several runs, of a study, or of an improvement",
    ),
    "plot": ("trainwell.cli.plot:plot", "draw a learning-rate schedule"),
    "explain": ("trainwell.cli.explain:explain", "show the page of a rule, or list all rules"),
    "problems": ("trainwell.cli.problems:problems", "list the built-in problems"),
}


class LazyGroup(click.Group):
    """A group that imports a command only when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command, or say the nearest one."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from trainwell.errors import unknown_name

            ctx.fail(unknown_name("command", args[0], COMMANDS))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="trainwell", message="trainwell %(version)s")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.pass_context
def cli(ctx: click.Context, debug: bool) -> None:
    """Find out why a neural network trains badly, fix it, tune it, and prove that it got better."""
    ctx.obj = {"debug": debug}


def main(arguments: list[str] | None = None) -> None:
    """Run the command and exit: 0 fine, 1 findings, 2 usage or failure, 130 interrupted."""
    sys.exit(_run(sys.argv[1:] if arguments is None else arguments))


def _run(arguments: list[str]) -> int:
    debug = "--debug" in arguments
    try:
        with remembered():
            result: Any = cli.main(args=arguments, prog_name="trainwell", standalone_mode=False)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        error.show()
        return 2
    except (click.Abort, KeyboardInterrupt) as stop:
        message = str(stop.__cause__ or stop)  # click wraps the interrupt
        click.echo(f"\ninterrupted{': ' + message if message else ''}", err=True)
        return 130
    except DataStop as stop:
        click.echo(f"stopped: {stop}", err=True)
        return 1
    except TrainwellError as error:
        if debug:
            raise
        click.echo(f"error: {error}", err=True)
        return 2
    except BrokenPipeError:
        return 0
    except Exception as error:
        if debug:
            raise
        click.echo(f"error: {_unexpected(error)}", err=True)
        return 2
    return result if isinstance(result, int) else 0


def _unexpected(error: Exception) -> str:
    """Name an exception that nobody foresaw, and its place: where a person's own code failed, else where ours did."""
    frames = traceback.extract_tb(error.__traceback__)
    ours, installed = str(Path(__file__).parents[1]), (sys.prefix, sys.base_prefix)
    theirs = [f for f in frames if not f.filename.startswith((ours, *installed, "<"))]
    frame = (theirs or [f for f in frames if f.filename.startswith(ours)])[-1]
    said = str(error).strip().partition("\n")[0] or "no message"
    place = f"{frame.filename}:{frame.lineno}"
    return f"{type(error).__name__} at {place}: {said}. `trainwell --debug ...` shows the traceback"
