"""What a GPU makes of pages: pages a second, how busy it is, the floor, and whether it is right.

``make bench-gpu`` runs it; see README.md here. Without a CUDA device there is nothing to measure;
``--device cpu`` runs the same on the CPU, to see that it runs.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import gpu_batches
import gpu_correct
import gpu_floor
import gpu_networks
import gpu_pages
import torch
from gpu_floor import Rates, Work
from gpu_pages import Watched
from speed import find_pages
from speed_process import machine, versions

from textclean import make_cleaner
from textclean.detect.ink import DEFAULT_WEIGHTS, InkReader
from textclean.device import choose_device, compute_dtype
from textclean.errors import TextcleanError
from textclean.inpaint.fourier import FourierInpainter
from textclean.nets.ink import InkUNet
from textclean.options import Options
from textclean.weights import load_network

HERE = Path(__file__).resolve().parent
FILL_WEIGHTS = "textclean-inpaint"
NOTHING = "no CUDA device was found: nothing to measure; --device cpu runs the same for a dry check"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, compare, print, write down.

    Returns:
        0; 1 when the device differs from the CPU by more than the tolerance; 3 when the device
        that was asked for is not there.
    """
    given = _arguments(arguments)
    if given.device is None:
        print(NOTHING)
        return 0
    os.environ.setdefault("TEXTCLEAN_OFFLINE", "1")
    try:
        device = choose_device(given.device)
    except TextcleanError as error:
        print(error)
        return error.exit_code
    if device.type == "cuda":
        torch.cuda.set_device(device)
    found: dict[str, Any] = {
        "machine": {**machine(), "device": _device(device)},
        "versions": versions(),
        "settings": {"batches": given.batches, "side": given.side, "rounds": given.rounds},
    }
    print(f"{found['machine']['device']}\ncommit {found['versions']['commit']}", flush=True)
    found |= _measured(given, device)
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(json.dumps(found, indent=1) + "\n")
    print(f"\nwritten to {given.json}")
    return 0 if found["correct"] else 1


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=HERE.parents[1] / "shared" / "data")
    parser.add_argument("--device", help="cuda, cuda:N or cpu; default: cuda where there is one")
    parser.add_argument("--quick", action="store_true", help="fewer pages, batches and rounds")
    parser.add_argument("--pages", type=int, help="different pages at most")
    parser.add_argument("--repeat", type=int, help="times that the cleaner gets each of them")
    parser.add_argument("--rounds", type=int, help="runs of a network whose median counts")
    parser.add_argument("--modes", type=_names, help=f"of {','.join(gpu_networks.MODES)}")
    parser.add_argument("--batches", type=_numbers, help="such as 1,8,64")
    parser.add_argument("--side", type=int, help="of the windows, in pixels")
    parser.add_argument("--threads", type=_numbers, help="decoding threads, such as 1,4")
    parser.add_argument("--json", type=Path, help="where the figures go")
    given = parser.parse_args(arguments)
    if given.device is None and torch.cuda.is_available():
        given.device = "cuda"
    dry = not (given.device or "").startswith("cuda")
    small = given.quick or dry
    # On a CPU compiling takes minutes.
    given.modes = given.modes or [
        name for name, mode in gpu_networks.MODES.items() if not (dry and mode.compiled)
    ]
    given.pages = given.pages or (1 if dry else 3 if given.quick else 6)
    given.repeat = given.repeat or (1 if dry else 2 if given.quick else 4)
    given.rounds = given.rounds or (2 if dry else 10 if given.quick else 30)
    given.batches = given.batches or ([1, 2] if dry else [1, 8, 64] if small else _doubled(64))
    given.side = given.side or (128 if dry else 256)
    given.threads = given.threads or [1, max(2, min(8, len(os.sched_getaffinity(0)) - 1))]
    given.json = given.json or HERE.parent / (
        "out/gpu-dry.json"
        if dry
        else "out/gpu-quick.json"
        if given.quick
        else "benchmarks/gpu.json"
    )
    return given


