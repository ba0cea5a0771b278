"""Networks as inpainters: windows in native scale, priors, batches, and what keeps results exact.

A window's result depends on the window alone. The convolutions of PyTorch choose another order of
summation for another batch size and for another number of threads, and the last bit of a sum
decides now and then between two grey levels. So windows run one by one unless told otherwise, and
batches always have the same shape, the last one filled up. On a CPU each window runs in one thread,
and as many windows side by side as there are threads to use. A GPU gets the next batch before the
last one is waited for, and pages that are handed over together share their batches.
"""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from itertools import zip_longest
from typing import TYPE_CHECKING

import numpy as np
import torch

from textclean.device import (
    choose_device,
    download,
    inference,
    is_out_of_memory,
    one_ahead,
    one_thread,
)
from textclean.errors import PageError, WeightsError
from textclean.inpaint.jobs import Job, checked, finish, tensors, waves
from textclean.inpaint.priors import PRIORS, make_priors, predicted_error
from textclean.inpaint.windows import crop, merge_windows, own_hole, paste
from textclean.nets.fourier_unet import FourierUNetSpec
from textclean.nets.lama import LamaGenerator, LamaSpec
from textclean.weights import load_network

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from typing import Self

    from numpy.typing import NDArray

    from textclean.types import Image, Mask, Window
    from textclean.weights import LoadedNetwork

    Windows = Sequence[tuple[Image, Mask, Mask | None]]
    Painting = Callable[[], NDArray[np.float32]]  # waits for it where it is still on its way

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
        grid: Sides of a page's windows are multiples of it where the page has room; None = of what
            the network asks for. A coarser one makes fuller batches of larger windows, and windows
            that see more are filled in another way.

    Raises:
        WeightsError: The network does not fill holes, or wants more priors than there are.
        DependencyError: The device is not there.
        OptionsError: No such device.
    """

    def __init__(
        self,
        network: LoadedNetwork,
        device: str = "auto",
        *,
        batch: int = 1,
        grid: int | None = None,
    ) -> None:
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
        multiple = self.requirement.multiple
        self._grid = -(-(grid or multiple) // multiple) * multiple

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
        return self._fill_pages([self._prepare(image, mask, see_through)])[0]

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
        return self.fill_pages([(image, mask, see_through)])[0]

    def fill_pages(self, pages: Windows) -> list[tuple[Image, NDArray[np.float32] | None]]:
        """Fill several pages, windows of one size together, whichever page they are from.

        Args:
            pages: Image, mask and see-through mask of each, as for a call.

        Returns:
            What :meth:`fill_with_error` gives for each, in the same order: no page is filled in
            another way for what is beside it.

        Raises:
            MaskError: A mask that does not fit its image.
            PageError: The network gave values that are not finite, or memory did not suffice.
        """
        jobs = [self._prepare(*page) for page in pages]
        return [
            (filled, predicted_error(filled, job.priors, job.mask))
            for filled, job in zip(self._fill_pages(jobs), jobs, strict=True)
        ]

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
        seen = checked(image, mask, see_through)
        on_gpu = self._device.type == "cuda"
        device = self._device if on_gpu else None
        priors = make_priors(image, mask, self._priors, device, see_through=seen)
        return Job(image, mask, seen, priors)

    def _fill_pages(self, pages: list[Job]) -> list[Image]:
        """Fill pages window by window: the first wave of each, then the second, and so on."""
        outs, left = [p.image.copy() for p in pages], [p.mask.copy() for p in pages]
        for turn in zip_longest(*(self._plan(p.mask) for p in pages), fillvalue=()):
            todo = [(i, window) for i, wave in enumerate(turn) for window in wave]
            # What earlier waves filled is known by now, to the priors as well.
            jobs = [pages[i].cut(w).after(crop(outs[i], w), crop(left[i], w)) for i, w in todo]
            for (i, window), filled in zip(todo, self._fill(jobs), strict=True):
                paste(outs[i], filled, pages[i].mask, window)
            for i, window in todo:
                crop(left[i], window)[own_hole(pages[i].mask, window)] = False
        return outs

    def _plan(self, mask: Mask) -> list[list[Window]]:
        """The windows of a page, wave by wave."""
        if not mask.any():
            return []
        return waves(merge_windows(mask, context=CONTEXT, multiple=self._grid))

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
        ring = isinstance(self._module, LamaGenerator)
        for chunk, painted in zip(chunks, self._paint_all(jobs, chunks), strict=True):
            for i, values in zip(chunk, painted, strict=True):
                out[i] = finish(jobs[i], values(), ring=ring)
        return out

    def _paint_all(self, jobs: list[Job], chunks: list[list[int]]) -> Iterator[list[Painting]]:
        """What the network paints for each chunk of jobs; on a CPU, chunks side by side."""

        def work(chunk: list[int]) -> list[Painting]:
            return self._paint([jobs[i] for i in chunk])

        if self._device.type != "cpu" or not chunks:
            yield from one_ahead(map(work, chunks))
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
            first, second = (np.moveaxis(self._paint([h])[0](), axis, 0) for h in halves)
            whole_again = np.concatenate([first[:middle], second[CONTEXT:]])
            return [lambda: np.moveaxis(whole_again, 0, axis)]
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

        with inference(self._device):
            given = tensors(rows, size, self._device)
            is_lama = isinstance(self._module, LamaGenerator)
            y = self._module(*given[:2]) if is_lama else self._module(*given)
            values = download(y.float().movedim(1, -1))  # (B, H, W, 3)

        def painting(index: int, job: Job) -> Painting:
            height, width = job.mask.shape
            return lambda: values()[index, :height, :width]

        return [painting(index, job) for index, job in enumerate(jobs)]
