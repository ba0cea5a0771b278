"""``report.html``: one file that opens from disk and asks nothing of a network.

The page holds a short row for each page of the run; what is shown once a page is chosen lies in
inert ``<script>`` elements that the browser does not look into before. Pictures lie there, too,
as long as they are few; otherwise in a folder beside the report.
"""

from __future__ import annotations

import base64
import hashlib
import json
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from textclean.report.data import Row, detail_dict, head_dict, ranked

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from textclean.errors import TextcleanError
    from textclean.report.collect import Collector

INSIDE_BYTES: Final = 24 * 1024**2
"""Pictures of at most so many bytes lie in the file itself, more of them in a folder."""

MAX_ROWS: Final = 20_000
"""The page lists at most so many pages, the most doubtful; ``report.json`` has all of them."""

DETAIL_BYTES: Final = 32 * 1024**2
"""Decisions take at most so many bytes; those of the surest pages are in ``report.json`` only."""

_HERE: Final = Path(__file__).parent
_SCRIPTS: Final = ("list.js", "sheet.js", "run.js", "main.js")


def picture_bytes(collector: Collector) -> int:
    """Bytes of all pictures that were put aside."""
    return sum(size for _, _, noted in collector.pages() for _, size in _places(noted).values())


def write_html(
    out: BinaryIO,
    collector: Collector,
    failures: Mapping[str, TextcleanError],
    options: Mapping[str, Any],
    *,
    folder: str | None = None,
) -> None:
    """Write the report.

    Args:
        out: Where to.
        collector: What was put aside while the run went on.
        failures: Inputs of which nothing came out, with the reason.
        options: The options of the run, plain values.
        folder: Name of the folder that holds the pictures, see :func:`pictures`; None = they go
            into the page.
    """
    rows = ranked(collector)
    head = head_dict(collector, rows[:MAX_ROWS], failures, options)
    head |= {
        "total": len(rows),
        "folder": folder,
        "left_out": collector.left_out,
        "picture_bytes": picture_bytes(collector),
    }
    style = (_HERE / "report.css").read_text("utf-8")
    script = "\n".join((_HERE / name).read_text("utf-8") for name in _SCRIPTS)
    page = (_HERE / "report.template.html").read_text("utf-8")
    before, after = page.split("<!-- data -->")
    start = before.replace("<!-- policy -->", _policy(style, script))
    start = start.replace("<!-- style -->", f"<style>{style}</style>")
    start = start.replace("<!-- summary -->", escape(_summary(head)))
    out.write(start.encode())
    out.write(_inert("run", "application/json", _json(head)))
    for part in _parts(rows[:MAX_ROWS], collector, inside=folder is None):
        out.write(part)
    out.write(after.replace("<!-- script -->", f"<script>{script}</script>").encode())


def pictures(collector: Collector) -> Iterator[tuple[str, bytes]]:
    """The pictures for the folder beside the report: names and bytes, in the order of the run."""
    for number, (_, _, noted) in enumerate(collector.pages(), 1):
        for kind, place in _places(noted).items():
            yield (
                f"{number:06}-{kind}.{'webp' if kind == 'patch' else 'jpg'}",
                collector.data(place),
            )


def _parts(rows: Sequence[Row], collector: Collector, *, inside: bool) -> Iterator[bytes]:
    """The inert elements of each page."""
    told = 0
    for row in rows:
        detail = _inert(f"page-{row.id}", "application/json", _json(detail_dict(row, collector)))
        told += len(detail)
        if told <= DETAIL_BYTES:
            yield detail
        for kind, place in _places(row.noted).items() if inside else ():
            text = base64.b64encode(collector.data(place))
            yield _inert(f"{kind}-{row.id}", "text/plain", text)


def _places(noted: Any) -> dict[str, tuple[int, int]]:
    """Where a page's pictures are put aside, by kind; empty ones are left out."""
    found = {"thumbnail": noted.thumbnail}
    if noted.pictures is not None:
        found["before"], found["patch"] = noted.pictures
    return {kind: place for kind, place in found.items() if place is not None and place[1]}


def _inert(name: str, kind: str, content: bytes) -> bytes:
    """An element that the browser keeps and does not run."""
    return f'<script type="{kind}" id="{name}">'.encode() + content + b"</script>\n"


def _json(value: Any) -> bytes:
    """JSON that cannot end the element it stands in; bytes of names that are no text become ?."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").encode("utf-8", "replace")


def _policy(style: str, script: str) -> str:
    """What the browser lets the page do: run this script, use this style, show pictures."""
    rules = (
        "default-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "img-src 'self' data: file:",
        f"style-src '{_digest(style)}'",
        f"script-src '{_digest(script)}'",
    )
    return f'<meta http-equiv="Content-Security-Policy" content="{"; ".join(rules)}">'


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _summary(head: Mapping[str, Any]) -> str:
    """The run in one sentence, for who runs no scripts."""
    told = ", ".join(f"{count} {level}" for level, count in head["levels"].items())
    return f"{head['total']} pages: {told}."
