"""Networks as inpainters: windows in native scale, priors, batches, and what keeps results exact.

A window's result depends on the window alone. The convolutions of PyTorch choose another order of
summation for another batch size and for another number of threads, and the last bit of a sum
decides now and then between two grey levels. So windows run one by one unless told otherwise, and
batches always have the same shape, the last one filled up. On a CPU each window runs in one thread,
and as many windows side by side as there are threads to use.
"""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from textclean.device import choose_device, inference, is_out_of_memory, one_thread
from textclean.errors import MaskError, PageError, WeightsError
from textclean.inpaint.jobs import Job, pad, waves
from textclean.inpaint.priors import PRIORS, make_priors, predicted_error
from textclean.inpaint.ring import ring_correction
from textclean.inpaint.windows import crop, merge_windows, own_hole, paste
from textclean.nets.fourier_unet import FourierUNetSpec
from textclean.nets.lama import LamaGenerator, LamaSpec
from textclean.weights import load_network

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from typing import Self

    from numpy.typing import NDArray

    from textclean.types import Image, Mask
    from textclean.weights import LoadedNetwork

    Windows = Sequence[tuple[Image, Mask, Mask | None]]
    Painting = NDArray[np.float32]

log = logging.getLogger(__name__)

CONTEXT = 64
"""Known pixels around a hole in its window, where the page has them."""

AT_ONCE = 4 * 1024**2
"""Pixels of the windows that are worked on side by side on a CPU; bounds the memory."""


