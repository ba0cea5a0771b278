"""Whether a device gives what the CPU gives, within a tolerance that is stated here.

On a GPU convolutions of the inpainting network are in bf16, whose values have eight bits, and
those of the ink network in tf32, ten bits, where the GPU has it; sums come in another order, and so
do those of the projection. Both roundings can be had on a CPU, and were, on crops of 700 x 700 of
five samples, against fp32:

* fills in bf16: at most 4 grey levels off, 3 at the 99.9th percentile of one page, 2 at that of all
  of them together. The network mixes finished fills and adds a correction; both sums are in fp32,
  only the weights and the correction come from rounded values.
* ink maps with input and weights of every convolution rounded to ten bits: no value was off by more
  than 1 of 255.
* the projection in double precision, or with noise of a millionth on its input: at most 1 level.

The tolerance is about three times that: another GPU adds up in another order, other pages have more
contrast, and a mistake (a lost channel, an unsynchronized copy, a wrong scale) is off by tens.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from gpu_pages import Cleaned

from textclean.detect.ink import InkReader
from textclean.inpaint.fourier import FourierInpainter
from textclean.inpaint.jobs import Job

FILL_MOST = 12.0
"""Grey levels that a value of a fill may differ by."""
FILL_USUAL = 5.0
"""Grey levels that the 99.9th percentile of the differences may reach."""
INK_LEVELS = 2
"""Levels, of 255, that a value of an ink map may differ by."""
INK_SHARE = 1e-4
"""Share of the pixels that may differ by more in one of the planes."""


def fills_off(there: Sequence[np.ndarray], here: Sequence[np.ndarray], holes: Sequence[np.ndarray]
              ) -> dict[str, Any]:  # fmt: skip
    """How fills, ``(H, W, 3)`` uint8 each, differ in their holes, in grey levels."""
    pairs = zip(there, here, holes, strict=True)
    off = np.concatenate([np.abs(a[m].astype(np.int16) - b[m]).ravel() for a, b, m in pairs])
    most, usual = (float(off.max()), float(np.percentile(off, 99.9))) if len(off) else (0.0, 0.0)
    return {
        "values": len(off),
        "most": most,
        "usual": usual,
        "within": most <= FILL_MOST and usual <= FILL_USUAL,
    }


def inks_off(there: Sequence[np.ndarray], here: Sequence[np.ndarray]) -> dict[str, Any]:
    """How ink maps, ``(7, H, W)`` uint8 each, differ: the largest difference, and the share."""
    most, beyond, pixels = 0, 0, 0
    for a, b in zip(there, here, strict=True):
        off = np.abs(a.astype(np.int16) - b).max(axis=0)
        most, pixels = max(most, int(off.max(initial=0))), pixels + off.size
        beyond += int((off > INK_LEVELS).sum())
    share = beyond / max(pixels, 1)
    return {"pixels": pixels, "most": most, "share": share, "within": share <= INK_SHARE}


def compared(
    inpainters: tuple[FourierInpainter, FourierInpainter],
    readers: tuple[InkReader, InkReader],
    pages: Sequence[Cleaned],
    jobs: Sequence[Job],
) -> dict[str, dict[str, Any]]:
    """The same pages and windows on the device and on the CPU.

    Args:
        inpainters: The device's, the CPU's.
        readers: The device's, the CPU's.
        pages: For the ink networks.
        jobs: Windows with priors, which both are given, and without, to work them out themselves.
    """
    holes = [job.mask for job in jobs]
    with_priors = [inpainter._fill(list(jobs)) for inpainter in inpainters]
    windows = [(job.image, job.mask, job.see_through) for job in jobs]
    own = [inpainter.fill_windows(windows) for inpainter in inpainters]
    inks = [[reader(page.image).planes for page in pages] for reader in readers]
    return {
        "fills, same priors": fills_off(*with_priors, holes),
        "fills, own priors": fills_off(*own, holes),
        "ink maps": inks_off(*inks),
    }
