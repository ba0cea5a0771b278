"""Packs for the ink network out of other packs: whole, or the windows a network finds hardest.

Windows without any ink teach most where a network sees some all the same. From the command line:
``python -m textclean.training.mining --out P --whole A B --from C --hardest 900 --others 300``.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from textclean.device import choose_device
from textclean.errors import OptionsError, TextcleanError
from textclean.nets.ink import CLASSES
from textclean.training.ink_data import on_device, to_batch
from textclean.training.ink_mixture import INK_FAMILIES
from textclean.training.ink_samples import UNKNOWN, InkPack, InkPackWriter
from textclean.training.inpaint_data import spread
from textclean.weights import load_network

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_REMOVED = np.array([name not in ("nothing", "print") for name in CLASSES])


def false_ink(pack: InkPack, weights: str | Path = "textclean-ink") -> NDArray[np.float64]:
    """``(N,)`` mean probability of ink where a window has none; print counts as none.

    Args:
        pack: The windows.
        weights: Name or path of an ink network.
    """
    network, device = load_network(weights).module, choose_device("auto")
    network.to(device).eval()
    found = np.zeros(len(pack))
    removed = torch.from_numpy(_REMOVED).to(device)
    for index in range(len(pack)):
        sample = pack[index]
        with torch.inference_mode():
            logits = network(on_device(to_batch([sample]), device)["shown"])[0, : len(CLASSES)]
            ink = logits.softmax(0)[removed].sum(0).cpu().numpy()
        labels = sample.labels & np.uint8(UNKNOWN)
        free = np.append(~_REMOVED, np.zeros(UNKNOWN + 1 - len(CLASSES), bool))[labels]
        found[index] = float(ink[free].sum()) / free.size
    return found


def mined(scores: NDArray[np.float64], hardest: int, others: int) -> list[int]:
    """Places of the ``hardest`` highest scores, and of ``others`` spread over the rest, sorted."""
    order = np.argsort(-scores, kind="stable")
    rest = sorted(order[hardest:].tolist())
    spaced = spread(len(rest), others) if others else ()  # 0 would be all of them
    return sorted([*order[:hardest].tolist(), *(rest[i] for i in spaced)])


def write_mixed_pack(
    out: str | Path,
    whole: Sequence[str | Path],
    source: str | Path | None = None,
    *,
    hardest: int = 0,
    others: int = 0,
    weights: str | Path = "textclean-ink",
) -> InkPack:
    """Write a pack of all windows of some packs and the hardest of another.

    Args:
        out: Folder of the pack.
        whole: Packs that are taken whole.
        source: A pack of which a part is taken.
        hardest: How many of its windows in which the network sees most ink that is not there.
        others: How many of the rest of its windows.
        weights: Name or path of the network that is asked.

    Raises:
        OptionsError: The packs are of different sizes, or there is nothing to write.
        OutputExistsError: There is another pack, or something else, at ``out``.
    """
    packs = [InkPack(path) for path in whole]
    chosen = [(pack, index) for pack in packs for index in range(len(pack))]
    if source is not None:
        packs.append(InkPack(source))
        places = mined(false_ink(packs[-1], weights), hardest, others)
        chosen += [(packs[-1], index) for index in places]
    if not chosen or len({pack.size for pack in packs}) != 1:
        raise OptionsError(
            "these packs cannot be joined", remedy="Give packs of windows of one size"
        )
    recipe = {
        "joined": [{"recipe": pack.recipe, "windows": len(pack)} for pack in packs],
        "hardest": hardest,
        "others": others,
    }
    writer = InkPackWriter(out, len(chosen), packs[0].size, tuple(INK_FAMILIES), recipe)
    for number in writer.missing():
        pack, index = chosen[number]
        writer.write(number, pack[index])
    return InkPack(out)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m textclean.training.mining", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the new pack")
    parser.add_argument("--whole", type=Path, nargs="*", default=[], help="packs taken whole")
    parser.add_argument("--from", dest="source", type=Path, help="pack of which a part is taken")
    parser.add_argument("--hardest", type=int, default=0, help="windows of most false ink")
    parser.add_argument("--others", type=int, default=0, help="windows of the rest")
    parser.add_argument("--weights", default="textclean-ink", help="the network that is asked")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run; returns the exit code."""
    try:
        pack = write_mixed_pack(**vars(_parser().parse_args(arguments)))
    except TextcleanError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    sys.stderr.write(f"{pack.folder}: {len(pack)} samples\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