def _names(text: str) -> list[str]:
    names = text.split(",")
    if unknown := set(names) - set(gpu_networks.MODES):
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}; known: {list(gpu_networks.MODES)}")
    return names


def _numbers(text: str) -> list[int]:
    return [max(1, int(part)) for part in text.split(",")]


def _doubled(most: int) -> list[int]:
    return [2**power for power in range(most.bit_length())]


def _measured(given: argparse.Namespace, device: torch.device) -> dict[str, Any]:
    """All figures; each table is printed as soon as it is there."""
    paths = find_pages(given.data, given.pages)
    network = load_network(FILL_WEIGHTS)

    def make(batch: int, where: str = given.device, *, grid: int | None = None) -> FourierInpainter:
        return FourierInpainter(network, where, batch=batch, grid=grid)

    reader, inpainter = InkReader.load(DEFAULT_WEIGHTS, given.device), make(1)
    cleaner = make_cleaner(Options(device=given.device))
    pages, projections = gpu_pages.cleaned(cleaner, paths)
    print(f"pages: {', '.join(page.name for page in pages)}", flush=True)
    kinds = {gpu_networks.MODES[name].kind for name in given.modes} | {_ink_kind(device)}
    rates = gpu_floor.measured_rates(device, kinds - {"tf32"} if device.type == "cpu" else kinds)
    found: dict[str, Any] = {"pages": [page.name for page in pages], "rates": vars(rates)}
    _print_rates(rates)

    found["whole"], seen = [], Watched()
    for threads in given.threads:
        figures, seen = gpu_pages.whole(cleaner, paths * given.repeat, threads, device)
        found["whole"].append(figures)
    decode = gpu_pages.decode_seconds(paths)
    work = _page_work(seen, len(paths) * given.repeat, reader, inpainter)
    work["projection"] = projections * (1 / len(paths))
    found["floor"] = _page_floor(work, rates, device, decode, max(given.threads))
    _print_whole(found["whole"], found["floor"])

    modes, rounds = given.modes, given.rounds
    found["ink"] = gpu_networks.ink_alone(reader, pages, modes, rounds, rates)
    _table("ink network on pages", found["ink"])
    jobs = gpu_networks.windows_of(inpainter, pages, given.side, gpu_networks.DISTINCT)
    found["fill"] = gpu_networks.fill_alone(inpainter, jobs, modes, given.batches, rounds, rates)
    _table(f"inpainting network, windows of {given.side} x {given.side}", found["fill"])
    found["across"] = gpu_batches.across(make, pages, given.batches[:3], device)
    _table("inpainter, page by page and all pages at once", found["across"])
    found["filling"] = gpu_batches.filling(pages, 8)
    _table("windows of the same size", found["filling"])

    readers = reader, InkReader.load(DEFAULT_WEIGHTS, "cpu")
    off = gpu_correct.compared((inpainter, make(1, "cpu")), readers, pages[:3], jobs)
    found["differences"] = off
    _table("against the CPU in fp32", [{"what": name, **row} for name, row in off.items()])
    same = all(row["same_bytes"] for row in found["across"])
    found["correct"] = same and all(row["within"] for row in off.values())
    print("within the tolerance" if found["correct"] else "BEYOND THE TOLERANCE", flush=True)
    return found


def _ink_kind(device: torch.device) -> str:
    """PyTorch's default for convolutions in fp32 on GPUs is tf32."""
    return "tf32" if device.type == "cuda" else "fp32"


def _page_work(
    seen: Watched, pages: int, reader: InkReader, inpainter: FourierInpainter
) -> dict[str, Work]:
    """What the networks were asked for, on average of the pages."""
    half = compute_dtype(inpainter._device) == torch.bfloat16
    found = {"ink": Work(), "inpainting": Work()}
    for (name, shapes), count in seen.calls.items():
        if name == InkUNet.__name__:
            down = gpu_networks.INK_DOWN
            work = gpu_floor.work_of(reader._module, shapes, half=False, down=down)
            found["ink"] += work * (count / pages)
        else:
            down = gpu_networks.FILL_DOWN
            work = gpu_floor.work_of(inpainter._module, shapes, half=half, down=down)
            found["inpainting"] += work * (count / pages)
    return found


