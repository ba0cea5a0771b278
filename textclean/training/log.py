"""What a run leaves to read: CSV rows, progress, sheets of pictures."""

from __future__ import annotations

import csv
import logging
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

import cv2
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from textclean.errors import FileAccessError
from textclean.training.checkpoint import write_atomically

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from torch import Tensor

    from textclean.types import Image

logger = logging.getLogger("textclean.training")

_CAPTION = 16
_GAP = 4
_GREY = 128


class CsvLog:
    """Rows of figures by step, one file; new figures add columns.

    Args:
        path: The file; made when the first row comes.
        resume: Step the run goes on from: later rows, left by a run that was killed after its
            last checkpoint, are dropped. 0 = start a new file.
    """

    def __init__(self, path: Path, resume: int = 0) -> None:
        self._path = path
        self._columns: list[str] = ["step"]
        rows = [row for row in self._read() if int(row["step"]) <= resume] if resume else []
        for row in rows:
            self._columns += [name for name in row if name not in self._columns]
        if path.exists():
            self._rewrite(rows)

    def add(self, step: int, figures: Mapping[str, float]) -> None:
        """Append a row; figures of earlier rows that it lacks stay empty.

        Raises:
            FileAccessError: The file cannot be written.
        """
        row = {"step": str(step)} | {name: f"{value:.7g}" for name, value in figures.items()}
        fresh = [name for name in row if name not in self._columns]
        if fresh or not self._path.exists():
            rows = self._read() if self._path.exists() else []
            self._columns += fresh
            self._rewrite([*rows, row])
            return
        try:
            with self._path.open("a", newline="", encoding="utf-8") as file:
                csv.DictWriter(file, self._columns).writerow(row)
        except OSError as error:
            raise FileAccessError(f"cannot write {self._path.name}: {error.strerror}") from error

    def _read(self) -> list[dict[str, str]]:
        if not self._path.exists():
            return []
        with self._path.open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row.get("step", "").isdigit()]
        return rows

    def _rewrite(self, rows: Sequence[Mapping[str, str]]) -> None:
        def write(path: Path) -> None:
            with path.open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, self._columns)
                writer.writeheader()
                writer.writerows(rows)

        write_atomically(self._path, write)


class Reporter:
    """Progress for people: a bar on a terminal, log lines elsewhere; silent when not ``on``."""

    def __init__(self, on: bool = True) -> None:
        self._on = on
        self._bar: Progress | None = None
        self._last = -1e9
        if on and sys.stderr.isatty():
            self._bar = Progress(
                TextColumn("training"),
                BarColumn(),
                TextColumn("{task.percentage:5.1f}%"),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.description}"),
                console=Console(stderr=True),
            )
            self._task = self._bar.add_task("", total=1.0)

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar:
            self._bar.stop()

    def show(self, progress: float, text: str, *, every: float = 30.0) -> None:
        """Show the state; log lines come at most once in ``every`` seconds."""
        if self._bar:
            self._bar.update(self._task, completed=progress, description=text)
        elif self._on and time.monotonic() - self._last >= every:
            self._last = time.monotonic()
            logger.info("%5.1f%%  %s", 100 * progress, text)

    def say(self, text: str) -> None:
        """Show some lines that stay."""
        if self._bar:
            self._bar.console.print(text, highlight=False, markup=False)
        elif self._on:
            logger.info("%s", text)


class Diary:
    """The logs and the progress of a run in one hand; all silent where not ``on``.

    Args:
        out: Folder of the run.
        step: Step the run goes on from.
        on: Whether this process writes.
    """

    def __init__(self, out: Path, step: int, on: bool = True) -> None:
        self._on = on
        self._reporter = Reporter(on)
        if on:
            self._log = CsvLog(out / "log.csv", step)
            self._validations = CsvLog(out / "validation.csv", step)

    def __enter__(self) -> Self:
        self._reporter.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._reporter.__exit__(*error)

    def trained(self, step: int, progress: float, figures: Mapping[str, float]) -> None:
        """Log what some steps up to this one gave."""
        if self._on:
            self._log.add(step, figures)
            self._reporter.show(progress, _line(step, figures))

    def judged(self, step: int, figures: Mapping[str, float], table: str) -> None:
        """Log a validation."""
        if self._on:
            self._validations.add(step, figures)
            self._reporter.say(f"step {step}, validation:\n{table}")


def _line(step: int, figures: Mapping[str, float]) -> str:
    return (
        f"step {step}  loss {figures['loss']:.4f}  lr {figures['lr']:.2e}  "
        f"{figures['steps_per_second']:.2f} it/s  data {100 * figures['data_share']:.0f}%"
    )


class Meter:
    """Means of figures over some steps, and where the time went.

    Attributes:
        steps: Steps since the last :meth:`take`.
    """

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}
        self._spent: dict[str, float] = {}
        self.steps = 0

    def add(self, figures: Mapping[str, Tensor]) -> None:
        """Count one step; nothing is copied from the device."""
        self.steps += 1
        for name, value in figures.items():
            self._sums[name] = self._sums[name] + value if name in self._sums else value
            self._counts[name] = self._counts.get(name, 0) + 1

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Count the seconds spent inside under a name."""
        began = time.monotonic()
        yield
        self._spent[name] = self._spent.get(name, 0.0) + time.monotonic() - began

    def take(self) -> dict[str, float]:
        """The means since the last call, with ``steps_per_second`` and ``data_share``."""
        figures = {name: float(self._sums[name]) / n for name, n in self._counts.items()}
        spent = max(sum(self._spent.values()), 1e-9)
        figures["steps_per_second"] = self.steps / spent
        figures["data_share"] = self._spent.get("data", 0.0) / spent
        self.__init__()  # type: ignore[misc]
        return figures


def sheet(rows: Sequence[tuple[str, Sequence[Image]]]) -> Image:
    """Rows of pictures with a caption over each row, on grey; ``(H, W, 3)`` uint8.

    Rows fill columns from the top, as many columns as bring the sheet nearest to a square.

    Args:
        rows: Caption and pictures, each ``(h, w, 3)`` uint8; sizes may differ.
    """
    strips = [_strip(caption, images) for caption, images in rows]
    if not strips:
        return np.full((1, 1, 3), _GREY, np.uint8)
    layouts = [_columns(strips, count) for count in range(1, len(strips) + 1)]
    canvas = min(layouts, key=lambda image: max(image.shape[:2]))
    return canvas


def _columns(strips: Sequence[Image], count: int) -> Image:
    each = -(-len(strips) // count)
    columns = [_stacked(strips[i : i + each]) for i in range(0, len(strips), each)]
    return _stacked([column.swapaxes(0, 1) for column in columns]).swapaxes(0, 1)


def _stacked(images: Sequence[Image]) -> Image:
    """Images under each other, the narrower ones filled up with grey."""
    width = max(image.shape[1] for image in images)
    canvas = np.full((sum(i.shape[0] for i in images), width, 3), _GREY, np.uint8)
    top = 0
    for image in images:
        canvas[top : top + image.shape[0], : image.shape[1]] = image
        top += image.shape[0]
    return canvas


def _strip(caption: str, images: Sequence[Image]) -> Image:
    height = max(image.shape[0] for image in images) + _CAPTION + _GAP
    width = sum(image.shape[1] + _GAP for image in images)
    strip = np.full((height, width, 3), _GREY, np.uint8)
    cv2.putText(strip, caption, (2, 12), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (255, 255, 255), 1)
    left = 0
    for image in images:
        strip[_CAPTION : _CAPTION + image.shape[0], left : left + image.shape[1]] = image
        left += image.shape[1] + _GAP
    return strip


def save_png(image: Image, path: Path) -> None:
    """Write an ``(H, W, 3)`` uint8 RGB picture, atomically.

    Raises:
        FileAccessError: The folder cannot be written.
    """
    done, data = cv2.imencode(".png", image[..., ::-1])
    if not done:
        raise FileAccessError(f"cannot encode {path.name}")
    write_atomically(path, lambda temporary: temporary.write_bytes(data.tobytes()))
