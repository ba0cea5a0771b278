"""Reports of an evaluation: tables for the terminal, and JSON."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from textclean.errors import FileAccessError
from textclean.evaluation.columns import BY_FIGURE, MAIN_COLUMNS, SCENE_TEXT_COLUMNS
from textclean.evaluation.data import SET_NAMES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console
    from rich.table import Table

    from textclean.evaluation.columns import Column
    from textclean.evaluation.results import Check, EvalReport, SetScores

_SUITE_TITLES = {
    "clean": "end to end",
    "fill": "true hole",
    "textless": "pages without text, default options",
}


def print_report(console: Console, report: EvalReport) -> None:
    """Print the tables: figures, scene-text figures of pairs folders, required figures."""
    for suite in dict.fromkeys(score.suite for score in report.scores):
        title = suite_title(suite).capitalize()
        scores = [score for score in report.scores if score.suite == suite]
        _print_figures(console, scores, MAIN_COLUMNS, f"{title}, means over pages")
        if pairs := [score for score in scores if score.set not in SET_NAMES]:
            _print_figures(console, pairs, SCENE_TEXT_COLUMNS, f"{title}, scene-text removal")
    if report.checks:
        console.print(_required(report.checks))
    for note in report.notes:
        console.print(f"note: {note}", markup=False, highlight=False)
    if report.features_distance is not None:
        console.print(f"FID (own features): {report.features_distance:.3f}")
    for name, reason in report.skipped.items():
        console.print(f"left out: {name} ({reason})", markup=False, highlight=False)
    for page in report.failed_pages:
        console.print(
            f"failed: {page.pair}, {page.method}: {page.error}", markup=False, highlight=False
        )


def write_json(report: EvalReport, path: Path) -> None:
    """Write all figures as JSON.

    Raises:
        FileAccessError: The file cannot be written.
    """
    text = json.dumps(report.as_dict(), indent=1, allow_nan=False, default=str)
    write_text(path, text + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a text file so that it appears whole or not at all.

    Raises:
        FileAccessError: The file cannot be written.
    """
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file so that it appears whole or not at all.

    Raises:
        FileAccessError: The file cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        try:
            temporary.write_bytes(content)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise FileAccessError(
            f"it cannot be written: {error.strerror or error}", source=str(path)
        ) from None


def used_columns(scores: Sequence[SetScores], columns: Sequence[Column]) -> list[Column]:
    """The columns that have a value in at least one row."""
    present = {figure for score in scores for figure in score.values}
    return [column for column in columns if column.figure in present]


def suite_title(suite: str) -> str:
    """What a suite is called in tables."""
    return _SUITE_TITLES.get(suite, suite)


def describe(check: Check) -> tuple[str, str, str, str]:
    """A required figure as text: what, the value, what it must be, what is aimed at."""
    column = BY_FIGURE[check.figure]
    relation = "≥" if check.at_least else "≤"
    aim = "" if check.aim is None else f"{relation} {check.aim:g}"
    must = f"{relation} {round(check.must, 3):g}"
    return column.heading, column.show(check.value), must, aim


def _print_figures(
    console: Console, scores: Sequence[SetScores], columns: Sequence[Column], title: str
) -> None:
    """One table, or several with fewer columns each where the terminal is too narrow."""
    shown = used_columns(scores, columns)
    names = max(len(score.set) for score in scores) + max(len(score.method) for score in scores)
    room = console.width - names - len("pages") - 8
    part: list[Column] = []
    for column in shown:
        if part and sum(_width(scores, one) for one in (*part, column)) > room:
            console.print(_figures(scores, part, title))
            part = []
        part.append(column)
    console.print(_figures(scores, part, title))


def _width(scores: Sequence[SetScores], column: Column) -> int:
    """Characters that a column takes with the gap before it."""
    texts = [*column.heading.split(), *(column.show(s.values.get(column.figure)) for s in scores)]
    return max(map(len, texts)) + 2


def _figures(scores: Sequence[SetScores], columns: Sequence[Column], title: str) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(title=title, header_style="bold", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("set", "method"):
        table.add_column(heading, no_wrap=True)
    for heading in ("pages", *(column.heading for column in columns)):
        table.add_column(heading.replace(" ", "\n"), justify="right", no_wrap=True)
    previous = ""
    for score in scores:
        if previous and previous != score.set:
            table.add_section()
        table.add_row(
            score.set if previous != score.set else "",
            score.method,
            f"{score.pages}" + (f" (-{score.failed})" if score.failed else ""),
            *(column.show(score.values.get(column.figure)) for column in columns),
        )
        previous = score.set
    return table


def _required(checks: Sequence[Check]) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(
        title="Required figures", header_style="bold", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0)
    )
    for heading in ("", "set", "method"):
        table.add_column(heading, no_wrap=True)
    table.add_column("figure")
    for heading in ("value", "must", "aim"):
        table.add_column(heading, justify="right", no_wrap=True)
    for check in checks:
        figure, value, must, aim = describe(check)
        mark = "[green]✓[/green]" if check.passed else "[red]✗[/red]"
        aim = f"{aim} ✓" if aim and check.reached_aim else aim
        table.add_row(mark, check.set, check.method, figure, value, must, aim)
    return table
