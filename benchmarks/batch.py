"""What a run over many pages costs: ``python benchmarks/batch.py [--quick]``; see README.md here.

Every figure is from processes of its own, started one after the other.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from textclean.batch.journal import Journal, Record, read_journal
from textclean.io.atomic import WORK_FOLDER
from textclean.io.sniff import IMAGE_KINDS, kind_of_suffix

HERE = Path(__file__).resolve()
SAMPLES = HERE.parents[1] / "samples"
WARM = 50  # pages after which memory is to grow no more

CLEAN_PAGE = """
import sys
from pathlib import Path
from textclean import clean_page
for path in sorted(Path(sys.argv[1]).iterdir()):
    result = clean_page(path)
    result.save(Path(sys.argv[2]) / path.name)
"""
ONE_CLEANER = """
import sys
from pathlib import Path
from textclean import make_cleaner
from textclean.io import read_image, write_image
cleaner = make_cleaner()
for path in sorted(Path(sys.argv[1]).iterdir()):
    result = cleaner.clean(read_image(path))
    data = path.read_bytes()
    out = write_image(result.page, result.mask, data) if result.changed else data
    (Path(sys.argv[2]) / path.name).write_bytes(out)
"""
TINY = """
import sys, time
from pathlib import Path
import numpy as np
from textclean.batch import Batch, Job, run_batch
from textclean.options import Options
from textclean.types import PageResult
def prepare(device):
    def work(page):
        mask = np.zeros(page.pixels.shape[:2], bool)
        mask[2:5, 2:5] = True
        return PageResult(page, mask, ())
    return work
job = Job(Path(sys.argv[1]), Path(sys.argv[2]), Options(ink=False))
result = run_batch(Batch(jobs=[job], workers=0), prepare)
assert not result.failures, result.failures
print(result.resumed)
"""


@dataclass
class Measured:
    """A run of a process and all that it started.

    Attributes:
        seconds: Wall-clock time.
        memory: Memory of the whole tree in MB and finished pages, time after time.
        output: What it printed.
    """

    seconds: float
    memory: list[tuple[int, float]] = field(default_factory=list)
    output: str = ""

    def peak(self, first: int, last: int) -> float:
        """Most memory while so many pages were done; NaN when nothing was seen."""
        return max(self._while(first, last), default=float("nan"))

    def usual(self, first: int, last: int) -> float:
        """Median of the memory while so many pages were done; NaN when nothing was seen."""
        found = self._while(first, last)
        return float(np.median(found)) if found else float("nan")

    def _while(self, first: int, last: int) -> list[float]:
        return [mb for pages, mb in self.memory if first <= pages <= last]


def measured(command: Sequence[object], *, journal: Path | None = None) -> Measured:
    """Run a process; with a journal, its memory is watched."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    found = Measured(0.0)
    watcher = threading.Thread(target=_watch, args=(process, journal, found), daemon=True)
    if journal is not None:
        watcher.start()
    found.output, errors = process.communicate()
    found.seconds = time.perf_counter() - start
    if process.returncode:
        sys.exit(f"{command[0]} failed with {process.returncode}: {errors[-2000:]}")
    return found


def _watch(process: subprocess.Popen[str], journal: Path, found: Measured) -> None:
    while process.poll() is None:
        start = time.perf_counter()
        pages = journal.read_bytes().count(b'"kind":"page"') if journal.exists() else 0
        found.memory.append((pages, tree_memory(process.pid) / 1e6))
        # Adding up the pages of some gigabytes takes a while, which the workers are to have.
        time.sleep(max(0.5, 30 * (time.perf_counter() - start)))


