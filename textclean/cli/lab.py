"""``textclean eval``: thin, everything is loaded when it is called."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from textclean.cli import parameters as p
from textclean.cli.console import Console

if TYPE_CHECKING:
    from collections.abc import Callable

EVAL_EXAMPLES = (
    "textclean eval --data ground-truth/",
    "textclean eval --data ground-truth/ --sfx remove --check --sheets worst/",
    "textclean eval --data ground-truth/ --sets screentone --suites fill --html report.html",
)

MEASURE = "What is measured"
RESULT = "What comes out"


def evaluate(
    data: Annotated[
        Path | None,
        typer.Option(
            help="Folder with comics/, screentone/, manga/, documents/, art/.",
            rich_help_panel=MEASURE,
            metavar="DIR",
        ),
    ] = None,
    pairs: Annotated[
        list[Path] | None,
        typer.Option(
            help="Folder with all_images/ and all_labels/ (SCUT-EnsText); may be repeated.",
            rich_help_panel=MEASURE,
            metavar="DIR",
        ),
    ] = None,
    sets: Annotated[
        str | None,
        typer.Option(
            help="Names of sets, separated by commas; all by default.",
            rich_help_panel=MEASURE,
            metavar="NAMES",
        ),
    ] = None,
    suites: Annotated[
        str | None,
        typer.Option(
            help="clean (end to end), fill (the true hole given), textless (art without text); "
            "clean,fill by default.",
            rich_help_panel=MEASURE,
            metavar="NAMES",
        ),
    ] = None,
    inpainters: Annotated[
        str | None,
        typer.Option(
            help="Fill suite: names or weights, separated by commas.",
            rich_help_panel=MEASURE,
            metavar="NAMES",
        ),
    ] = None,
    inpainter: p.Inpainter = None,
    detector: p.Detector = None,
    ink_weights: p.InkWeights = None,
    sfx: Annotated[
        str | None,
        typer.Option(
            help="End to end: remove or keep sound effects; as in the profile by default. The "
            "required figures are those with remove.",
            rich_help_panel=MEASURE,
            metavar="WHAT",
        ),
    ] = None,
    ocr: Annotated[
        bool | None,
        typer.Option(
            "--ocr/--no-ocr",
            help="Read the print of documents, some seconds a page: end to end by default, in "
            "the fill suite too with --ocr.",
            rich_help_panel=MEASURE,
        ),
    ] = None,
    device: p.Device = None,
    limit: Annotated[
        int | None,
        typer.Option(
            help="At most this many pages of each set.", rich_help_panel=MEASURE, metavar="N"
        ),
    ] = None,
    jobs: Annotated[
        int,
        typer.Option(
            help="Processes; times are only comparable with 1.",
            rich_help_panel=MEASURE,
            metavar="N",
        ),
    ] = 1,
    features: Annotated[
        Path | None,
        typer.Option(
            help="Your own features (.npz: cleaned, truth) for the Fréchet distance.",
            rich_help_panel=MEASURE,
            metavar="FILE",
        ),
    ] = None,
    json: Annotated[
        Path | None,
        typer.Option(help="Write all figures.", rich_help_panel=RESULT, metavar="FILE"),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(help="Write a report with pictures.", rich_help_panel=RESULT, metavar="FILE"),
    ] = None,
    views: Annotated[
        int,
        typer.Option(
            help="Worst regions of each page in the HTML.", rich_help_panel=RESULT, metavar="N"
        ),
    ] = 3,
    sheets: Annotated[
        Path | None,
        typer.Option(
            help="Write each set's worst ten regions as a PNG.",
            rich_help_panel=RESULT,
            metavar="DIR",
        ),
    ] = None,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Exit with 1 when a required figure is missed.",
            rich_help_panel=RESULT,
        ),
    ] = False,
    quiet: p.Quiet = False,
) -> None:
    """Measure textclean on pages whose truth is known."""
    from rich.console import Console as RichConsole

    from textclean.evaluation.html import write_html
    from textclean.evaluation.report import print_report, write_json
    from textclean.evaluation.results import DEFAULT_SUITES
    from textclean.evaluation.run import evaluate as run
    from textclean.evaluation.sheets import SHEET_REGIONS, write_sheets

    console = Console(quiet)
    changes = {
        "device": device,
        "inpainter": inpainter,
        "detector": detector,
        "ink_weights": ink_weights,
    }
    if sfx is not None:
        changes["sfx"] = sfx
    report = run(
        data,
        pairs=pairs or (),
        sets=_names(sets),
        suites=_names(suites) or DEFAULT_SUITES,
        inpainters=_names(inpainters),
        options=changes,
        limit=limit,
        ocr=ocr,
        jobs=jobs,
        views=max(views if html else 0, SHEET_REGIONS if sheets else 0),
        features=features,
        progress=_progress(console),
    )
    print_report(RichConsole(), report)
    if json:
        write_json(report, json)
    if html:
        write_html(report, html, views=views)
    if sheets:
        write_sheets(report, sheets)
    raise typer.Exit(report.exit_code(check=check))


def _progress(console: Console) -> Callable[[int, int, str], None]:
    return lambda done, total, name: console.say(f"[{done}/{total}] {name}")


def _names(text: str | None) -> tuple[str, ...] | None:
    parts = tuple(part.strip() for part in (text or "").split(",") if part.strip())
    return parts or None
