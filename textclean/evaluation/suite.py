"""The suites: whole pages end to end, fills of the true hole, and pages without any text.

All measure one page at a time and keep nothing of it but numbers and a few small pictures.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np

from textclean.errors import PageError, TextcleanError
from textclean.evaluation import metrics
from textclean.evaluation.figures import END_TO_END
from textclean.evaluation.memory import PeakMemory
from textclean.evaluation.printed import print_erased, print_masked, print_pixels
from textclean.evaluation.results import PageScores
from textclean.evaluation.scene_text import scene_text_scores
from textclean.evaluation.spectrum import tone_scores
from textclean.evaluation.views import worst_regions
from textclean.types import Page

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textclean.evaluation.data import Pair, PairImages
    from textclean.evaluation.reading import PrintReadings
    from textclean.types import Box, Image, Mask, PageResult, Region

_CONFIDENCE_REACH = 8  # pixels around a region's polygon in which its mask may lie


class PageCleaner(Protocol):
    """What the end-to-end suite needs of a cleaner."""

    def clean(self, page: Page) -> PageResult:
        """Remove the text from a page."""


class Fill(Protocol):
    """What the fill suite needs of an inpainter: :class:`textclean.protocols.Inpainter`."""

    def __call__(self, image: Image, mask: Mask, see_through: Mask | None = None) -> Image:
        """A new ``(H, W, 3)`` uint8 image; equal to ``image`` outside ``mask``."""


def score_clean(
    pair: Pair,
    images: PairImages,
    cleaner: PageCleaner,
    *,
    readings: PrintReadings | None = None,
    views: int = 0,
) -> PageScores:
    """Clean a page end to end and measure everything.

    Figures beside those of :func:`score_fill`: ``mask_recall``, ``over_erased``,
    ``changed_fraction``, ``seconds_STAGE`` for each stage that the cleaner reports, and
    ``overhead``: the time of everything but detection as a multiple of detection's. Annotated
    documents have ``ink_recall`` in place of ``mask_recall``, and ``print_masked``.

    Args:
        pair: The pair that ``images`` are of.
        images: Its pixels.
        cleaner: Cleans the page.
        readings: How the page's print is read, for the figures ``ocr_agreement`` and
            ``ocr_annotated``; None = it is not read.
        views: How many of the worst regions to make pictures of.
    """
    try:
        result, values = _cleaned(pair, images, cleaner)
    except TextcleanError as error:
        return PageScores(pair.key, "clean", END_TO_END, error=str(error))
    cleaned, mask = result.page.rgb, result.mask
    recall = "ink_recall" if pair.kind == "annotations" else "mask_recall"
    values[recall] = metrics.mask_recall(mask, images.text, pair.ignore)
    values["over_erased"] = metrics.over_erased(mask, images.text, pair.ignore)
    hole = metrics.hole(images.text)
    values |= _image_values(pair, images, cleaned, hole, mask)
    values |= _print_values(pair, images, cleaned, mask, readings)
    return PageScores(
        pair=pair.key,
        suite="clean",
        method=END_TO_END,
        values=values,
        confidences=_confidences(result, images.clean, pair.ignore),
        residual=len(result.residual),
        views=worst_regions(images, cleaned, hole, mask, ignore=pair.ignore, count=views),
    )


def score_textless(
    pair: Pair, images: PairImages, cleaner: PageCleaner, *, views: int = 0
) -> PageScores:
    """Clean a page that has no text; whatever is masked there is a drawing taken for lettering.

    Figures: ``masked``, the share of the page's pixels under the mask, 0 to 1;
    ``changed_outside``, ``changed_fraction``, ``seconds`` and ``peak_mb``.

    Args:
        pair: The pair that ``images`` are of.
        images: Its pixels; the page and its truth are the same.
        cleaner: Cleans the page.
        views: How many of the worst regions to make pictures of.
    """
    try:
        result, values = _cleaned(pair, images, cleaner)
    except TextcleanError as error:
        return PageScores(pair.key, "textless", END_TO_END, error=str(error))
    values["masked"] = float(result.mask.mean())
    nothing = np.zeros_like(images.text)
    return PageScores(
        pair=pair.key,
        suite="textless",
        method=END_TO_END,
        values=values,
        residual=len(result.residual),
        views=worst_regions(images, result.page.rgb, nothing, result.mask, count=views),
    )


def _cleaned(
    pair: Pair, images: PairImages, cleaner: PageCleaner
) -> tuple[PageResult, dict[str, float]]:
    """A page's result, and what it cost and changed."""
    page = Page.from_rgb(images.lettered, name=pair.name, source=pair.group)
    memory = PeakMemory()
    memory.reset()
    start = time.perf_counter()
    result = cleaner.clean(page)
    seconds = time.perf_counter() - start
    values = {"seconds": seconds, "peak_mb": memory.megabytes()}
    pixels = result.page.pixels
    values["changed_outside"] = metrics.changed_outside(pixels, page.pixels, result.mask)
    values["changed_fraction"] = metrics.changed_fraction(pixels, page.pixels)
    values |= {f"seconds_{stage}": spent for stage, spent in result.seconds.items()}
    if detect := result.seconds.get("detect"):
        values["overhead"] = (seconds - detect) / detect
    return result, values


