"""Filling a pack: samples drawn by their numbers, in this process or in several."""

from __future__ import annotations

import multiprocessing
import time
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Writer(Protocol):
    """Where samples go."""

    def missing(self) -> list[int]:
        """The numbers of the samples that are not written yet."""

    def write(self, number: int, sample: Any, /) -> None:
        """Write a sample; it counts as done only once all of it is in place."""


class PackRecipe(Protocol):
    """What a pack is made from; picklable, for worker processes."""

    @property
    def count(self) -> int:
        """Number of samples."""

    def writer(self, out: str | Path) -> Writer:
        """The pack at a place, begun or gone on with."""

    def sampler(self) -> Callable[[int], Any]:
        """What draws a sample, given its number; sources are found and opened here."""

    def one_core(self) -> AbstractContextManager[None]:
        """Keeps the libraries that draw to one thread, a core per process."""


def fill(
    out: str | Path,
    recipe: PackRecipe,
    *,
    workers: int = 1,
    minutes: float | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write the samples that a pack lacks.

    Args:
        out: Folder of the pack.
        recipe: What it is made from.
        workers: Processes that draw; 1 = this one.
        minutes: Stop after that long; None = when it is full.
        progress: Called with the samples done and wanted, every few seconds.
    """
    recipe.sampler()  # complains here rather than in a worker
    writer = recipe.writer(out)
    stop = None if minutes is None else time.time() + 60 * minutes
    if workers <= 1:
        _fill(str(out), recipe, 0, 1, stop, progress)
    else:
        _fill_in_parallel(str(out), writer, recipe, workers, stop, progress)


def _fill(
    out: str,
    recipe: PackRecipe,
    worker: int,
    workers: int,
    stop: float | None,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write every ``workers``-th of the samples that are missing, until the time is up."""
    writer, draw = recipe.writer(out), recipe.sampler()
    told = time.time()
    with recipe.one_core():
        for number in writer.missing():
            if number % workers != worker:
                continue
            if stop is not None and time.time() >= stop:
                break
            writer.write(number, draw(number))
            if progress is not None and time.time() - told > 2:
                told = time.time()
                progress(recipe.count - len(writer.missing()), recipe.count)
    if progress is not None:
        progress(recipe.count - len(writer.missing()), recipe.count)


def _fill_in_parallel(
    out: str,
    writer: Writer,
    recipe: PackRecipe,
    workers: int,
    stop: float | None,
    progress: Callable[[int, int], None] | None,
) -> None:
    # Fresh interpreters: forking a process whose threads run kernels may lock up.
    context = multiprocessing.get_context("spawn")
    crew = [
        context.Process(target=_fill, args=(out, recipe, k, workers, stop)) for k in range(workers)
    ]
    for process in crew:
        process.start()
    try:
        while any(process.is_alive() for process in crew):
            time.sleep(1)
            if progress is not None:
                progress(recipe.count - len(writer.missing()), recipe.count)
    finally:
        for process in crew:
            if process.is_alive():
                process.terminate()
            process.join()
    if failed := [process.exitcode for process in crew if process.exitcode]:
        raise RuntimeError(f"{len(failed)} of {workers} workers failed with exit code {failed[0]}")
