"""Where the time of a page goes, function by function: ``python benchmarks/speed_profile.py``.

One thread and the processor's clock, so that a busy machine gives the same table. A profiler makes
Python's own steps dearer than they are: the shares of networks are a little too small.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import time
from pathlib import Path
from typing import Any

import cv2
import torch
from speed import HERE, find_pages

from textclean import cleaner as recipe
from textclean import make_cleaner
from textclean.io import read_image

STAGES = ("_find", "_masks", "_fill", "_look_again", "_compose")
PACKAGE = Path(recipe.__file__).parent
LEAST = 0.01  # of all, to be in the table


def profiled(pages: list[Path]) -> pstats.Stats:
    """Clean pages in one thread under the profiler; what is loaded at first is not in it."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    recipe._side_by_side = lambda work, items: [work(item) for item in items]
    cleaner = make_cleaner()
    loaded = [read_image(path) for path in pages]
    for page in loaded:
        cleaner.clean(page)
    profile = cProfile.Profile(time.process_time)
    for page in loaded:
        profile.enable()
        cleaner.clean(page)
        profile.disable()
    return pstats.Stats(profile)


def table(stats: Any, pages: int) -> str:
    """Stages, our functions with all they call, and what takes the time in the end."""
    entries = stats.stats
    total = stats.total_tt
    lines = [f"{pages} pages, {total / pages:.2f} s of one processor a page (profiler included)"]

    def rows(title: str, found: list[tuple[float, int, str]]) -> None:
        lines.extend(["", f"{title:58} {'s/page':>8} {'share':>7} {'calls':>8}"])
        for spent, calls, name in sorted(found, reverse=True):
            share = f"{100 * spent / total:.1f} %"
            lines.append(f"{name:58} {spent / pages:8.3f} {share:>7} {calls / pages:8.0f}")

    ours = [(key, value) for key, value in entries.items() if str(PACKAGE) in key[0]]
    stages = [
        (value[3], value[1], f"Cleaner.{key[2]}")
        for key, value in ours
        if key[0].endswith("cleaner.py") and key[2] in STAGES
    ]
    rows("stage", stages)
    rows(
        "function, with what it calls",
        [
            (value[3], value[1], f"{Path(key[0]).relative_to(PACKAGE)} {key[2]}")
            for key, value in ours
            if value[3] >= LEAST * total and not key[0].endswith("cleaner.py")
        ],
    )
    rows(
        "by itself",
        [
            (value[2], value[1], f"{_where(key[0])}{key[2]}"[:58])
            for key, value in entries.items()
            if value[2] >= LEAST * total
        ],
    )
    return "\n".join(lines) + "\n"


def _where(file: str) -> str:
    path = Path(file)
    if PACKAGE in path.parents:
        return f"{path.relative_to(PACKAGE)} "
    return "" if file == "~" else f"{path.name} "


def main() -> None:
    """Profile, print, write down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=HERE.parents[1] / "shared" / "data")
    parser.add_argument("--pages", type=int, default=6)
    parser.add_argument("--out", type=Path, default=HERE / "speed-profile.txt")
    given = parser.parse_args()
    pages = find_pages(given.data, given.pages)
    text = table(profiled(pages), len(pages))
    print(text)
    given.out.write_text(text)


if __name__ == "__main__":
    main()
