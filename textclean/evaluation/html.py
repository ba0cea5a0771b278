"""The evaluation as one HTML file that needs nothing else: tables, and pictures inside it."""

from __future__ import annotations

import base64
from html import escape
from typing import TYPE_CHECKING

from textclean.evaluation.columns import COLUMNS
from textclean.evaluation.report import describe, suite_title, used_columns, write_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from textclean.evaluation.results import (
        Check,
        EvalReport,
        PageScores,
        RegionView,
        SetScores,
    )

_STYLE = """
body { font: 14px/1.4 system-ui, sans-serif; margin: 2em; color: #222; background: #fff; }
table { border-collapse: collapse; margin: 1em 0; }
th, td { padding: 3px 8px; border-bottom: 1px solid #ddd; text-align: right; white-space: nowrap; }
th.t, td.t { text-align: left; }
tr.first td { border-top: 2px solid #888; }
.ok { color: #070; } .bad { color: #b00; font-weight: bold; }
.region { display: flex; flex-wrap: wrap; gap: 8px; margin: 6px 0 18px; align-items: flex-start; }
figure { margin: 0; } figcaption { font-size: 12px; color: #666; }
img { max-width: 480px; border: 1px solid #ccc; }
dt { font-weight: bold; float: left; clear: left; width: 8em; } dd { margin-left: 8.5em; }
"""


def write_html(report: EvalReport, path: Path, *, views: int | None = None) -> None:
    """Write the report with the pictures of every page's worst regions.

    Args:
        report: What was measured.
        path: Where to write it.
        views: At most this many regions of each page; None = all that the report has.

    Raises:
        FileAccessError: The file cannot be written.
    """
    write_text(path, render(report, views=views))


def render(report: EvalReport, *, views: int | None = None) -> str:
    """The whole document, with at most ``views`` regions of each page."""
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8"><title>textclean: evaluation</title>',
        f"<style>{_STYLE}</style></head><body>",
        "<h1>Evaluation</h1>",
        _facts(report),
    ]
    if report.checks:
        parts += ["<h2>Required figures</h2>", _required(report.checks)]
    parts += ["<h2>Means over pages</h2>", *_tables(report.scores)]
    parts += [_notes(report.notes), _meanings(), _failures(report.failed_pages)]
    pictured = [page for page in report.pages if page.views[:views]]
    if pictured:
        parts += ["<h2>Worst regions of each page</h2>", _LEGEND]
    parts += [_page(page, page.views[:views]) for page in pictured]
    parts.append("</body></html>")
    return "\n".join(parts) + "\n"


_LEGEND = (
    "<p>Mask: green = masked near text, red = text that the mask missed, blue = masked more than "
    "12 px from any text, dark = not judged.</p>"
)


def _facts(report: EvalReport) -> str:
    facts = {**report.versions, **report.options}
    if report.features_distance is not None:
        facts["FID (own features)"] = f"{report.features_distance:.3f}"
    facts |= {f"left out: {name}": reason for name, reason in report.skipped.items()}
    items = "; ".join(f"{escape(str(name))}: {escape(str(value))}" for name, value in facts.items())
    return f"<p>{items}</p>"


def _tables(scores: Sequence[SetScores]) -> list[str]:
    """One table for each suite that was run."""
    suites = dict.fromkeys(score.suite for score in scores)
    return [_figures([score for score in scores if score.suite == suite]) for suite in suites]


def _figures(scores: Sequence[SetScores]) -> str:
    shown = used_columns(scores, COLUMNS)
    rows = []
    previous = ""
    for score in scores:
        first = previous != score.set
        previous = score.set
        names = (score.set, score.method)
        cells = "".join(f'<td class="t">{escape(name)}</td>' for name in names)
        cells += f"<td>{score.pages}</td>"
        cells += _cells(column.show(score.values.get(column.figure)) for column in shown)
        rows.append(f"<tr{' class=first' if first else ''}>{cells}</tr>")
    head = "".join(f'<th class="t">{name}</th>' for name in ("set", "method"))
    head += "<th>pages</th>"
    head += "".join(
        f'<th title="{escape(column.meaning)}">{escape(column.heading)}</th>' for column in shown
    )
    title = escape(suite_title(scores[0].suite).capitalize())
    return f"<h3>{title}</h3><table><tr>{head}</tr>{''.join(rows)}</table>"


def _required(checks: Sequence[Check]) -> str:
    rows = []
    for check in checks:
        mark = '<td class="ok">✓</td>' if check.passed else '<td class="bad">✗</td>'
        figure, *numbers = describe(check)
        names = (suite_title(check.suite), check.set, check.method, figure)
        cells = "".join(f'<td class="t">{escape(name)}</td>' for name in names)
        rows.append(f"<tr>{mark}{cells}{_cells(numbers)}</tr>")
    head = "".join(
        f'<th class="t">{name}</th>' for name in ("", "suite", "set", "method", "figure")
    )
    head += "<th>value</th><th>must</th><th>aim</th>"
    return f"<table><tr>{head}</tr>{''.join(rows)}</table>"


def _notes(notes: Sequence[str]) -> str:
    return "".join(f"<p>Note: {escape(note)}.</p>" for note in notes)


def _meanings() -> str:
    items = "".join(
        f"<dt>{escape(column.heading)}</dt><dd>{escape(column.meaning)}</dd>" for column in COLUMNS
    )
    return f"<details><summary>What the figures mean</summary><dl>{items}</dl></details>"


def _failures(pages: Sequence[PageScores]) -> str:
    if not pages:
        return ""
    items = "".join(
        f"<li>{escape(page.pair)}, {escape(page.method)}: {escape(page.error or '')}</li>"
        for page in pages
    )
    return f'<h2 class="bad">Pages that failed</h2><ul>{items}</ul>'


def _page(page: PageScores, views: Sequence[RegionView]) -> str:
    shown = (
        "region_psnr", "mask_recall", "over_erased", "ink_left",
        "ink_recall", "print_erased", "ocr_agreement", "masked",
    )  # fmt: skip
    figures = ", ".join(
        f"{column.heading} {column.show(page.values[column.figure])}"
        for column in COLUMNS
        if column.figure in shown and column.figure in page.values
    )
    title = f"{page.pair}: {suite_title(page.suite)}, {page.method}"
    return f"<h3>{escape(title)}</h3><p>{figures}</p>" + "".join(map(_region, views))


def _region(view: RegionView) -> str:
    x0, y0, x1, y1 = view.box
    pictures = "".join(
        f'<figure><img alt="{escape(label)}" src="data:image/webp;base64,'
        f'{base64.b64encode(data).decode("ascii")}"><figcaption>{escape(label)}</figcaption>'
        "</figure>"
        for label, data in view.pictures.items()
    )
    place = f"x {x0}–{x1}, y {y0}–{y1}: {view.psnr:.1f} dB"
    return f'<p>{place}</p><div class="region">{pictures}</div>'


def _cells(texts: Iterable[str]) -> str:
    return "".join(f"<td>{escape(text)}</td>" for text in texts)