def _page_floor(
    work: dict[str, Work], rates: Rates, device: torch.device, decode: float, threads: int
) -> dict[str, Any]:
    """The least that a page can take: of the device, of the copies, of decoding."""
    half = compute_dtype(device) == torch.bfloat16
    kinds = {"ink": _ink_kind(device), "inpainting": "bf16" if half else "fp32"}
    parts = {name: rates.floor(w, kinds.get(name, "fp32")) for name, w in work.items()}
    on_device = sum(max(p["operations"], p["memory"]) for p in parts.values())
    copies = sum(p.get("copies", 0.0) for p in parts.values())
    least = max(on_device, copies, decode / threads)
    return {
        "a_page": {name: vars(w) for name, w in work.items()},
        "seconds": parts,
        "device_seconds": on_device,
        "copy_seconds": copies,
        "decode_seconds": decode,
        "decode_threads": threads,
        "pages_per_s": 1 / max(least, 1e-9),
    }


def _device(device: torch.device) -> dict[str, Any]:
    if device.type != "cuda":
        return {"kind": device.type}
    properties = torch.cuda.get_device_properties(device)
    return {
        "kind": "cuda",
        "name": properties.name,
        "memory_gb": round(properties.total_memory / 1e9, 1),
        "capability": f"{properties.major}.{properties.minor}",
        "multiprocessors": properties.multi_processor_count,
        "cuda": torch.version.cuda or torch.version.hip,
        "cudnn": torch.backends.cudnn.version(),
    }


def _print_rates(rates: Rates) -> None:
    products = ", ".join(f"{kind} {rate / 1e12:.2f}" for kind, rate in rates.products.items())
    print(f"matrix products, 10^12 operations/s: {products}")
    copies = [f"{rate / 1e9:.1f}" for rate in (rates.up, rates.down) if rate]
    print(f"GB/s: memory {rates.memory / 1e9:.0f}; to and from the host", *copies or ["nothing"])


def _print_whole(rows: Iterable[dict[str, Any]], floor: dict[str, Any]) -> None:
    flat = [{**row, **row["utilisation"]} for row in rows]
    _table("the whole cleaner", flat, leave_out=("utilisation", "stage_seconds"))
    for row in rows:
        stages = ", ".join(f"{name} {spent:.3f}" for name, spent in row["stage_seconds"].items())
        print(f"seconds a page, {row['decode_threads']} decoding: {stages}")
    print(f"floor: {floor['pages_per_s']:.1f} pages/s; seconds a page: device "
          f"{floor['device_seconds']:.5f}, copies {floor['copy_seconds']:.5f}, decode "
          f"{floor['decode_seconds']:.4f} / {floor['decode_threads']} threads")  # fmt: skip
    shown = [
        {
            "part": name,
            "giga_operations": (work["products"] + work["transforms"]) / 1e9,
            "of_it_transforms": work["transforms"] / 1e9,
            "MB_moved": work["moved"] / 1e6,
            "MB_up": work["up"] / 1e6,
            "MB_down": work["down"] / 1e6,
            **{f"{what}_s": spent for what, spent in floor["seconds"][name].items()},
        }
        for name, work in floor["a_page"].items()
    ]
    _table("a page asks for", shown)


def _table(title: str, rows: Sequence[dict[str, Any]], leave_out: Sequence[str] = ()) -> None:
    """Print rows under the names of their values; what a row does not have stays empty."""
    names = list(dict.fromkeys(name for row in rows for name in row if name not in leave_out))
    names = [name for name in names if not any(isinstance(row.get(name), dict) for row in rows)]
    cells = [[_shown(row.get(name, "")) for name in names] for row in rows]
    widths = [max(map(len, column)) for column in zip(names, *cells, strict=True)]
    line: Callable[[list[str]], str] = lambda values: "  ".join(  # noqa: E731
        value.rjust(width) for value, width in zip(values, widths, strict=True)
    )
    print(f"\n{title}", line(names), *map(line, cells), sep="\n", flush=True)


def _shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    sys.exit(main())
