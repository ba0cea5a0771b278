"""The required figures: what each set must reach, and what is aimed at."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textclean.evaluation.results import Check

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textclean.evaluation.results import SetScores, Suite

END_TO_END = "textclean"


@dataclass(frozen=True, slots=True)
class Requirement:
    """A figure that a set must reach.

    Attributes:
        suite: Suite.
        set: Name of the set.
        method: Method.
        figure: Name of the figure.
        must: Required value; added to the other method's figure when ``over`` is given.
        aim: Value aimed at, or None.
        at_least: Whether larger is better.
        over: Another method of the same suite and set to compare with, or None.
    """

    suite: Suite
    set: str
    method: str
    figure: str
    must: float
    aim: float | None = None
    at_least: bool = True
    over: str | None = None


def _clean(
    name: str, *, recall: float, over_erased: float, psnr: float, aim: float
) -> tuple[Requirement, ...]:
    return (
        Requirement("clean", name, END_TO_END, "mask_recall", recall),
        Requirement("clean", name, END_TO_END, "over_erased", over_erased, at_least=False),
        Requirement("clean", name, END_TO_END, "region_psnr", psnr, aim),
        Requirement("clean", name, END_TO_END, "changed_outside", 0, at_least=False),
    )


REQUIREMENTS: tuple[Requirement, ...] = (
    # End to end, with the option sfx="remove".
    *_clean("manga-bj", recall=0.995, over_erased=0.003, psnr=38, aim=45),
    *_clean("comics", recall=0.965, over_erased=0.004, psnr=30, aim=34),
    *_clean("screentone", recall=0.93, over_erased=0.006, psnr=17, aim=20),
    Requirement("clean", "manga-bj", END_TO_END, "residual", 0, at_least=False),
    Requirement("clean", "documents", END_TO_END, "ink_recall", 0.90),
    Requirement("clean", "documents", END_TO_END, "print_erased", 0.01, at_least=False),
    Requirement("clean", "documents", END_TO_END, "region_psnr", 22, 26),
    Requirement("clean", "documents", END_TO_END, "ocr_agreement", 0.97),
    Requirement("clean", "documents", END_TO_END, "changed_outside", 0, at_least=False),
    # With the default options.
    Requirement("textless", "textless", END_TO_END, "masked_max", 0.001, at_least=False),
    # Everything but detection costs at most as much again as detection.
    Requirement("clean", "manga-bj", END_TO_END, "overhead", 1.0, at_least=False),
    Requirement("clean", "manga-bj", END_TO_END, "peak_mb", 1500, at_least=False),
    Requirement("fill", "screentone", "auto", "region_psnr", 21, 25),
    Requirement("fill", "screentone", "auto", "region_psnr", 1, over="projection"),
    Requirement("fill", "comics-e16-17", "auto", "region_psnr", 38, 41),
    Requirement("fill", "manga-bj", "auto", "region_psnr", 42, 46),
    Requirement("fill", "documents", "auto", "region_psnr", 25, 30),
)


def check_figures(
    scores: Sequence[SetScores], requirements: Sequence[Requirement] = REQUIREMENTS
) -> tuple[Check, ...]:
    """Compare what was measured with what is required.

    Requirements whose set, suite or method was not measured are left out; a figure that is
    missing where the others were measured counts as NaN and fails.
    """
    measured = {(s.suite, s.set, s.method): s.values for s in scores}
    checks = []
    for need in requirements:
        values = measured.get((need.suite, need.set, need.method))
        base = measured.get((need.suite, need.set, need.over or need.method))
        if values is None or base is None:
            continue
        offset = base.get(need.figure, math.nan) if need.over else 0.0
        checks.append(
            Check(
                set=need.set,
                suite=need.suite,
                method=need.method,
                figure=need.figure,
                value=values.get(need.figure, math.nan),
                must=need.must + offset,
                aim=need.aim,
                at_least=need.at_least,
            )
        )
    return tuple(checks)
