"""What a network is asked to fill, in an order that works, as tensors; and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from textclean.device import upload
from textclean.errors import MaskError, PageError
from textclean.inpaint.ring import ring_correction

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch
    from numpy.typing import NDArray

    from textclean.types import Box, Image, Mask, Window


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """One window, or a page to cut windows from.

    Attributes:
        image: ``(H, W, 3)`` uint8.
        mask: ``(H, W)`` bool, the hole.
        see_through: ``(H, W)`` bool, subset of ``mask``.
        priors: Finished fills, as the image.
    """

    image: Image
    mask: Mask
    see_through: Mask
    priors: tuple[Image, ...] = ()

    def part(self, rows: slice, columns: slice) -> Job:
        """A part of it."""
        box = (rows, columns)
        return Job(
            self.image[box],
            self.mask[box],
            self.see_through[box],
            tuple(prior[box] for prior in self.priors),
        )

    def cut(self, window: Window) -> Job:
        """The part that a window shows."""
        x0, y0, x1, y1 = window.box
        return self.part(slice(y0, y1), slice(x0, x1))

    def after(self, image: Image, mask: Mask) -> Job:
        """The same with some of the hole filled: ``mask`` is what is left of it."""
        left = mask[..., None]
        priors = tuple(np.where(left, prior, image) for prior in self.priors)
        return Job(image.copy(), mask.copy(), self.see_through & mask, priors)


def checked(image: Image, mask: Mask, see_through: Mask | None) -> Mask:
    """The see-through mask, ``(H, W)`` bool, of what an inpainter was given; nowhere where None.

    Raises:
        MaskError: A mask that does not fit the image.
    """
    seen = np.zeros_like(mask) if see_through is None else see_through
    for what, m in (("mask", mask), ("see-through mask", seen)):
        if m.shape != image.shape[:2] or m.dtype != np.bool_:
            raise MaskError(f"the {what} is {m.dtype} of shape {m.shape}, the image {image.shape}")
    if (seen & ~mask).any():
        raise MaskError("the see-through mask reaches beyond the mask")
    return seen


def waves(windows: Sequence[Window]) -> list[list[Window]]:
    """Windows in the order they can be filled in: side by side, or one after another.

    A hole that is too large for a window is cut. Its parts come one after the other, so that each
    continues what the one before has drawn.
    """
    wave_of: list[int] = []
    order: list[list[Window]] = []
    for i, window in enumerate(windows):
        before = [wave_of[j] for j in range(i) if _touch(windows[j].hole, window.hole)]
        wave_of.append(max(before, default=-1) + 1)
        if wave_of[i] == len(order):
            order.append([])
        order[wave_of[i]].append(window)
    return order


def _touch(a: Box, b: Box) -> bool:
    """Whether two boxes overlap or share a border."""
    return a[0] <= b[2] and b[0] <= a[2] and a[1] <= b[3] and b[1] <= a[3]


def pad(array: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """Reflect ``(H, W, ...)`` at its lower and right edge up to a height and width."""
    extra = [(0, n - m) for n, m in zip(size, array.shape, strict=False)]
    return np.pad(array, extra + [(0, 0)] * (array.ndim - 2), mode="reflect")


def tensors(jobs: Sequence[Job], size: tuple[int, int], device: torch.device) -> list[torch.Tensor]:
    """What a network is given for some jobs of one padded size.

    Args:
        jobs: At least one, all with the same number of priors.
        size: Height and width that each is padded to.
        device: Where to.

    Returns:
        Values in [0, 1], channels last in memory: images ``(B, 3, H, W)``, holes and see-through
        masks ``(B, 1, H, W)``, and, where there are any, priors ``(B, P, 3, H, W)``.
    """

    def tensor(arrays: list[NDArray[Any]]) -> torch.Tensor:
        """``(B, ..., H, W, C)`` uint8 -> ``(B, ..., C, H, W)``."""
        return upload(arrays, device).movedim(-1, -3).float() / 255

    def plane(masks: list[Mask]) -> torch.Tensor:
        return tensor([pad(m, size)[..., None].astype(np.uint8) * 255 for m in masks])

    given = [tensor([pad(job.image, size) for job in jobs])]
    given += [plane([job.mask for job in jobs]), plane([job.see_through for job in jobs])]
    if jobs[0].priors:
        given.append(tensor([np.stack([pad(p, size) for p in job.priors]) for job in jobs]))
    return given


def finish(job: Job, painted: NDArray[np.float32], *, ring: bool) -> Image:
    """Compose a window from what a network painted.

    Args:
        job: The window.
        painted: ``(H, W, 3)`` in about [0, 1]; what lies outside the hole is not looked at, but
            for the ring.
        ring: Whether a shift of colours is taken back; see :func:`ring_correction`.

    Returns:
        ``(H, W, 3)`` uint8, the window's own pixels outside its hole; grey where those are.

    Raises:
        PageError: A value in the hole is not finite.
    """
    mask = job.mask
    if not np.isfinite(painted[mask]).all():
        raise PageError(
            "the network gave values that are not finite",
            remedy="The weights may be damaged, or the GPU faulty; try --device cpu",
        )
    if ring:
        painted = painted + ring_correction(job.image, mask, painted)
    values = painted[mask]  # (n, 3)
    known = job.image[~mask]
    if len(known) and (known == known[:, :1]).all():
        values = np.repeat(values.mean(axis=1, keepdims=True), 3, axis=1)
    out = job.image.copy()
    # Rounded: truncation would turn white into 254.
    out[mask] = np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)
    return out
