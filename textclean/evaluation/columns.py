"""The figures that reports show: name, heading, number format and meaning."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Column:
    """One figure of a report.

    Attributes:
        figure: Name in :attr:`textclean.evaluation.results.SetScores.values`.
        heading: Short heading.
        spec: Format specification.
        meaning: One line, with the unit.
    """

    figure: str
    heading: str
    spec: str
    meaning: str

    def show(self, value: float | None) -> str:
        """The value as text; a dash when there is none."""
        if value is None or math.isnan(value):
            return "–"
        return format(value, self.spec)


MAIN_COLUMNS: tuple[Column, ...] = (
    Column("mask_recall", "recall", ".3f", "share of the true text pixels that the mask covers"),
    Column(
        "over_erased",
        "over erased",
        ".4f",
        "share of the page masked more than 12 px from any text",
    ),
    Column("ink_recall", "ink recall", ".3f", "share of the true annotation that the mask covers"),
    Column(
        "print_erased",
        "print erased",
        ".4f",
        "share of the print clear of annotations that became more than 48 levels lighter",
    ),
    Column("print_masked", "print masked", ".4f", "share of that print under the mask"),
    Column(
        "ocr_agreement", "OCR", ".3f", "share of the truth's printed characters read on the result"
    ),
    Column("ocr_annotated", "OCR before", ".3f", "the same, read on the page as it came"),
    Column("masked", "masked", ".5f", "share of a textless page that was masked"),
    Column("masked_max", "masked worst", ".5f", "the same, worst page"),
    Column("region_psnr", "region dB", ".2f", "PSNR of the region around the true hole"),
    Column("page_psnr", "page dB", ".2f", "PSNR of the page"),
    Column("region_ssim", "SSIM", ".4f", "structural similarity of the region"),
    Column(
        "seam_ratio", "seam", ".2f", "steps across the mask's edge against the truth's; 1 = none"
    ),
    Column("ink_left", "ink left", ".4f", "share of the strokes' pixels that still look lettered"),
    Column("tone_distance", "tone dB", ".1f", "log-spectral distance in screentone; 0 = the same"),
    Column(
        "tone_frequency",
        "tone c/px",
        ".3f",
        "error of the screen's frequency in cycles per pixel",
    ),
    Column(
        "changed_outside", "changed outside", ".0f", "pixels changed outside the mask, worst page"
    ),
    Column("residual", "still found", ".0f", "regions where the second look still finds text"),
    Column("confidence_rank", "conf. rank", ".2f", "rank correlation of predicted and true error"),
    Column("seconds", "s/page", ".2f", "seconds a page, mean"),
    Column("seconds_detect", "detect s", ".2f", "of these, in detection"),
    Column("overhead", "rest/ detect", ".2f", "all else as a multiple of detection"),
    Column("peak_mb", "peak MB", ".0f", "peak memory of the process, worst page"),
)

SCENE_TEXT_COLUMNS: tuple[Column, ...] = (
    Column("st_psnr", "PSNR", ".2f", "PSNR of the picture, in dB"),
    Column("mssim", "MSSIM", ".4f", "multi-scale structural similarity of the luma"),
    Column("mse", "MSE", ".5f", "mean squared error, values from 0 to 1"),
    Column("age", "AGE", ".3f", "average grey-level error"),
    Column("peps", "pEPs", ".4f", "share of error pixels, more than 20 levels off"),
    Column("pceps", "pCEPs", ".4f", "share of error pixels with four error neighbours"),
)

COLUMNS: tuple[Column, ...] = (*MAIN_COLUMNS, *SCENE_TEXT_COLUMNS)
BY_FIGURE = {column.figure: column for column in COLUMNS}
