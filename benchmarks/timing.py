"""Timing things in turns, so that what else the machine does falls on all of them alike."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Spent:
    """What one call took, in seconds: on the clock, and of processors (all threads together)."""

    wall: float
    cpu: float

    def __truediv__(self, other: Spent) -> Spent:
        return Spent(self.wall / max(other.wall, 1e-9), self.cpu / max(other.cpu, 1e-9))

    def __add__(self, other: Spent) -> Spent:
        return Spent(self.wall + other.wall, self.cpu + other.cpu)

    def times(self, factor: float) -> Spent:
        """So many of them."""
        return Spent(self.wall * factor, self.cpu * factor)


@dataclass(frozen=True)
class Figure:
    """Several measurements of one thing.

    Attributes:
        median: Of the measurements.
        low: The lower quartile.
        high: The upper quartile.
        count: How many there are.
    """

    median: float
    low: float
    high: float
    count: int

    @classmethod
    def of(cls, values: list[float]) -> Figure | None:
        """The figure of some values; None without any."""
        if not values:
            return None
        ordered = sorted(values)
        if len(ordered) == 1:
            return cls(ordered[0], ordered[0], ordered[0], 1)
        low, _, high = statistics.quantiles(ordered, n=4, method="inclusive")
        return cls(statistics.median(ordered), low, high, len(ordered))

    def __str__(self) -> str:
        return f"{self.median:8.2f}  [{self.low:.2f}, {self.high:.2f}]"


@dataclass
class Log:
    """Everything that was measured: ``taken[name]`` is ``(page, round) -> Spent``."""

    taken: dict[str, dict[tuple[str, int], Spent]] = field(default_factory=dict)

    def add(self, name: str, page: str, number: int, spent: Spent) -> None:
        """Note one measurement."""
        self.taken.setdefault(name, {})[page, number] = spent

    def time(self, name: str, page: str, number: int, call: Callable[[], Any]) -> Any:
        """Call, note what it took, and give back what it gave."""
        result, spent = timed(call)
        self.add(name, page, number, spent)
        return result

    def figure(self, name: str, clock: str) -> Figure | None:
        """Seconds of one thing on one clock ("wall" or "cpu")."""
        return Figure.of([getattr(spent, clock) for spent in self.taken.get(name, {}).values()])

    def ratio(self, name: str, to: tuple[str, ...], clock: str) -> Figure | None:
        """How many times as long a thing takes as others together, measured in the same turn.

        Where it was measured less often than they, the page's median of theirs is what counts.
        """
        values = []
        for (page, number), spent in self.taken.get(name, {}).items():
            base = [self._of(other, page, number, clock) for other in to]
            if all(value is not None for value in base):
                values.append(getattr(spent, clock) / max(sum(v for v in base if v), 1e-9))
        return Figure.of(values)

    def _of(self, name: str, page: str, number: int, clock: str) -> float | None:
        found = self.taken.get(name, {})
        if (page, number) in found:
            return float(getattr(found[page, number], clock))
        same = [getattr(spent, clock) for (where, _), spent in found.items() if where == page]
        return statistics.median(same) if same else None


def timed(call: Callable[[], Any]) -> tuple[Any, Spent]:
    """What a call gives, and what it took."""
    gc.collect()
    cpu, wall = time.process_time(), time.perf_counter()
    result = call()
    return result, Spent(time.perf_counter() - wall, time.process_time() - cpu)


def in_turns(
    things: Mapping[str, Callable[[], Any]], log: Log, page: str, rounds: range | list[int]
) -> None:
    """Time things one after the other, all of them in every round; every other one backwards."""
    for number in rounds:
        names = list(things)
        for name in names if number % 2 == 0 else reversed(names):
            log.time(name, page, number, things[name])
