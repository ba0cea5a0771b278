"""``python -m textclean.evaluation``: the evaluation without the rest of the command line."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from textclean.errors import EXIT_INTERRUPTED, TextcleanError
from textclean.evaluation.html import write_html
from textclean.evaluation.report import print_report, write_json
from textclean.evaluation.results import DEFAULT_SUITES
from textclean.evaluation.run import evaluate
from textclean.evaluation.sheets import SHEET_REGIONS, write_sheets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one evaluation; returns the exit code."""
    from rich.console import Console

    given = _parser().parse_args(arguments)
    messages = Console(stderr=True)
    try:
        return _run(given, Console(), messages)
    except TextcleanError as error:
        messages.print(str(error), style="red", markup=False, highlight=False)
        return error.exit_code
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def _run(given: argparse.Namespace, console: Console, messages: Console) -> int:
    def tell(done: int, total: int, name: str) -> None:
        messages.print(f"{done}/{total} {name}", markup=False, highlight=False)

    report = evaluate(
        given.data,
        pairs=given.pairs,
        sets=given.sets,
        suites=given.suites,
        inpainters=given.inpainters,
        options=_options(given),
        limit=given.limit,
        ocr=given.ocr,
        jobs=given.jobs,
        views=max(given.views if given.html else 0, SHEET_REGIONS if given.sheets else 0),
        features=given.features,
        progress=None if given.quiet else tell,
    )
    print_report(console, report)
    if given.json:
        write_json(report, given.json)
    if given.html:
        write_html(report, given.html, views=given.views)
    if given.sheets:
        write_sheets(report, given.sheets)
    return report.exit_code(check=given.check)


def _options(given: argparse.Namespace) -> dict[str, str | None]:
    """Changes to the options of each profile; those that were not given stay as they are."""
    options = {"device": given.device, "inpainter": given.inpainter, "detector": given.detector}
    return options if given.sfx is None else {**options, "sfx": given.sfx}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m textclean.evaluation",
        description="Measure textclean on pages whose truth is known.",
    )
    add = parser.add_argument
    add("--data", type=Path, help="folder with comics/, screentone/, manga/, documents/, art/")
    add("--pairs", type=Path, action="append", default=[], metavar="DIR",
        help="folder with all_images/ and all_labels/ (SCUT-EnsText); may be repeated")  # fmt: skip
    add("--sets", type=_names, help="names of sets, comma-separated (default: all)")
    add("--suites", type=_names, default=DEFAULT_SUITES,
        help="clean, fill, textless (default: clean,fill)")  # fmt: skip
    add("--inpainters", type=_names, help="fill suite: names or weights, comma-separated")
    add("--inpainter", help="end to end: the inpainter, a name or weights")
    add("--detector", help="end to end: the detector")
    add("--sfx", choices=("remove", "keep"), help="end to end: sound effects (default: as in the "
        "profile); the required figures are those with remove")  # fmt: skip
    add("--ocr", action=argparse.BooleanOptionalAction,
        help="read the print of documents, some seconds a page (default: end to end only; --ocr: "
        "in the fill suite too)")  # fmt: skip
    add("--device", help="auto, cpu, cuda, cuda:N or mps")
    add("--limit", type=int, help="at most this many pages of each set")
    add("--jobs", type=int, default=1, help="processes (default: 1; times need 1)")
    add("--features", type=Path, help=".npz of your own features: arrays cleaned and truth")
    add("--json", type=Path, metavar="FILE", help="write all figures")
    add("--html", type=Path, metavar="FILE", help="write a report with pictures")
    add("--views", type=int, default=3, help="worst regions of each page in the HTML (default: 3)")
    add("--sheets", type=Path, metavar="DIR", help="write each set's worst ten regions as a PNG")
    add("--check", action="store_true", help="exit with 1 when a required figure is missed")
    add("-q", "--quiet", action="store_true", help="no progress")
    return parser


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


if __name__ == "__main__":
    sys.exit(main())