class FourierInpainter:
    """A network as an inpainter; see :class:`textclean.protocols.ErrorPredictor`.

    Attributes:
        requirement: What sizes the network takes.
        prior_names: The finished fills that it corrects.
        unmixes: Whether it makes use of see-through pixels.

    Args:
        network: The network; a copy is kept, changed for speed.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".
        batch: Windows of one size that run at once. Another number may turn a grey level here and
            there, other windows in the batch never.

    Raises:
        WeightsError: The network does not fill holes, or wants more priors than there are.
        DependencyError: The device is not there.
        OptionsError: No such device.
    """

    def __init__(self, network: LoadedNetwork, device: str = "auto", *, batch: int = 1) -> None:
        self.requirement = network.requirement
        self._device = choose_device(device)
        if not isinstance(network.spec, FourierUNetSpec | LamaSpec):
            raise WeightsError(
                f"weights of the architecture {network.architecture!r} do not fill holes",
                source=network.path.name,
            )
        module = deepcopy(network.module)
        if isinstance(module, LamaGenerator):
            module.fold()
        self._priors = getattr(network.spec, "priors", 0)
        if self._priors > len(PRIORS):
            raise WeightsError(
                f"the network wants {self._priors} priors and there are {len(PRIORS)}",
                source=network.path.name,
            )
        self.prior_names = PRIORS[: self._priors]
        self.unmixes = not isinstance(module, LamaGenerator)
        self._module = module.to(self._device)
        for parameter in module.parameters():
            if parameter.ndim == 4:
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
        self._batch = max(1, batch)

    @classmethod
    def load(cls, name_or_path: str | Path, device: str = "auto") -> Self:
        """The inpainter around :func:`textclean.weights.load_network`."""
        return cls(load_network(name_or_path), device)

    def __call__(self, image: Image, mask: Mask, see_through: Mask | None = None) -> Image:
        """Fill a page.

        Args:
            image: ``(H, W, 3)`` uint8 RGB.
            mask: ``(H, W)`` bool, True = fill.
            see_through: ``(H, W)`` bool, subset of ``mask`` where the ink is translucent. LaMa
                cannot make use of it.

        Returns:
            A new image, equal to ``image`` outside the mask.

        Raises:
            MaskError: A mask that does not fit the image.
            PageError: The network gave values that are not finite, or memory did not suffice.
        """
        return self._fill_page(self._prepare(image, mask, see_through))

    def fill_with_error(
        self, image: Image, mask: Mask, see_through: Mask | None = None
    ) -> tuple[Image, NDArray[np.float32] | None]:
        """Fill a page and say how wrong that is likely to be.

        Arguments and errors as for a call.

        Returns:
            The filled image, and ``(H, W)`` float32, the expected error in grey levels at each
            pixel of the mask (see :func:`textclean.inpaint.priors.predicted_error`); None with a
            network that has no priors.
        """
        page = self._prepare(image, mask, see_through)
        filled = self._fill_page(page)
        return filled, predicted_error(filled, page.priors, mask)

    def fill_windows(self, windows: Windows) -> list[Image]:
        """Fill windows that stand for themselves.

        Args:
            windows: Image, mask and see-through mask of each, as for a page.

        Returns:
            The filled windows in the same order. Each is the same whatever it is filled with.

        Raises:
            MaskError: A mask that does not fit its image.
            PageError: The network gave values that are not finite, or memory did not suffice.
        """
        return self._fill([self._prepare(*window) for window in windows])

    def fill_with_priors(self, windows: Windows) -> list[tuple[Image, ...]]:
        """As :meth:`fill_windows`; behind each filled window come the priors it was made from.

        They are the first of :attr:`prior_names`, in that order.
        """
        jobs = [self._prepare(*window) for window in windows]
        filled = self._fill(jobs)
        return [(image, *job.priors) for image, job in zip(filled, jobs, strict=True)]

    def _prepare(self, image: Image, mask: Mask, see_through: Mask | None) -> Job:
        seen = np.zeros_like(mask) if see_through is None else see_through
        for what, m in (("mask", mask), ("see-through mask", seen)):
            if m.shape != image.shape[:2] or m.dtype != np.bool_:
                raise MaskError(
                    f"the {what} is {m.dtype} of shape {m.shape}, the image {image.shape}"
                )
        if (seen & ~mask).any():
            raise MaskError("the see-through mask reaches beyond the mask")
        on_gpu = self._device.type == "cuda"
        device = self._device if on_gpu else None
        priors = make_priors(image, mask, self._priors, device, see_through=seen)
        return Job(image, mask, seen, priors)

    def _fill_page(self, page: Job) -> Image:
        """Fill a page window by window, wave by wave."""
        image, mask = page.image, page.mask
        out, open_ = image.copy(), mask.copy()
        if not mask.any():
            return out
        windows = merge_windows(mask, context=CONTEXT, multiple=self.requirement.multiple)
        for wave in waves(windows):
            # What earlier waves filled is known by now, to the priors as well.
            jobs = [page.cut(w).after(crop(out, w), crop(open_, w)) for w in wave]
            for window, filled in zip(wave, self._fill(jobs), strict=True):
                paste(out, filled, mask, window)
            for window in wave:
                crop(open_, window)[own_hole(mask, window)] = False
        return out

    def _fill(self, jobs: list[Job]) -> list[Image]:
        """Fill in batches of equal size; in the order given."""
        sizes: dict[tuple[int, int], list[int]] = {}
        for index, job in enumerate(jobs):
            if job.mask.any():
                sizes.setdefault(self._padded(job), []).append(index)
        chunks = [
            indices[i : i + self._batch]
            for indices in sizes.values()
            for i in range(0, len(indices), self._batch)
        ]
        out = [job.image.copy() for job in jobs]
        for chunk, painted in zip(chunks, self._paint_all(jobs, chunks), strict=True):
            for i, values in zip(chunk, painted, strict=True):
                out[i] = self._finish(jobs[i], values)
        return out

    def _paint_all(self, jobs: list[Job], chunks: list[list[int]]) -> Iterator[list[Painting]]:
        """What the network paints for each chunk of jobs; on a CPU, chunks side by side."""

        def work(chunk: list[int]) -> list[Painting]:
            return self._paint([jobs[i] for i in chunk])

        if self._device.type != "cpu" or not chunks:
            yield from map(work, chunks)
            return
        largest = max(jobs[i].mask.size for chunk in chunks for i in chunk) * self._batch
        workers = min(torch.get_num_threads(), len(chunks), max(1, AT_ONCE // largest))
        with one_thread(), ThreadPoolExecutor(workers, "inpaint") as pool:
            yield from pool.map(work, chunks)

    def _padded(self, job: Job) -> tuple[int, int]:
        height, width = job.mask.shape
        return self.requirement.fit(height), self.requirement.fit(width)

    def _paint(self, jobs: list[Job]) -> list[Painting]:
        """``(H, W, 3)`` in about [0, 1] for each of some jobs of one padded size."""
        done: list[Painting] = []
        while len(done) < len(jobs):
            batch = self._batch
            chunk = jobs[len(done) : len(done) + batch]
            try:
                done += self._forward(chunk, batch)
                continue
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
            # Outside the handler, which would keep the tensors alive.
            if self._device.type == "cuda":
                torch.cuda.empty_cache()
            if batch > 1:
                self._batch = min(self._batch, batch // 2)
            else:
                done += self._make_do(chunk[0])
        return done

    def _make_do(self, job: Job) -> list[Painting]:
        """Paint a window that is too large for the device: in halves, or on the CPU."""
        axis = int(np.argmax(job.mask.shape))
        length = job.mask.shape[axis]
        if length > 4 * CONTEXT:
            middle = length // 2
            cuts = (slice(0, middle + CONTEXT), slice(middle - CONTEXT, length))
            whole = slice(None)
            halves = [job.part(c, whole) if axis == 0 else job.part(whole, c) for c in cuts]
            first, second = (self._paint([half])[0] for half in halves)
            first, second = (
                np.moveaxis(first, axis, 0)[:middle],
                np.moveaxis(second, axis, 0)[CONTEXT:],
            )
            return [np.moveaxis(np.concatenate([first, second]), 0, axis)]
        if self._device.type == "cpu":
            raise PageError(
                f"there is not enough memory to inpaint a window of {job.mask.shape} pixels",
                remedy="Close other programs, or use --jobs 1",
            )
        log.warning("the memory of %s does not suffice; going on on the CPU", self._device)
        self._device = torch.device("cpu")
        self._module.to(self._device)
        return self._paint([job])

    def _forward(self, jobs: list[Job], batch: int) -> list[Painting]:
        """One run of the network on at most ``batch`` jobs of one padded size."""
        size = self._padded(jobs[0])
        rows = [*jobs, *[jobs[-1]] * (batch - len(jobs))]  # always the same shape

        def tensor(arrays: list[NDArray[Any]]) -> torch.Tensor:
            """``(B, ..., H, W, C)`` uint8 -> ``(B, ..., C, H, W)`` in [0, 1], channels last."""
            x = torch.from_numpy(np.stack(arrays)).to(self._device)
            return x.movedim(-1, -3).float() / 255

        def plane(masks: list[Mask]) -> torch.Tensor:
            return tensor([pad(m, size)[..., None].astype(np.uint8) * 255 for m in masks])

        with inference(self._device):
            image = tensor([pad(job.image, size) for job in rows])
            hole = plane([job.mask for job in rows])
            if isinstance(self._module, LamaGenerator):
                y = self._module(image, hole)
            else:
                priors = None
                if self._priors:
                    priors = tensor([np.stack([pad(p, size) for p in j.priors]) for j in rows])
                seen = plane([job.see_through for job in rows])
                y = self._module(image, hole, seen, priors)
            values = y.float().movedim(1, -1).cpu().numpy()  # (B, H, W, 3)
        return [v[: j.mask.shape[0], : j.mask.shape[1]] for v, j in zip(values, jobs, strict=False)]

    def _finish(self, job: Job, painted: Painting) -> Image:
        """Compose a window from what the network painted."""
        mask = job.mask
        if not np.isfinite(painted[mask]).all():
            raise PageError(
                "the network gave values that are not finite",
                remedy="The weights may be damaged, or the GPU faulty; try --device cpu",
            )
        if isinstance(self._module, LamaGenerator):
            painted = painted + ring_correction(job.image, mask, painted)
        values = painted[mask]  # (n, 3)
        known = job.image[~mask]
        if len(known) and (known == known[:, :1]).all():
            values = np.repeat(values.mean(axis=1, keepdims=True), 3, axis=1)
        out = job.image.copy()
        # Rounded: truncation would turn white into 254.
        out[mask] = np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)
        return out
