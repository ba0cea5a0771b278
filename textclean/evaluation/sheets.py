"""Contact sheets: the worst regions of each set, side by side with their truth, as one PNG."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from PIL import Image as PilImage
from PIL import ImageDraw, ImageFont

from textclean.errors import FileAccessError
from textclean.evaluation.figures import END_TO_END
from textclean.evaluation.report import write_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from textclean.evaluation.results import EvalReport, PageScores, RegionView, SetScores

SHEET_REGIONS = 10
COLUMNS = {"before": "lettered", "truth": "truth", "after": "cleaned", "mask": "mask"}
LEGEND = (
    "mask: green = near text, red = text missed, blue = over 12 px from text, dark = not judged"
)
_GAP, _CAPTION = 8, 18
_PAPER, _INK = (255, 255, 255), (0, 0, 0)

Row = tuple["PageScores", "RegionView"]


def write_sheets(
    report: EvalReport, folder: Path, *, count: int = SHEET_REGIONS
) -> tuple[Path, ...]:
    """Write one sheet for each set, suite and method that has pictures.

    Files are named ``SET_SUITE.png``, in the fill suite ``SET_fill_METHOD.png``. The report must
    have been made with ``count`` views a page: all of the worst may be on one page.

    Args:
        report: What was measured.
        folder: Where to write them; made when it is not there.
        count: Regions on a sheet.

    Returns:
        The files, in the order of the report's scores.

    Raises:
        FileAccessError: A file cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileAccessError(
            f"the folder cannot be made: {error.strerror or error}", source=str(folder)
        ) from None
    written = []
    for score in report.scores:
        if rows := worst_of_set(report, score, count):
            path = folder / f"{_file_name(score)}.png"
            write_bytes(path, _png(draw_sheet(_title(score, len(rows)), rows)))
            written.append(path)
    return tuple(written)


def worst_of_set(report: EvalReport, score: SetScores, count: int) -> list[Row]:
    """The regions of a set with the largest sums of squared errors, worst first."""
    pairs = next(group.pairs for group in report.sets if group.name == score.set)
    keys = {pair.key for pair in pairs}
    rows = [
        (page, view)
        for page in report.pages
        if page.pair in keys and (page.suite, page.method) == (score.suite, score.method)
        for view in page.views
    ]
    return sorted(rows, key=lambda row: -row[1].error)[:count]


def draw_sheet(title: str, rows: Sequence[Row]) -> PilImage.Image:
    """One row a region: the page as it came, the truth, the result, the mask over the page."""
    pictures = [[_decoded(view.pictures[name]) for name in COLUMNS] for _, view in rows]
    width = max(picture.width for row in pictures for picture in row) + _GAP
    heights = [row[0].height + _CAPTION + _GAP for row in pictures]
    top = 2 * _CAPTION + _GAP
    sheet = PilImage.new("RGB", (len(COLUMNS) * width + _GAP, top + sum(heights)), _PAPER)
    pen = ImageDraw.Draw(sheet)
    _write(pen, (_GAP, 2), f"{title}; {LEGEND}")
    for index, heading in enumerate(COLUMNS.values()):
        _write(pen, (_GAP + index * width, 2 + _CAPTION), heading)
    for (page, view), row, height in zip(rows, pictures, heights, strict=True):
        x0, y0, x1, y1 = view.box
        _write(pen, (_GAP, top), f"{page.pair}  x {x0}-{x1}, y {y0}-{y1}: {view.psnr:.1f} dB")
        for index, picture in enumerate(row):
            sheet.paste(picture, (_GAP + index * width, top + _CAPTION))
        top += height
    return sheet


def _title(score: SetScores, count: int) -> str:
    method = "" if score.method == END_TO_END else f", {score.method}"
    return f"{score.set}, {score.suite}{method}: worst {count}"


def _file_name(score: SetScores) -> str:
    parts = [score.set, score.suite]
    if score.method != END_TO_END:
        parts.append(score.method)
    return re.sub(r"[^\w.-]+", "-", "_".join(parts))


def _write(pen: ImageDraw.ImageDraw, place: tuple[int, int], text: str) -> None:
    # The font that comes with Pillow knows little more than ASCII.
    shown = text.encode("ascii", "replace").decode("ascii")
    pen.text(place, shown, fill=_INK, font=ImageFont.load_default())


def _decoded(data: bytes) -> PilImage.Image:
    with PilImage.open(io.BytesIO(data)) as picture:
        return picture.convert("RGB")


def _png(sheet: PilImage.Image) -> bytes:
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG")
    return buffer.getvalue()
