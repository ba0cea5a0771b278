"""What a page costs, stage by stage, against the detector and against what others do.

``make bench`` runs it, ``make bench-quick`` with fewer pages and rounds; see README.md here.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import speed_parts as parts
from PIL import Image
from speed_curves import curves, plot
from speed_process import cold_start, help_text, machine, peak_memory, run, versions
from timing import Figure, Log, Spent, in_turns

from textclean import make_cleaner
from textclean.cleaner import Cleaner
from textclean.evaluation import metrics
from textclean.io import read_image

HERE = Path(__file__).resolve().parent
SAMPLES = HERE.parent / "samples"
STAGES = (parts.DETECT, parts.INK, parts.MASKS, parts.PLAIN, parts.FILL, parts.VERIFY,
          parts.COMPOSE, parts.FILES, parts.CLEAN)  # fmt: skip
RIVALS = (parts.FULL, parts.CONTOURS, parts.TELEA, parts.FSR)
EMPTY = "page without text"
LOOKING = (parts.DETECT, parts.INK)
CLOCKS = ("wall", "cpu")


def main() -> None:
    """Measure, print, write down."""
    given = _arguments()
    os.environ.setdefault("TEXTCLEAN_OFFLINE", "1")
    pages = find_pages(given.data, 2 if given.quick else 6)
    print(f"pages: {', '.join(path.stem for path in pages)}", flush=True)
    cleaner = make_cleaner()
    log, facts = Log(), []
    if not given.no_rivals:
        parts.warm_lama()
    for number, path in enumerate(pages):
        it = parts.prepared(cleaner, path)
        facts.append({**it.facts, **_quality(it)})
        _measure(it, log, given, number)
        print(f"  {it.name} done", flush=True)
    found: dict[str, Any] = {
        "machine": machine(),
        "versions": versions(),
        "quick": given.quick,
        "pages": facts,
        "seconds": _seconds(log),
        "ratios": _ratios(log),
        "processes": _processes(pages[0], quick=given.quick),
    }
    _print(found, fsr=bool(log.taken.get(parts.FSR)))
    if not given.no_curves:
        drawn = curves(cleaner, quick=given.quick)
        found["curves"] = [curve.as_dict for curve in drawn]
        plot(drawn, given.json.with_name(f"{given.json.stem}-curves.png"))
        _print_curves(found["curves"])
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(json.dumps(found, indent=1) + "\n")
    print(f"\nwritten to {given.json}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=HERE.parents[1] / "shared" / "data")
    parser.add_argument("--quick", action="store_true", help="fewer pages and rounds")
    parser.add_argument("--json", type=Path, help="where the figures go")
    parser.add_argument("--rounds", type=int, help="rounds of our own parts")
    parser.add_argument("--no-rivals", action="store_true", help="without the large networks")
    parser.add_argument("--no-curves", action="store_true")
    given = parser.parse_args()
    given.rounds = given.rounds or (2 if given.quick else 5)
    name = "out/speed-quick.json" if given.quick else "benchmarks/speed.json"
    given.json = given.json or HERE.parent / name
    return given


def find_pages(data: Path, most: int) -> list[Path]:
    """Lettered manga pages, or our own samples."""
    found = sorted((data / "manga").glob("*_lettered.*"))
    if not found:
        names = ("manga-vector-ja.png", "screentone-ja.png", "comic-en.png", "comic-ja.webp")
        found = [SAMPLES / name for name in names]
    step = max(1, len(found) // most)
    return found[len(found) % step :: step][:most] if len(found) > most else found


def _measure(it: parts.Prepared, log: Log, given: argparse.Namespace, number: int) -> None:
    """All parts and rivals of one page, and a page without text, in turns."""
    things = parts.ours(it) | parts.classical(it)
    cleaner = it.cleaner
    # A cleaned page still shows what was to stay, sound effects say.
    without = _textless(given.data, cleaner)
    blank = without[number % len(without)] if without else it.result.page
    things[EMPTY] = lambda: cleaner.clean(blank)
    things[f"{EMPTY}: {parts.DETECT}"] = lambda: cleaner.detector.detect(blank)
    rounds = list(range(given.rounds))
    half = len(rounds) // 2
    in_turns(things, log, it.name, rounds[:half])
    if not given.no_rivals:
        # Once a page, in the middle: each takes as long as all the rest together.
        log.time(parts.FULL, it.name, half, lambda: parts.full_page(it))
        windows = parts.by_contours(it, log, half, 4 if given.quick else 12)
        print(f"  {it.name}: {windows['run']} of {windows['windows']} contour windows run")
    in_turns(things, log, it.name, rounds[half:])


@cache
def _textless(data: Path, cleaner: Cleaner) -> list[Any]:
    """Pages of drawn art on which nothing is to go; none where there is no such folder."""
    pages = [read_image(path) for path in sorted((data / "art").glob("E1[4-7]P0[25].webp"))]
    return [page for page in pages if not cleaner.clean(page).changed]


def _quality(it: parts.Prepared) -> dict[str, float]:
    """How well the page was cleaned, where the truth is known (see FACTS of the evaluation)."""
    stem = it.path.stem.removesuffix("_lettered")
    truth = it.path.with_name(f"{stem}_cleanbubbles.webp")
    text = it.path.with_name(f"{stem}_textmask.png")
    if not (truth.is_file() and text.is_file()):
        return {}
    import numpy as np

    hole = metrics.hole(np.asarray(Image.open(text).convert("L")) > 127)
    where = metrics.region(hole)
    clean = np.asarray(Image.open(truth).convert("RGB"))
    return {"psnr": round(metrics.psnr(it.result.page.rgb, clean, where), 2)}


def _processes(page: Path, *, quick: bool) -> dict[str, Any]:
    """Memory, cold start, help."""
    with tempfile.TemporaryDirectory() as folder:
        sized = Path(folder) / "page.png"
        Image.open(page).convert("L").resize((1414, 2000)).save(sized)
        memory = [peak_memory(sized) for _ in range(1 if quick else 2)]
        starts = [cold_start(sized) for _ in range(2 if quick else 3)]
        python = [run([sys.executable, "-c", "pass"]) for _ in range(3)]
    helps = [help_text() for _ in range(4 if quick else 8)][1:]
    return {
        "peak_memory_mb": round(max(memory)),
        "cold": {name: _median([s[name] for s in starts]) for name in starts[0]},
        "help": _median(helps),
        "python_alone": _median(python),
    }


def _median(values: list[Spent]) -> dict[str, float]:
    return {clock: round(statistics.median(getattr(v, clock) for v in values), 3)
            for clock in CLOCKS}  # fmt: skip


def _seconds(log: Log) -> dict[str, Any]:
    return {
        name: {clock: asdict(figure) for clock in CLOCKS if (figure := log.figure(name, clock))}
        for name in (*STAGES, *RIVALS, EMPTY)
        if name in log.taken
    }


def _ratios(log: Log) -> dict[str, Any]:
    wanted = {
        "clean_page / detection": (parts.CLEAN, (parts.DETECT,)),
        "clean_page / (detection + ink network)": (parts.CLEAN, LOOKING),
        f"{EMPTY} / detection": (EMPTY, (f"{EMPTY}: {parts.DETECT}",)),
        **{f"{rival} / inpainting stage": (rival, (parts.FILL,)) for rival in RIVALS},
    }
    return {
        name: {clock: asdict(figure) for clock in CLOCKS if (figure := log.ratio(*pair, clock))}
        for name, pair in wanted.items()
        if pair[0] in log.taken
    }


def _print(found: dict[str, Any], *, fsr: bool) -> None:
    where = found["machine"]
    print(f"\n{where['cores']} cores, load {where['load'][0]}; {' '.join(where['flags'])}")
    print("commit", found["versions"]["commit"])
    for title in ("seconds", "ratios"):
        print(f"\n{title:42} {'wall: median [quartiles]':>28} {'processors':>28}")
        for name, clocks in found[title].items():
            shown = [str(Figure(**clocks[clock])) if clock in clocks else "" for clock in CLOCKS]
            print(f"{name:42} {shown[0]:>28} {shown[1]:>28}")
    if not fsr:
        print("FSR: this OpenCV has no xphoto (it is in opencv-contrib)")
    processes = found["processes"]
    print(f"\npeak memory of a 1414x2000 page   {processes['peak_memory_mb']} MB")
    for label, taken in (
        ("textclean --help", processes["help"]),
        ("python alone", processes["python_alone"]),
        ("cold start beyond the second page", processes["cold"]["beyond"]),
        ("of it, up to a cleaner", processes["cold"]["load"]),
    ):
        print(f"{label:33} {taken['wall']:.2f} s, processors {taken['cpu']:.2f} s")
    for page in found["pages"]:
        print("  ".join(f"{key} {value}" for key, value in page.items()))


def _print_curves(found: list[dict[str, Any]]) -> None:
    for curve in found:
        print(f"\n{curve['title']}, seconds of processors")
        print(f"{'':14}", *(f"{x:8g}" for x in curve["x"]))
        for name, values in curve["cpu_seconds"].items():
            print(f"{name:14}", *(f"{value:8.2f}" for value in values))


if __name__ == "__main__":
    main()
