"""How much a page is to be doubted: what somebody who has ten minutes should look at first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from textclean.batch.report import PageReport

Level = Literal["failed", "residual", "look", "clean", "untouched", "skipped"]
LEVELS: Final[tuple[Level, ...]] = get_args(Level)
"""From the most doubtful to what needs no look."""

LOOK: Final = 20.0
"""From this expected error on, in grey levels of 255, a page is worth a look."""

_UNPREDICTED: Final = 5.0  # an inpainter that predicts no error is right more often than not
_NOT_FOUND: Final = 8.0
_FAINT: Final = 0.5  # detections below this score are often no text
_REASONS: Final = 5  # told of one page; the regions have the others
_INPAINTED: Final = ("inpaint", "unmix")


@dataclass(frozen=True, slots=True)
class Doubt:
    """What is doubtful about a page.

    Attributes:
        level: "failed"; "residual": text is still found; "look": a region may have come out
            badly; "clean": removed, nothing doubtful; "untouched"; "skipped".
        value: Of failed pages 0; where text is still found, the sum of its scores; otherwise the
            largest doubt of a region, on the scale of an expected error in grey levels, 0 to 255.
        rest: The doubts of all regions added up: what orders pages of the same value.
        reasons: Why, one line each, the worst first.
    """

    level: Level
    value: float = 0.0
    rest: float = 0.0
    reasons: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[int, float, float]:
        """Grows with the doubt."""
        return -LEVELS.index(self.level), self.value, self.rest

    def as_dict(self) -> dict[str, Any]:
        """Plain values, as JSON knows them."""
        return {"level": self.level, "value": round(self.value, 2), "reasons": list(self.reasons)}


def doubt_of(page: PageReport, regions: Sequence[Mapping[str, Any]]) -> Doubt:
    """How much a page is to be doubted.

    Args:
        page: What happened to it.
        regions: What was decided about its regions, as
            :class:`textclean.batch.view.PageView` tells it; may be empty when nobody knows.
    """
    if page.status == "failed":
        return Doubt("failed", reasons=(page.reason,))
    if page.status == "skipped":
        return Doubt("skipped", reasons=(page.reason,) if page.reason else ())
    found = sorted(_doubts(regions), key=lambda pair: -pair[0])
    rest = sum(value for value, _ in found)
    reasons = tuple(reason for _, reason in found[:_REASONS])
    if page.residual:
        left = f"text is still found in {page.residual} region{'s' if page.residual > 1 else ''}"
        scores = sum(region["residual"] or 0.0 for region in regions)
        return Doubt("residual", scores, rest, (left, *reasons))
    value = found[0][0] if found else 0.0
    if value >= LOOK:
        return Doubt("look", value, rest, reasons)
    return Doubt("clean" if page.removed else "untouched", value, rest, reasons)


def _doubts(regions: Sequence[Mapping[str, Any]]) -> Iterator[tuple[float, str]]:
    """Each doubt about a region and its reason, regions counted from 1."""
    for number, region in enumerate(regions, 1):
        if region["action"] in _INPAINTED:
            error = region["confidence"]
            if error is None:
                yield _UNPREDICTED, f"region {number}: inpainted, nothing predicts the error"
            elif error >= 1:
                yield error, f"region {number}: expected error {error:.0f} of 255"
        if region["action"] == "keep":
            # What an option keeps says so; the others were to go.
            if not region["reason"].startswith("kept:"):
                yield _NOT_FOUND, f"region {number}: kept, {region['reason']}"
        elif region["score"] < _FAINT:
            doubt = LOOK * (_FAINT - region["score"]) / _FAINT
            yield doubt, f"region {number}: detected with a score of {region['score']:.2f} only"
