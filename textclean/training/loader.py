"""Batches in a fixed order, made ahead of time.

Which samples a step sees, and how each is varied, depends on the seed and the step alone: not on
the number of workers, and not on whether the run was interrupted before.
"""

from __future__ import annotations

import queue
import signal
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textclean.training.task import Batch, Examples

_AHEAD = 4
"""Batches kept ready per worker."""


@dataclass(frozen=True, slots=True)
class Order:
    """Which examples each step takes: a new permutation of all of them for every epoch.

    Attributes:
        count: Number of examples.
        batch: Examples per step, over all processes.
        seed: Seed of the run.
        rank: Number of this process.
        world: Number of processes; ``batch`` is a multiple of it.
    """

    count: int
    batch: int
    seed: int = 0
    rank: int = 0
    world: int = 1

    def indices(self, step: int) -> list[int]:
        """The examples of this process at a step, from 0."""
        share = self.batch // self.world
        first = step * self.batch + self.rank * share
        places = range(first, first + share)
        epochs = {place // self.count for place in places}
        orders = {epoch: self._permutation(epoch) for epoch in epochs}
        return [int(orders[p // self.count][p % self.count]) for p in places]

    def generators(self, step: int) -> list[np.random.Generator]:
        """A generator for each example of this process at a step."""
        share = self.batch // self.world
        first = self.rank * share
        return [np.random.default_rng((self.seed, step, first + i)) for i in range(share)]

    def _permutation(self, epoch: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.random.default_rng((self.seed, epoch)).permutation(self.count)


class _Steps(Dataset["Batch"]):
    """The batch of each step, as a map-style dataset."""

    def __init__(self, examples: Examples, order: Order) -> None:
        self.examples = examples
        self.order = order

    def __getitem__(self, step: int) -> Batch:
        return self.examples.batch(self.order.indices(step), self.order.generators(step))


class _Range:
    """Steps from ``start`` on, without end; an iterable that torch may restart."""

    def __init__(self, start: int) -> None:
        self.start = start

    def __iter__(self) -> Iterator[int]:
        step = self.start
        while True:
            yield step
            step += 1


class Loader:
    """An endless iterator over the batches from a step on; use as a context manager.

    Args:
        examples: Training data.
        order: Which of it each step takes.
        start: First step.
        workers: 0 = in the calling thread, 1 = in a background thread, more = in processes.
        pin: Put batches in page-locked memory, for CUDA.
    """

    def __init__(
        self, examples: Examples, order: Order, start: int, *, workers: int = 1, pin: bool = False
    ) -> None:
        self._steps = _Steps(examples, order)
        self._start = start
        self._workers = workers
        self._pin = pin
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._batches: Iterator[Batch] | None = None

    def __enter__(self) -> Loader:
        if self._workers > 1:
            self._batches = iter(self._processes())
        elif self._workers == 1:
            self._batches = self._background()
        else:
            self._batches = (self._steps[step] for step in _Range(self._start))
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        self._batches = None  # ends worker processes

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        if self._batches is None:
            raise RuntimeError("the loader is not open")
        return next(self._batches)

    def _processes(self) -> DataLoader[Batch]:
        # Fresh interpreters: forking a process whose threads run kernels may lock up.
        return DataLoader(
            self._steps,
            batch_size=None,
            sampler=_Range(self._start),
            num_workers=self._workers,
            prefetch_factor=_AHEAD,
            pin_memory=self._pin,
            multiprocessing_context="spawn",
            worker_init_fn=_leave_interrupts_to_the_parent,
        )

    def _background(self) -> Iterator[Batch]:
        ready: queue.Queue[Batch | BaseException] = queue.Queue(_AHEAD)

        def fill() -> None:
            try:
                for step in _Range(self._start):
                    if not self._put(ready, self._ready(self._steps[step])):
                        return
            except BaseException as error:  # handed to the training thread
                self._put(ready, error)

        self._thread = threading.Thread(target=fill, name="batches", daemon=True)
        self._thread.start()
        while True:
            item = ready.get()
            if isinstance(item, BaseException):
                raise item
            yield item

    def _put(self, ready: queue.Queue[Batch | BaseException], item: Batch | BaseException) -> bool:
        """Wait for room; False when the loader was closed meanwhile."""
        while not self._stop.is_set():
            try:
                ready.put(item, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def _ready(self, batch: Batch) -> Batch:
        return {k: v.pin_memory() for k, v in batch.items()} if self._pin else batch


def _leave_interrupts_to_the_parent(_worker: int) -> None:
    # Ctrl-C reaches the whole process group; the parent finishes its step and needs its batches.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def seed_step(seed: int, step: int, rank: int) -> None:
    """Seed torch for a step, so that a resumed run draws what an uninterrupted one would."""
    entropy = np.random.SeedSequence((seed, step, rank)).generate_state(1, np.uint64)[0]
    torch.manual_seed(int(entropy >> np.uint64(1)))
