"""One evaluation: which pages, which suites, which methods."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textclean.errors import MissingExtraError, OptionsError, UnknownNameError, WeightsError
from textclean.evaluation.data import EvalSet, load_pairs, load_sets, unique_pairs
from textclean.evaluation.figures import check_figures
from textclean.evaluation.reading import ShippedReader
from textclean.evaluation.results import (
    DEFAULT_SUITES,
    SUITES,
    EvalReport,
    PageScores,
    summarize,
)
from textclean.evaluation.statistics import features_distance
from textclean.evaluation.workers import (
    BASELINES,
    Plan,
    Task,
    load_fill,
    make_cleaner,
    score_all,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textclean.evaluation.data import Pair
    from textclean.evaluation.results import Suite
    from textclean.evaluation.suite import Fill
    from textclean.evaluation.workers import CleanerFactory, ReaderFactory

DEFAULT_INPAINTERS = (*BASELINES, "auto")
_PACKAGES = ("textclean", "numpy", "opencv-python-headless", "torch", "rapidocr", "onnxruntime")


def evaluate(
    data: Path | str | None = None,
    *,
    pairs: Sequence[Path | str] = (),
    sets: Sequence[str] | None = None,
    suites: Sequence[str] = DEFAULT_SUITES,
    inpainters: Sequence[str] | Mapping[str, Fill] | None = None,
    options: Mapping[str, Any] | None = None,
    limit: int | None = None,
    ocr: bool | None = None,
    jobs: int = 1,
    views: int = 0,
    features: Path | str | None = None,
    factory: CleanerFactory = make_cleaner,
    reader: ReaderFactory = ShippedReader,
    progress: Callable[[int, int, str], None] | None = None,
) -> EvalReport:
    """Measure textclean on pages whose truth is known.

    Args:
        data: Folder of ground truth, see :func:`textclean.evaluation.data.load_sets`.
        pairs: Folders of pairs in SCUT-EnsText's layout, each a set of its own.
        sets: Names of the sets to measure; None = all that the suites have something to measure of.
        suites: "clean" (end to end), "fill" (the true hole given) and "textless" (end to end on
            art without text, whose set goes through no other suite).
        inpainters: Of the fill suite: names or paths of weights, or callables by name; None = the
            baselines and "auto", without those that are not installed.
        options: Changes to the options of each set's profile, by name of the option.
        limit: At most this many pages of each set; required figures are not checked then.
        ocr: Read the print of annotated documents on the truth, the page as it came and the
            result: some seconds a page. None = in the end-to-end suite; True = in the fill suite
            too, once for each inpainter; False = nowhere.
        jobs: Processes; times and memory are only comparable with 1.
        views: Pictures of this many of the worst regions of each page, for the HTML report.
        features: A user's own features file for the Fréchet distance.
        factory: Makes the cleaner for a profile and changes.
        reader: Makes what reads the print of documents.
        progress: Called after each page with the pages done, all pages, and the page's key.

    Raises:
        OptionsError: No data, or an unknown suite, or a bad number.
        UnknownNameError: No such set.
        TextcleanError: The data cannot be read, or an inpainter asked for is not available.
    """
    wanted = _check_call(suites, limit, jobs)
    chosen = _choose_sets(data, pairs, sets, limit, wanted)
    distance = None if features is None else features_distance(Path(features))
    changes = dict(options or {})
    methods, skipped = _choose_methods(inpainters, changes) if "fill" in wanted else ({}, {})
    read: tuple[Suite, ...] = {None: ("clean",), True: ("clean", "fill"), False: ()}[ocr]
    plan = Plan(methods, changes, factory, views, read, reader)
    tasks = _tasks(chosen, wanted)
    scores: list[PageScores] = []
    for done, page in enumerate(score_all(plan, tasks, jobs=jobs), 1):
        scores.extend(page)
        if progress is not None:
            progress(done, len(tasks), tasks[done - 1].pair.key)
    means = summarize(chosen, scores)
    return EvalReport(
        sets=chosen,
        pages=tuple(scores),
        scores=means,
        checks=check_figures(means) if limit is None else (),
        skipped=skipped,
        options={"suites": list(wanted), "limit": limit, "jobs": jobs, **changes},
        versions=_versions(),
        features_distance=distance,
    )


def _check_call(suites: Sequence[str], limit: int | None, jobs: int) -> tuple[Suite, ...]:
    """The suites in their own order."""
    if unknown := sorted(set(suites) - set(SUITES)):
        raise OptionsError(
            f"there is no suite {unknown[0]!r}", remedy=f"Known: {', '.join(SUITES)}"
        )
    if limit is not None and limit < 1:
        raise OptionsError(f"limit is {limit}", remedy="It must be 1 or more")
    if jobs < 1:
        raise OptionsError(f"jobs is {jobs}", remedy="It must be 1 or more")
    return tuple(suite for suite in SUITES if suite in suites)


def _choose_sets(
    data: Path | str | None,
    pairs: Sequence[Path | str],
    names: Sequence[str] | None,
    limit: int | None,
    suites: tuple[Suite, ...],
) -> tuple[EvalSet, ...]:
    if data is None and not pairs:
        raise OptionsError(
            "there is nothing to measure", remedy="Give --data DIR or --pairs DIR, or both"
        )
    found = [] if data is None else list(load_sets(Path(data)))
    found += [load_pairs(Path(folder)) for folder in pairs]
    known = [group.name for group in found]
    if twice := next((name for name in known if known.count(name) > 1), None):
        raise OptionsError(
            f"two sets are called {twice!r}", remedy="Rename one of the folders of pairs"
        )
    if missing := [name for name in names or () if name not in known]:
        raise UnknownNameError(
            f"there is no set {missing[0]!r} in the data", remedy=f"Found: {', '.join(known)}"
        )
    chosen = tuple(
        EvalSet(group.name, group.title, group.pairs[:limit], group.profile)
        for group in found
        if (names is None or group.name in names)
        and any(_suites_of(pair, suites) for pair in group.pairs)
    )
    if not chosen:
        raise OptionsError(
            f"there is nothing to measure: none of the sets goes through {' or '.join(suites)}",
            remedy="Pages without text (art/) go through the suite textless, all others through "
            "clean and fill",
        )
    return chosen


def _choose_methods(
    inpainters: Sequence[str] | Mapping[str, Fill] | None, options: Mapping[str, Any]
) -> tuple[dict[str, Fill | str], dict[str, str]]:
    """Methods by name, and those that were left out with the reason.

    Each is loaded once here, so that what is missing is told before hours of work.
    """
    if isinstance(inpainters, Mapping):
        return dict(inpainters), {}
    names = DEFAULT_INPAINTERS if inpainters is None else tuple(inpainters)
    methods: dict[str, Fill | str] = {}
    skipped: dict[str, str] = {}
    for name in names:
        try:
            load_fill(name, options)
        except (MissingExtraError, UnknownNameError, WeightsError) as error:
            if inpainters is not None:
                raise
            skipped[name] = str(error)
        else:
            methods[_method_name(name, methods)] = name
    return methods, skipped


def _method_name(name: str, taken: Mapping[str, object]) -> str:
    """A registered name as it is; of a path, its file name unless that is taken."""
    short = Path(name).name
    return name if short in taken else short


def _suites_of(pair: Pair, suites: tuple[Suite, ...]) -> tuple[Suite, ...]:
    """Those of the suites that a pair goes through."""
    textless = pair.kind == "textless"
    return tuple(suite for suite in suites if (suite == "textless") == textless)


def _tasks(sets: Sequence[EvalSet], suites: tuple[Suite, ...]) -> list[Task]:
    """Each page once; pages of one profile lie together, because a cleaner serves one profile."""
    tasks = [Task(pair, profile, _suites_of(pair, suites)) for pair, profile in unique_pairs(sets)]
    profiles = list(dict.fromkeys(task.profile for task in tasks))
    return sorted(tasks, key=lambda task: profiles.index(task.profile))


def _versions() -> dict[str, str]:
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions
