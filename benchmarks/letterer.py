"""Figures for the letterer: safe areas, type sizes, and what a chapter costs as PSDs.

``make bench-letterer`` prints them. Pages of ``--data`` are measured, never copied anywhere.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from letterer_type import sizes
from PIL import Image as PILImage

import textclean
from textclean.lettering.room import ellipse_mask
from textclean.types import Page

SAMPLES = ("comic-en.png", "comic-ja.webp", "comic-ko.jpg", "manga-vector-ja.png")
LARGEST_ERROR = 0.15  # of a size of type
FILL = 32  # grey levels that paper may be from its colour


class Room(NamedTuple):
    """Safe areas of a page: how many lie wholly inside, and how many have nothing in them."""

    page: str
    bubbles: int
    boxes_inside: int
    boxes_empty: int
    ellipses_inside: int
    ellipses_empty: int
    of_bubble: float


def rooms(cleaner: textclean.Cleaner, lettered: Path, truth: Path) -> Room:
    """Safe areas of a page against the same page without its text.

    An area lies inside when the textless page shows nothing but paper along its edge: a border
    would cross it. It is empty when there is nothing else in it either; a mark that the makers of
    the textless page overlooked, or a drawing in the bubble, may be.
    """
    page = np.array(PILImage.open(lettered).convert("RGB"))
    clean = np.array(PILImage.open(truth).convert("RGB")).astype(np.int16)
    regions = [r for r in cleaner.clean(Page.from_rgb(page)).regions if r.safe_box is not None]
    boxes = {region.safe_box: region for region in regions}
    counts = np.zeros(4, int)
    shares = []
    for box, region in boxes.items():
        whole = np.ones((box[3] - box[1], box[2] - box[0]), bool)
        counts[:2] += _judged(clean, box, whole)
        if (ellipse := region.safe_ellipse) is not None:
            shape = ellipse[3] - ellipse[1], ellipse[2] - ellipse[0]
            counts[2:] += _judged(clean, ellipse, ellipse_mask((0, 0, shape[1], shape[0]), shape))
        x, y = region.bubble.T
        area = abs(float(x @ np.roll(y, 1) - y @ np.roll(x, 1))) / 2
        shares.append((box[2] - box[0]) * (box[3] - box[1]) / area)
    return Room(lettered.stem, len(boxes), *counts.tolist(), statistics.mean(shares or [0.0]))


def _judged(clean: np.ndarray, box: tuple[int, ...], shape: np.ndarray) -> tuple[bool, bool]:
    """Whether an area lies inside, and whether it is empty."""
    part = clean[box[1] : box[3], box[0] : box[2]]
    color = np.median(part[shape], axis=0)
    other = (np.abs(part - color).max(axis=2) > FILL) & (part.min(axis=2) < 255 - FILL) & shape
    inner = cv2.erode(np.pad(shape, 1).view(np.uint8), np.ones((5, 5), np.uint8))[1:-1, 1:-1] > 0
    return not other[shape & ~inner].any(), not other.any()


class Run(NamedTuple):
    """What a run of the command took, in seconds: on the clock, and of processors."""

    wall: float
    cpu: float


def chapter(pages: int, rounds: int) -> tuple[list[Run], list[Run]]:
    """Runs of ``textclean clean`` on a chapter of PNGs: without PSDs and with them, in turns."""
    plain: list[Run] = []
    layered: list[Run] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "chapter").mkdir()
        for number in range(pages):
            page = PILImage.open(Path("samples") / SAMPLES[number % len(SAMPLES)]).convert("RGB")
            page.save(folder / "chapter" / f"{number + 1:03d}.png")
        for number in range(rounds):
            plain.append(_run(folder, f"png-{number}"))
            layered.append(_run(folder, f"both-{number}", "--psd", str(folder / f"psd-{number}")))
            psds = len(list((folder / f"psd-{number}").glob("*.psd")))
            assert psds == pages, f"{psds} PSDs of {pages} pages"
    return plain, layered


def _run(folder: Path, output: str, *more: str) -> Run:
    command = [sys.executable, "-m", "textclean", "clean", str(folder / "chapter"),
               "-o", str(folder / output), "-q", *more]  # fmt: skip
    before, start = os.times(), time.perf_counter()
    subprocess.run(command, check=True)
    wall, after = time.perf_counter() - start, os.times()
    used = after.children_user + after.children_system
    return Run(wall, used - before.children_user - before.children_system)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--pages", type=int, default=20, help="pages of the chapter; 0 = skip")
    parser.add_argument("--rounds", type=int, default=1, help="runs of the chapter, either way")
    parser.add_argument("--only", choices=("room", "type", "chapter"), help="one of the three")
    given = parser.parse_args()
    if given.only in (None, "room"):
        print_rooms(textclean.make_cleaner(), given.data)
    if given.only in (None, "type"):
        print_sizes(textclean.make_cleaner())
    if given.only in (None, "chapter") and given.pages:
        print_chapter(given.pages, given.rounds)


def print_rooms(cleaner: textclean.Cleaner, data: Path) -> None:
    print(
        "safe areas: bubbles, rectangles inside (empty), ellipses inside (empty), share of bubble"
    )
    for lettered in sorted((data / "manga").glob("*_lettered.*")):
        truth = next(lettered.parent.glob(lettered.name.split("_lettered")[0] + "_cleanbubbles.*"))
        room = rooms(cleaner, lettered, truth)
        boxes = f"{room.boxes_inside:3} ({room.boxes_empty})"
        ellipses = f"{room.ellipses_inside:3} ({room.ellipses_empty})"
        told = f"{room.page:34} {room.bubbles:3}  {boxes}  {ellipses}  {room.of_bubble:.2f}"
        print(f"  {told}", flush=True)


def print_sizes(cleaner: textclean.Cleaner) -> None:
    print("size of type: manner, face, true size, measured, error")
    errors: dict[str, list[float]] = {}
    for setting, truth, found in sizes(cleaner):
        error = None if found is None else found / truth - 1
        manner = setting.manner + (" with ruby" if setting.ruby else "")
        errors.setdefault(manner, []).append(1.0 if error is None else abs(error))
        told = "not measured" if error is None or found is None else f"{found:5.1f}  {error:+.1%}"
        print(f"  {manner:18} {Path(setting.font).stem:26} {truth:5.1f}  {told}", flush=True)
    errors["all"] = [error for some in errors.values() for error in some]
    for manner, some in errors.items():
        good = sum(error <= LARGEST_ERROR for error in some)
        print(f"  {manner:18} within 15 %: {good} of {len(some)}; worst {max(some, default=0):.1%}")


def print_chapter(pages: int, rounds: int) -> None:
    plain, layered = chapter(pages, rounds)
    for what, runs in (("PNG", plain), ("PNG and PSD", layered)):
        told = ", ".join(f"{run.wall:.1f} s ({run.cpu:.1f} s CPU)" for run in runs)
        print(f"chapter of {pages} pages to {what}: {told}")
    wall, cpu = (
        statistics.median(getattr(run, name) for run in layered)
        / statistics.median(getattr(run, name) for run in plain)
        for name in ("wall", "cpu")
    )
    print(f"  with PSDs: {wall:.2f} of the time, {cpu:.2f} of the CPU time")


if __name__ == "__main__":
    main()
