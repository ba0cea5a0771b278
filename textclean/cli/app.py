"""The typer app, and what becomes of errors.

Exit codes: 0 ok, 1 usage, 2 bad input, 3 missing dependency or weights, 4 some pages failed, 5 file
access, 6 text was left under ``--strict`` or ``compare`` found a difference, 130 interrupted.
"""

from __future__ import annotations

import re
import sys
import traceback
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from textclean import __version__
from textclean.cli import compare, documents, inpaint, lab, models, overlay, status, training
from textclean.cli.console import put, tell_error, tell_event
from textclean.errors import EXIT_INTERRUPTED, EXIT_OK, TextcleanError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

EPILOG = (
    "Exit codes: 0 ok, 1 usage, 2 bad input, 3 missing dependency or weights, 4 some pages failed, "
    "5 file access, 6 text was left under --strict or compare found a difference, 130 interrupted."
)


class _Group(TyperGroup):
    """The app's group of commands: here errors become one line and an exit code."""

    def main(self, *args: Any, **settings: Any) -> NoReturn:
        """Run; never returns."""
        given = args[0] if args else settings.pop("args", None)
        given = sys.argv[1:] if given is None else list(given)
        settings["standalone_mode"] = False
        log_json = "--log-json" in given
        try:
            code = super().main(given, **settings)
            if code == EXIT_INTERRUPTED:
                # Newer typer turns Ctrl-C into this code, older ones raise.
                _interrupted(log_json)
        except Exception as error:
            code = _explain(error, verbose=_is_verbose(given), log_json=log_json)
        except KeyboardInterrupt:
            code = _interrupted(log_json)
        sys.exit(code if isinstance(code, int) else EXIT_OK)


def _explain(error: Exception, *, verbose: bool, log_json: bool) -> int:
    """Tell what went wrong; the exit code."""
    if isinstance(error, TextcleanError):
        tell_error(error, log_json=log_json)
        return error.exit_code
    if isinstance(error, typer.Abort):
        return _interrupted(log_json)
    # What typer and, before it had its own, click raise for a wrong call.
    if (message := getattr(error, "format_message", None)) is not None:
        tell_error(f"{message().rstrip('.')}. See --help", log_json=log_json)
        return UsageError.exit_code
    if verbose and log_json:
        tell_event("detail", text="".join(traceback.format_exception(error)))
    elif verbose:
        traceback.print_exception(error)
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    tell_error(
        f"something unexpected went wrong ({what}). This is a bug of textclean"
        + ("" if verbose else "; run with -v for the traceback"),
        log_json=log_json,
    )
    return 1


def _interrupted(log_json: bool) -> int:
    tell_error("interrupted; what was not finished was not written", log_json=log_json)
    return EXIT_INTERRUPTED


def _is_verbose(args: Sequence[str]) -> bool:
    return any(arg == "--verbose" or re.fullmatch(r"-[a-z]*v[a-z]*", arg) for arg in args)


app = typer.Typer(
    cls=_Group,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        put(f"textclean {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True, epilog=EPILOG)
def textclean(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=_version, is_eager=True),
    ] = False,
) -> None:
    """Remove text from manga, comic and document pages.

    Nothing outside the removed lettering changes; what could not be removed is told.
    """
    if context.invoked_subcommand is None:
        put(context.get_help())


def _examples(lines: Sequence[str]) -> str:
    """An epilog in which each example keeps its line."""
    return "Examples:\n\n" + "\n\n".join(f"[bold]$ {line}[/bold]" for line in lines)


app.command("clean", epilog=_examples(documents.CLEAN_EXAMPLES))(documents.clean)
app.command("detect", epilog=_examples(documents.DETECT_EXAMPLES))(documents.detect)
app.command("status", epilog=_examples(status.STATUS_EXAMPLES))(status.status)
app.command("inpaint", epilog=_examples(inpaint.INPAINT_EXAMPLES))(inpaint.inpaint)
app.command("overlay", epilog=_examples(overlay.OVERLAY_EXAMPLES))(overlay.overlay)
app.command("compare", epilog=_examples(compare.COMPARE_EXAMPLES))(compare.compare)
app.add_typer(models.models, name="models", epilog=_examples(models.MODELS_EXAMPLES))
app.command("eval", epilog=_examples(lab.EVAL_EXAMPLES))(lab.evaluate)
training.train.command("inpaint", epilog=_examples(training.TRAIN_EXAMPLES))(training.train_inpaint)
training.train.command("ink", epilog=_examples(training.INK_EXAMPLES))(training.train_ink)
app.add_typer(training.train, name="train")


def main() -> NoReturn:
    """The entry point of the command ``textclean``."""
    app(prog_name="textclean")
    raise AssertionError("the app exits by itself")
