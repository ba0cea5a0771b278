"""Scores pages, in this process or in a small pool; the order of results never depends on it."""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from textclean.cores import usable_cores
from textclean.errors import TextcleanError
from textclean.evaluation.baselines import load_fsr, untouched
from textclean.evaluation.figures import END_TO_END
from textclean.evaluation.reading import ShippedReader, read_print
from textclean.evaluation.results import PageScores
from textclean.evaluation.suite import score_clean, score_fill, score_textless
from textclean.types import Page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from textclean.evaluation.data import Pair, PairImages
    from textclean.evaluation.reading import LineReader, PrintReadings
    from textclean.evaluation.results import Suite
    from textclean.evaluation.suite import Fill, PageCleaner

    CleanerFactory = Callable[[str, Mapping[str, Any]], PageCleaner]
    ReaderFactory = Callable[[], LineReader]

BASELINES = ("untouched", "flat", "telea", "ns", "fsr", "projection")


@dataclass(frozen=True, slots=True)
class Task:
    """One page and what is to be measured on it.

    Attributes:
        pair: The page.
        profile: Profile that its cleaner gets.
        suites: Suites to run.
    """

    pair: Pair
    profile: str
    suites: tuple[Suite, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What every page is measured with; travels to the processes of a pool.

    Attributes:
        methods: Inpainters of the fill suite by name: callables, or names and paths to load.
        options: Changes to the options of each profile.
        make_cleaner: Makes the cleaner for a profile and changes.
        views: How many of the worst regions of each page to make pictures of.
        read: Suites in which the print of annotated documents is read.
        make_reader: Makes what reads it.
    """

    methods: Mapping[str, Fill | str]
    options: Mapping[str, Any]
    make_cleaner: CleanerFactory
    views: int = 0
    read: tuple[Suite, ...] = ()
    make_reader: ReaderFactory = ShippedReader


@dataclass(slots=True)
class Worker:
    """Scores pages one by one; keeps its cleaner, inpainters and reader from page to page."""

    plan: Plan
    _fills: dict[str, Fill] = field(default_factory=dict)
    _cleaner: tuple[tuple[str, Suite], PageCleaner] | None = None
    _reader: LineReader | None = None

    def score(self, task: Task) -> list[PageScores]:
        """All suites and methods on one page; a page that cannot be read fails in each."""
        try:
            images = task.pair.load()
            readings = self._readings(task, images)
        except TextcleanError as error:
            return [
                PageScores(task.pair.key, suite, method, error=str(error))
                for suite, method in self._work(task)
            ]
        scores = []
        for suite, method in self._work(task):
            # Pictures of the baselines would say little and weigh much.
            views = 0 if method in BASELINES else self.plan.views
            read = readings if suite in self.plan.read else None
            if suite == "fill":
                fill = self._fill_for(method)
                score = score_fill(task.pair, images, method, fill, readings=read, views=views)
            elif suite == "clean":
                cleaner = self._cleaner_for(task.profile, suite)
                score = score_clean(task.pair, images, cleaner, readings=read, views=views)
            else:
                cleaner = self._cleaner_for(task.profile, suite)
                score = score_textless(task.pair, images, cleaner, views=views)
            scores.append(score)
        return scores

    def _work(self, task: Task) -> Iterator[tuple[Suite, str]]:
        if "clean" in task.suites:
            yield "clean", END_TO_END
        if "fill" in task.suites:
            for method in self.plan.methods:
                yield "fill", method
        if "textless" in task.suites:
            yield "textless", END_TO_END

    def _readings(self, task: Task, images: PairImages) -> PrintReadings | None:
        """How the page's print is read, where a suite of the task wants to know."""
        if task.pair.kind != "annotations" or not set(task.suites) & set(self.plan.read):
            return None
        if self._reader is None:
            self._reader = self.plan.make_reader()
        return read_print(self._reader, images)

    def _cleaner_for(self, profile: str, suite: Suite) -> PageCleaner:
        """The cleaner of a profile and suite; only the last one is kept, to spare memory.

        Pages without text are cleaned with the default for sound effects whatever the others are
        cleaned with: what is asked there is whether drawings survive an ordinary run.
        """
        if self._cleaner is None or self._cleaner[0] != (profile, suite):
            self._cleaner = None
            options = dict(self.plan.options)
            if suite == "textless":
                options.pop("sfx", None)
            cleaner = self.plan.make_cleaner(profile, options)
            _warm_up(cleaner)
            self._cleaner = (profile, suite), cleaner
        return self._cleaner[1]

    def _fill_for(self, method: str) -> Fill:
        if method not in self._fills:
            source = self.plan.methods[method]
            self._fills[method] = (
                load_fill(source, self.plan.options) if isinstance(source, str) else source
            )
        return self._fills[method]


def score_all(plan: Plan, tasks: Sequence[Task], *, jobs: int = 1) -> Iterator[list[PageScores]]:
    """Scores of each task, in the order of the tasks.

    Args:
        plan: What to measure with; with ``jobs`` > 1 its callables must be picklable.
        tasks: The pages.
        jobs: Number of processes. They share the cores: times are only comparable with 1.
    """
    if jobs <= 1 or len(tasks) < 2:
        yield from map(Worker(plan).score, tasks)
        return
    threads = max(1, usable_cores() // jobs)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, context, _start, (plan, threads)) as pool:
        yield from pool.map(_score, tasks)


def load_fill(name: str, options: Mapping[str, Any]) -> Fill:
    """An inpainter by name or path to weights; "untouched" and "fsr" exist only here.

    Raises:
        TextcleanError: It is not known or not available.
    """
    if name == "untouched":
        return untouched
    if name == "fsr":
        return load_fsr()
    from textclean.inpaint import load_inpainter

    fill: Fill = load_inpainter(name, device=options.get("device") or "auto")
    return fill


def _warm_up(cleaner: PageCleaner) -> None:
    """Load what is loaded when first needed; the first page would otherwise pay for it."""
    blank = np.full((64, 64, 3), 255, np.uint8)
    cleaner.clean(Page.from_rgb(blank))
    inpainter = getattr(cleaner, "inpainter", None)
    if inpainter is not None:
        hole = np.zeros((64, 64), bool)
        hole[24:40, 24:40] = True
        inpainter(blank, hole)


def make_cleaner(profile: str, options: Mapping[str, Any]) -> PageCleaner:
    """The product's own cleaner for a profile, with changes.

    Raises:
        TextcleanError: The options are wrong, or something that they need is missing.
    """
    from textclean.api import make_cleaner as make
    from textclean.options import make_options

    changes = dict(options)
    chosen = make_options(changes.pop("profile", None) or profile, **changes)
    cleaner: PageCleaner = make(chosen)
    return cleaner


_worker: Worker | None = None


def _start(plan: Plan, threads: int) -> None:
    """Set up a process of the pool, before it loads torch."""
    global _worker
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    cv2.setNumThreads(threads)
    _worker = Worker(plan)


def _score(task: Task) -> list[PageScores]:
    if _worker is None:
        raise RuntimeError("this process was not set up by score_all()")
    return _worker.score(task)