def tree_memory(root: int) -> int:
    """Bytes of a process and all below it; pages that they share are counted once (PSS)."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            parents[int(folder.name)] = int(fields[1])
        except (OSError, IndexError):
            continue
    tree = {root}
    while more := {child for child, parent in parents.items() if parent in tree} - tree:
        tree |= more
    total = 0
    for pid in tree:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024
        except (OSError, StopIteration):
            continue
    return total


def make_pages(data: Path, folder: Path, count: int, different: int) -> float:
    """Some different pages below ``data``, repeated up to a count; megapixels of an average one."""
    chosen = find_pages(data if data.is_dir() else SAMPLES, different)
    folder.mkdir(parents=True)
    pixels = 0
    for number in range(count):
        source = chosen[number % len(chosen)]
        shutil.copyfile(source, folder / f"{number:04}{source.suffix}")
        with Image.open(source) as image:
            pixels += image.width * image.height
    return pixels / count / 1e6


def find_pages(data: Path, most: int) -> list[Path]:
    """Lettered pages and three in ten of art without text; any pictures where there are none."""
    lettered = [path for path in sorted(data.glob("*/*_lettered.*")) if _usable(path)]
    art = [path for path in sorted(data.glob("art/*")) if _usable(path)]
    if not lettered:
        return _spread([path for path in sorted(data.rglob("*")) if _usable(path)], most)
    without = min(len(art), round(0.3 * most))
    return sorted([*_spread(lettered, most - without), *_spread(art, without)])


def _spread(paths: list[Path], most: int) -> list[Path]:
    """At most so many, from all over the list."""
    count = min(len(paths), most)
    return [paths[number * len(paths) // count] for number in range(count)]


def _usable(path: Path) -> bool:
    if not path.is_file() or kind_of_suffix(path.name) not in IMAGE_KINDS:
        return False
    with Image.open(path) as image:
        return 300_000 < image.width * image.height < 6_000_000


def speed(root: Path, pages: int, loop: int) -> float:
    """Pages a second of loops and of runs; seconds of a page with the default."""
    source, first = root / "pages", root / "loop-pages"
    first.mkdir()
    # The pages are repeated from there on, so that an average one is the same.
    for path in sorted(source.iterdir())[:loop]:
        shutil.copyfile(path, first / path.name)
    print(f"\n{'way':34} {'pages':>6} {'s':>8} {'pages/s':>8} {'x':>6}")
    rates: dict[str, float] = {}
    for name, script in (
        ("clean_page in a loop", CLEAN_PAGE),
        ("one Cleaner in a loop", ONE_CLEANER),
    ):
        out = root / "loop"
        out.mkdir()
        run = measured([sys.executable, "-c", script, first, out])
        shutil.rmtree(out)
        rates[name] = loop / run.seconds
        _row(name, loop, run.seconds, rates)
    cores = len(os.sched_getaffinity(0))
    for jobs in dict.fromkeys((0, 1, cores)):
        name = f"textclean clean --jobs {jobs}"
        folder, count = (source, pages) if jobs == cores else (first, loop)
        out = root / f"out-{jobs}"
        run = measured(
            [sys.executable, "-m", "textclean", "clean", folder, "-o", out, "--jobs", jobs, "-q"],
            journal=out / WORK_FOLDER / "journal.jsonl" if jobs == cores else None,
        )
        rates[name] = count / run.seconds
        _row(name, count, run.seconds, rates)
        if jobs == cores:
            _memory(run, count)
    same = all(
        (root / "out-0" / path.name).read_bytes()
        == (root / f"out-{cores}" / path.name).read_bytes()
        for path in first.iterdir()
    )
    print(f"same bytes with 0 and {cores} workers: {'yes' if same else 'NO'}")
    records = read_journal(root / f"out-{cores}" / WORK_FOLDER / "journal.jsonl")
    seconds = [r.values["report"]["seconds"] for r in records if r.kind == "page"]
    return float(np.mean(seconds))


def _row(name: str, pages: int, seconds: float, rates: dict[str, float]) -> None:
    base = next(iter(rates.values()))
    rate = pages / seconds
    print(f"{name:34} {pages:6} {seconds:8.1f} {rate:8.3f} {rate / base:6.2f}", flush=True)


def _memory(run: Measured, pages: int) -> None:
    warm = min(WARM, pages // 4)
    before, after = run.peak(0, warm), run.peak(warm, pages)
    print(
        f"memory of all processes: {before:.0f} MB at most up to page {warm}, {after:.0f} MB after "
        f"it: {100 * (after / before - 1):+.1f} %"
    )
    middle = (warm + pages) // 2
    for what, of in (("most", run.peak), ("its median", run.usual)):
        early, late = of(warm, middle), of(middle, pages)
        print(
            f"{what}: {early:.0f} MB from page {warm} to {middle}, {late:.0f} MB after that: "
            f"{100 * (late / early - 1):+.1f} %"
        )


def resuming(root: Path, pages: int) -> None:
    """How long it takes to find out that everything is done."""
    folder, out = root / "tiny", root / "tiny-out"
    folder.mkdir()
    for number in range(pages):
        noise = np.random.default_rng(number).integers(0, 255, (30, 40), np.uint8)
        Image.fromarray(noise).save(folder / f"{number:05}.png", compress_level=0)
    first = measured([sys.executable, "-c", TINY, folder, out])
    again = measured([sys.executable, "-c", TINY, folder, out])
    assert int(again.output) == pages
    print(
        f"\n{pages} tiny pages: {first.seconds:.1f} s, {1000 * first.seconds / pages:.2f} ms a "
        f"page with all its files; the same again, all done: {again.seconds:.2f} s"
    )


def journaling(root: Path, seconds: float) -> None:
    """What writing down a page costs, of the time that a page takes."""
    values = {
        "options": "0" * 16, "versions": "0" * 16, "input": [10**6, 10**18, "0" * 64],
        "report": {"name": "page", "stages": dict.fromkeys("abcdef", 0.1), "warnings": []},
        "parts": [["page", "parts/x", [10**6, 10**18, "0" * 64], "page.png", False]],
    }  # fmt: skip
    count = 5000
    with Journal(root / "journal") as journal:
        start = time.perf_counter()
        for number in range(count):
            journal.add(Record("page", f"document//{number}", values))
        spent = (time.perf_counter() - start) / count
    print(
        f"journal: {1000 * spent:.3f} ms a page, {100 * spent / seconds:.4f} % of the "
        f"{seconds:.2f} s that a page took"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=HERE.parents[2] / "shared" / "data")
    parser.add_argument("--quick", action="store_true", help="fewer pages")
    wishes = parser.parse_args()
    pages, loop, tiny = (24, 12, 1000) if wishes.quick else (200, 50, 5000)
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        size = make_pages(wishes.data, root / "pages", pages, loop)
        print(f"{len(os.sched_getaffinity(0))} cores, load {load}; {size:.1f} megapixels a page")
        seconds = speed(root, pages, loop)
        resuming(root, tiny)
        journaling(root, seconds)


if __name__ == "__main__":
    main()