def score_fill(
    pair: Pair,
    images: PairImages,
    method: str,
    inpainter: Fill,
    *,
    readings: PrintReadings | None = None,
    views: int = 0,
) -> PageScores:
    """Fill the true hole of a page and measure the result.

    The hole is the true text dilated by a 7×7 square. On annotated documents whose classes of ink
    are known, all of the hole is handed over as ``see_through``: the ink is translucent or lies
    beside what must survive, and the margin that the dilation adds is clean paper and print, which
    an inpainter must not lose. On other pages with classes it is the translucent ink alone.
    Inpainters that cannot use it fill it like the rest.

    Args:
        pair: The pair that ``images`` are of.
        images: Its pixels.
        method: Name of the inpainter, for the report.
        inpainter: Fills the hole.
        readings: How the page's print is read; None = it is not read.
        views: How many of the worst regions to make pictures of.
    """
    hole = metrics.hole(images.text)
    see_through = None if images.see_through is None else images.see_through & hole
    if pair.is_see_through:
        see_through = hole.copy()
    memory = PeakMemory()
    memory.reset()
    start = time.perf_counter()
    try:
        filled = inpainter(images.lettered, hole, see_through)
        _check_fill(filled, images.lettered)
    except TextcleanError as error:
        return PageScores(pair.key, "fill", method, error=str(error))
    values = {"seconds": time.perf_counter() - start, "peak_mb": memory.megabytes()}
    values["changed_outside"] = metrics.changed_outside(filled, images.lettered, hole)
    values |= _image_values(pair, images, filled, hole, hole)
    values |= _print_values(pair, images, filled, hole, readings)
    return PageScores(
        pair=pair.key,
        suite="fill",
        method=method,
        values=values,
        views=worst_regions(images, filled, hole, hole, ignore=pair.ignore, count=views),
    )


def _image_values(
    pair: Pair, images: PairImages, cleaned: Image, hole: Mask, mask: Mask
) -> dict[str, float]:
    """The figures of a picture against its truth; page figures leave ignored boxes out."""
    truth, ignore = images.clean, pair.ignore
    region = metrics.region(hole, ignore)
    page = metrics.judged(hole.shape, ignore)
    similarity, _ = metrics.ssim_maps(metrics.luma(cleaned), metrics.luma(truth))
    tone = tone_scores(cleaned, truth, hole, ignore)
    scene = scene_text_scores(cleaned, truth)
    return {
        "region_psnr": metrics.psnr(cleaned, truth, region),
        "page_psnr": metrics.psnr(cleaned, truth, page),
        "region_ssim": float(similarity[region].mean()) if region.any() else float("nan"),
        "page_ssim": float(similarity[page].mean()) if page.any() else float("nan"),
        "seam_ratio": metrics.seam_ratio(cleaned, truth, mask, ignore),
        "ink_left": metrics.ink_left(cleaned, images.lettered, truth, images.text, ignore),
        "tone_distance": tone.spectral_distance,
        "tone_frequency": tone.frequency_error,
        "st_psnr": scene.psnr,
        "mssim": scene.mssim,
        "mse": scene.mse,
        "age": scene.age,
        "peps": scene.peps,
        "pceps": scene.pceps,
    }


def _print_values(
    pair: Pair, images: PairImages, cleaned: Image, mask: Mask, readings: PrintReadings | None
) -> dict[str, float]:
    """What became of the print of an annotated document; nothing for other pages."""
    if pair.kind != "annotations":
        return {}
    printed = print_pixels(images.clean, images.text)
    values = {
        "print_erased": print_erased(cleaned, images.clean, printed),
        "print_masked": print_masked(mask, printed),
    }
    if readings is not None:
        values["ocr_agreement"] = readings.agreement(cleaned)
        values["ocr_annotated"] = readings.annotated
    return values


def _confidences(
    result: PageResult, truth: Image, ignore: Sequence[Box] = ()
) -> tuple[tuple[float, float], ...]:
    """Predicted and true root mean squared error of each region that has a prediction.

    Regions that lie mostly inside ignored boxes are left out, and of the others the pixels there:
    the truth says nothing about them.
    """
    errors = metrics.squared_error(result.page.rgb, truth)
    judged = metrics.judged(result.mask.shape, ignore)
    found = []
    for region in result.regions:
        if region.confidence is None:
            continue
        outline = _outline(region, result.mask.shape)
        if 2 * np.count_nonzero(outline & judged) < np.count_nonzero(outline):
            continue
        inside = errors[_reach(outline, region) & result.mask & judged]
        if inside.size:
            true = float(np.sqrt(inside.mean(dtype=np.float64) / 3))
            found.append((float(region.confidence), true))
    return tuple(found)


def _outline(region: Region, shape: tuple[int, ...]) -> Mask:
    """``(H, W)`` bool: the inside of the region's polygon."""
    drawn = np.zeros(shape, np.uint8)
    cv2.fillPoly(drawn, [np.rint(region.polygon).astype(np.int32)], 1)
    return drawn.astype(bool)


def _reach(outline: Mask, region: Region) -> Mask:
    """``(H, W)`` bool: the region's outline, grown by as much as its mask may be."""
    side = 2 * (region.grown + _CONFIDENCE_REACH) + 1
    grown: Mask = cv2.dilate(outline.astype(np.uint8), np.ones((side, side), np.uint8)) != 0
    return grown


def _check_fill(filled: Image, page: Image) -> None:
    if filled.shape != page.shape or filled.dtype != np.uint8:
        raise PageError(
            f"the inpainter gave back {filled.dtype} of shape {filled.shape}, not uint8 of shape "
            f"{page.shape}"
        )
