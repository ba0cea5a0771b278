"""What an evaluation hands back: scores of pages, their means over sets, required figures."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

from textclean.evaluation.statistics import spearman

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from textclean.evaluation.data import EvalSet
    from textclean.types import Box

Suite = Literal["clean", "fill", "textless"]

SUITES: tuple[Suite, ...] = get_args(Suite)
DEFAULT_SUITES: tuple[Suite, ...] = ("clean", "fill")

# The worst page counts for these, the mean page for all others.
_WORST = frozenset({"changed_outside", "peak_mb"})
# These are told of the worst page as well: figure, name of the worst, how to choose it.
_ALSO_WORST: tuple[tuple[str, str, Callable[[Iterable[float]], float]], ...] = (
    ("mask_recall", "mask_recall_min", min),
    ("ink_recall", "ink_recall_min", min),
    ("masked", "masked_max", max),
)


@dataclass(frozen=True, slots=True)
class RegionView:
    """Pictures of one region of a page.

    Attributes:
        box: Where it is on the page.
        psnr: PSNR inside the box, in dB.
        error: Sum of the squared errors of the region, what the worst are chosen by.
        pictures: Encoded WebP pictures by label, in the order to show them.
    """

    box: Box
    psnr: float
    error: float
    pictures: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class PageScores:
    """One page, one suite, one method.

    Attributes:
        pair: Key of the pair.
        suite: "clean" (end to end), "fill" (the true hole given) or "textless" (end to end on a
            page without text).
        method: Name of the inpainter; "textclean" end to end.
        values: Figures by name (see :data:`textclean.evaluation.report.COLUMNS`); a figure
            that does not apply is missing or NaN.
        confidences: For each cleaned region that has one: the predicted error and the true root
            mean squared error, both in grey levels.
        residual: Number of regions where the cleaner itself still finds text.
        views: Pictures of the worst regions, worst first.
        error: Why the page failed, or None; a failed page has no values.
    """

    pair: str
    suite: Suite
    method: str
    values: Mapping[str, float] = field(default_factory=dict)
    confidences: tuple[tuple[float, float], ...] = ()
    residual: int = 0
    views: tuple[RegionView, ...] = ()
    error: str | None = None


@dataclass(frozen=True, slots=True)
class SetScores:
    """Figures of a set: means over its pages, the worst page for counts and memory.

    Attributes:
        set: Name of the set.
        suite: Suite of the pages.
        method: Method of the pages.
        pages: Number of pages that were measured.
        failed: Number of pages that failed.
        values: Figures by name.
    """

    set: str
    suite: Suite
    method: str
    pages: int
    failed: int
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Check:
    """A required figure against what was measured.

    Attributes:
        set: Name of the set.
        suite: Suite.
        method: Method.
        figure: Name of the figure.
        value: What was measured.
        must: What is required.
        aim: What is aimed at, or None.
        at_least: Whether larger is better.
    """

    set: str
    suite: Suite
    method: str
    figure: str
    value: float
    must: float
    aim: float | None
    at_least: bool

    @property
    def passed(self) -> bool:
        """Whether the required figure is reached; NaN never is."""
        return self.value >= self.must if self.at_least else self.value <= self.must

    @property
    def reached_aim(self) -> bool:
        """Whether the aim is reached too; without an aim, whether the check passed."""
        if self.aim is None:
            return self.passed
        return self.value >= self.aim if self.at_least else self.value <= self.aim


@dataclass(frozen=True, slots=True)
class EvalReport:
    """The whole result.

    Attributes:
        sets: The sets that were measured.
        pages: Scores of all pages, in order of the pages, then suites, then methods.
        scores: Figures of each set, suite and method that has pages.
        checks: Required figures whose set was measured.
        skipped: Methods that were not available, and why.
        options: What the run was told.
        versions: Versions of textclean and what it stands on.
        features_distance: Fréchet distance of the user's own features file, or None.
    """

    sets: tuple[EvalSet, ...]
    pages: tuple[PageScores, ...]
    scores: tuple[SetScores, ...]
    checks: tuple[Check, ...] = ()
    skipped: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    features_distance: float | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the figures must know about this run, one line each."""
        return tuple(text for text in (_see_through_note(self), _sfx_note(self)) if text)

    @property
    def failed_pages(self) -> tuple[PageScores, ...]:
        """Pages that raised an error."""
        return tuple(page for page in self.pages if page.error is not None)

    @property
    def missed(self) -> tuple[Check, ...]:
        """Required figures that were not reached."""
        return tuple(check for check in self.checks if not check.passed)

    def exit_code(self, *, check: bool = False) -> int:
        """4 when pages failed, 1 when ``check`` and a required figure was missed, else 0."""
        if self.failed_pages:
            return 4
        return 1 if check and self.missed else 0

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, without the pictures; NaN becomes None."""
        return {
            "options": dict(self.options),
            "versions": dict(self.versions),
            "sets": [
                {"name": s.name, "title": s.title, "pages": [pair.key for pair in s.pairs]}
                for s in self.sets
            ],
            "scores": [
                {
                    "set": s.set,
                    "suite": s.suite,
                    "method": s.method,
                    "pages": s.pages,
                    "failed": s.failed,
                    "figures": _plain(s.values),
                }
                for s in self.scores
            ],
            "checks": [_check_as_dict(check) for check in self.checks],
            "pages": [
                {
                    "page": p.pair,
                    "suite": p.suite,
                    "method": p.method,
                    "figures": _plain(p.values),
                    "confidences": [list(pair) for pair in p.confidences],
                    "residual": p.residual,
                    "error": p.error,
                }
                for p in self.pages
            ],
            "skipped": dict(self.skipped),
            "notes": list(self.notes),
            "fid_own_features": self.features_distance,
        }


def _see_through_note(report: EvalReport) -> str | None:
    filled = {score.set for score in report.scores if score.suite == "fill"}
    shown = [
        group.name
        for group in report.sets
        if group.name in filled and any(pair.is_see_through for pair in group.pairs)
    ]
    if not shown:
        return None
    return (
        f"{', '.join(shown)}, true hole: all of the hole is see-through, because ink lies over "
        "what must survive; inpainters that can look at it do, the others fill it like the rest"
    )


def _sfx_note(report: EvalReport) -> str | None:
    judged = any(check.suite == "clean" for check in report.checks)
    if not judged or report.options.get("sfx") == "remove":
        return None
    return "the required end-to-end figures are those with --sfx remove; this run was without"


def summarize(sets: Sequence[EvalSet], pages: Sequence[PageScores]) -> tuple[SetScores, ...]:
    """Figures of each set, suite and method, in the order of sets and of first appearance."""
    methods = list(dict.fromkeys((page.suite, page.method) for page in pages))
    by_key = {(page.pair, page.suite, page.method): page for page in pages}
    scores = []
    for group in sets:
        for suite, method in methods:
            found = [
                by_key[key] for pair in group.pairs if (key := (pair.key, suite, method)) in by_key
            ]
            if found:
                scores.append(_summarize(group.name, suite, method, found))
    return tuple(scores)


def _summarize(name: str, suite: Suite, method: str, pages: Sequence[PageScores]) -> SetScores:
    measured = [page for page in pages if page.error is None]
    names = dict.fromkeys(name for page in measured for name in page.values)
    values: dict[str, float] = {}
    for figure in names:
        known = [v for p in measured if not math.isnan(v := p.values.get(figure, math.nan))]
        if known:
            values[figure] = max(known) if figure in _WORST else math.fsum(known) / len(known)
    for figure, worst, choose in _ALSO_WORST:
        found = [page.values.get(figure, math.nan) for page in measured]
        if known := [value for value in found if not math.isnan(value)]:
            values[worst] = choose(known)
    predicted = [pair for page in measured for pair in page.confidences]
    if predicted:
        values["confidence_rank"] = spearman([p for p, _ in predicted], [t for _, t in predicted])
    if suite == "clean":
        values["residual"] = float(sum(page.residual for page in measured))
    return SetScores(name, suite, method, len(measured), len(pages) - len(measured), values)


def _check_as_dict(check: Check) -> dict[str, Any]:
    return {
        "set": check.set,
        "suite": check.suite,
        "method": check.method,
        "figure": check.figure,
        "value": None if math.isnan(check.value) else check.value,
        "relation": ">=" if check.at_least else "<=",
        "must": check.must,
        "aim": check.aim,
        "passed": check.passed,
        "reached_aim": check.reached_aim,
    }


def _plain(values: Mapping[str, float]) -> dict[str, float | None]:
    return {name: None if math.isnan(value) else value for name, value in values.items()}
