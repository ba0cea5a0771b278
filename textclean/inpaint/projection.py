"""Training-free Fourier inpainting: a sparse spectrum fitted to the pixels around a hole.

Screentone, hatching and woven paper are sums of few sinusoids. So each window gets the sparse
Fourier series that explains its *known* pixels, and the series is read off inside the hole. The
fit is Papoulis-Gerchberg with a falling threshold: the residual of the known pixels is transformed
and added to the spectrum, coefficients under the threshold are shrunk to nothing, the threshold
falls, until weak components have had their say.

Three things make it work on drawn pages. Known pixels count less the farther they lie from the
hole, so that a bubble's white or the next panel does not leak in; pixels outside the image count
nothing, so that nothing is invented there; and many overlapping windows are averaged.

Sources: A. Papoulis, "A new algorithm in spectral analysis and band-limited extrapolation", IEEE
Trans. CAS 22 (1975); R. W. Gerchberg, "Super-resolution through error energy reduction", Optica
Acta 21 (1974). Falling thresholds: O. G. Guleryuz, "Nonlinear approximation based image recovery
using adaptive sparse reconstructions", IEEE Trans. IP 15 (2006). The decaying weight: A. Kaup,
K. Meisinger, T. Aach, "Frequency selective signal extrapolation", AEU 59 (2005). The shrinkage is
the non-negative garrote: L. Breiman, Technometrics 37 (1995).
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

import cv2
import numpy as np
import torch

from textclean.device import choose_device, one_thread, upload
from textclean.distance import depth_inside, distance_to
from textclean.errors import MaskError, OptionsError
from textclean.inpaint import tiles
from textclean.inpaint.windows import fill_windows, merge_windows
from textclean.parts import parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

    from numpy.typing import NDArray

    from textclean.types import Image, Mask

T = TypeVar("T")

REACH = 1 / 16
"""Distance from the hole, in window widths, at which known pixels count a sixteenth."""
DEPTH = 1 / 4
"""Deepest hole, in window widths, that a window is used for; deeper ones get larger windows."""
STEP_SIZE = 1.8
"""Share of the residual taken over per iteration; below 2 it cannot diverge."""
MOMENTUM = 0.8
FIRST_THRESHOLD = 0.9
"""Threshold of the first iteration, as a share of the largest coefficient."""
LAST_THRESHOLD = 0.03
"""Threshold of the last iteration, as a share of the first."""
MAX_WINDOW = 1024
"""Largest window in pixels; holes too deep for it are filled from the outside inwards."""
SETTLED = 0.5 / 255
"""A window whose known pixels are explained to within half a grey level is done."""
DOUBT = 0.03
"""Error, 0 to 1, that every window is granted when windows are weighted by how well they fit."""
CHUNK_PIXELS = 8 * 128 * 128
"""Window pixels worked on at once; bounds the memory, the result does not depend on it."""
GPU_CHUNK_PIXELS = 32 * CHUNK_PIXELS
"""The same on other devices than the CPU, which a few windows would leave idle; some 0.2 GB."""
CHECK_EVERY = 4


def project(
    image: Image,
    mask: Mask,
    *,
    window: int = 128,
    step: int = 32,
    iterations: int = 20,
    device: str | torch.device | None = None,
) -> Image:
    """Fill the hole of an image from the sparse spectrum of its surroundings.

    Args:
        image: ``(H, W, 3)`` uint8 RGB; grey images are worked on in one channel.
        mask: ``(H, W)`` bool, True = fill. What the image shows there is not looked at.
        window: Width of the windows in pixels. Holes deeper than a quarter of it are filled from
            windows of two, four ... times the width.
        step: Distance between windows in pixels, at most half of ``window``; smaller is better
            and slower.
        iterations: Number of thresholds from the highest to the lowest.
        device: Where to compute; None = the CPU.

    Returns:
        A new ``(H, W, 3)`` uint8 image, equal to ``image`` outside the mask. White where nothing
        at all is known.

    Raises:
        MaskError: The mask does not fit the image.
        OptionsError: Window, step or iterations out of range.
    """
    _check(image, mask, window, step, iterations)
    out = image.copy()
    if not mask.any():
        return out
    if mask.all():
        out[...] = 255
        return out
    target = torch.device(device or "cpu")
    largest = _largest(mask, window)
    # No window reaches farther beyond a hole than three quarters of its width.
    for part in parts(mask, largest, step * largest // window):
        hole = mask[part]
        while hole.any():
            hole = _fill_rim(out[part], hole, window, step, iterations, target)
    return out


class ProjectionInpainter:
    """:func:`project` as an inpainter, on merged windows; see-through pixels are treated as hole.

    Args:
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".
        window: See :func:`project`.
        step: See :func:`project`.
        iterations: See :func:`project`.

    Raises:
        OptionsError: No such device.
        DependencyError: The device is not there.
    """

    def __init__(
        self, device: str = "auto", *, window: int = 128, step: int = 32, iterations: int = 20
    ) -> None:
        self._device = choose_device(device)
        self._window, self._step, self._iterations = window, step, iterations

    def __call__(self, image: Image, mask: Mask, see_through: Mask | None = None) -> Image:
        """Fill ``mask``; see :class:`textclean.protocols.Inpainter`."""
        _check(image, mask, self._window, self._step, self._iterations)
        # No window reaches farther beyond the hole than three quarters of its width.
        windows = merge_windows(mask, context=self._window * 3 // 4, multiple=1)
        return fill_windows(image, mask, self._project, windows=windows)

    def _project(self, image: Image, mask: Mask) -> Image:
        return project(
            image,
            mask,
            window=self._window,
            step=self._step,
            iterations=self._iterations,
            device=self._device,
        )


def _check(image: Image, mask: Mask, window: int, step: int, iterations: int) -> None:
    if image.ndim != 3 or mask.shape != image.shape[:2] or mask.dtype != np.bool_:
        raise MaskError(
            f"a {mask.dtype} mask of shape {mask.shape} does not fit an image of shape "
            f"{image.shape}",
            remedy="Pass a bool mask of the image's height and width",
        )
    if window < 16 or window % 4 or not 1 <= step <= window // 2 or iterations < 2:
        raise OptionsError(
            f"window {window}, step {step}, iterations {iterations} cannot be used",
            remedy="The window is a multiple of 4 from 16, the step at most half of it, and there "
            "are at least 2 iterations",
        )


def _largest(mask: Mask, window: int) -> int:
    """Width of the largest windows that the holes are deep enough for, or a little more."""
    # OpenCV's chamfer distance is off by less than a tenth; twice the largest side is too far.
    depth = 1.1 * float(cv2.distanceTransform(np.pad(mask, 1).view(np.uint8), cv2.DIST_L2, 3).max())
    size = window
    while size * DEPTH < depth and size * 2 <= max(window, MAX_WINDOW):
        size *= 2
    return size


def _fill_rim(
    image: Image, hole: Mask, window: int, step: int, iterations: int, device: torch.device
) -> Mask:
    """Fill the hole as deep as the largest windows reach, in place; returns what is left of it."""
    red, green, blue = np.moveaxis(image, -1, 0)
    is_grey = bool(((red == green) & (green == blue) | hole).all())
    planes = np.moveaxis(image[..., :1] if is_grey else image, -1, 0)  # (C, H, W)
    outside = distance_to(hole)
    inside = depth_inside(hole)
    total = np.zeros((len(planes) + 1, *hole.shape), dtype=np.float32)  # fills, and their weights
    shallow, size, pitch = 0.0, window, step
    while True:
        deep = size * DEPTH
        if (part := (inside > shallow) & (inside <= deep)).any():
            weight = np.where(hole, 0, _near(outside, size * REACH))
            scale = tiles.Scale(size, tiles.corners(part, size, pitch))
            _fill_scale(total, planes, weight, scale, iterations, device)
        if size * 2 > max(window, MAX_WINDOW):
            break
        shallow, size, pitch = deep, size * 2, pitch * 2
    done = hole & (inside <= deep)
    chosen = total[:, done]  # (C + 1, n)
    fill = np.rint(np.clip(chosen[:-1] / chosen[-1], 0, 1) * 255).astype(np.uint8)
    image[done] = fill.T  # one channel spreads over the three
    return hole & ~done


def _near(distance: NDArray[Any], reach: float) -> NDArray[np.float32]:
    """Weight of a known pixel by its distance from the hole: steep at first, with a long tail.

    The nearest pixels settle brightness and edges; the tail gives a tone's period and phase.
    """
    return ((1 + distance / reach) ** -4).astype(np.float32)


def _fill_scale(
    total: NDArray[np.float32],
    planes: NDArray[np.uint8],
    weight: NDArray[np.float32],
    scale: tiles.Scale,
    iterations: int,
    device: torch.device,
) -> None:
    """Add the fills of all windows of one size, and their blending weights, to ``total``."""
    size = scale.size
    hann = tiles.hann(size)
    taper = np.sqrt(hann)

    def fit(corners: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        values = np.stack([tiles.cut(planes, corner, size) for corner in corners])
        weights = np.stack([tiles.cut(weight[None], corner, size) for corner in corners])
        return _fit(
            values.astype(np.float32) / np.float32(255), weights * taper, iterations, device
        )

    at_once = CHUNK_PIXELS if device.type == "cpu" else GPU_CHUNK_PIXELS
    count = max(1, at_once // (size * size * len(planes)))
    chunks = [scale.corners[i : i + count] for i in range(0, len(scale.corners), count)]
    for corners, fits in zip(chunks, _each(fit, chunks, device), strict=True):
        for corner, fill, trust in zip(corners, *fits, strict=True):
            tiles.add(total, fill, hann * trust, corner)


def _each(
    work: Callable[[NDArray[np.int64]], T], chunks: list[NDArray[np.int64]], device: torch.device
) -> Iterator[T]:
    """``work`` on each chunk, results in order; on the CPU, chunks run side by side.

    The arrays are small: threads inside each operation would spend their time waiting for each
    other, by factors when other processes want the cores too. Whole chunks have nothing to wait
    for.
    """
    workers = min(torch.get_num_threads(), len(chunks))
    if device.type != "cpu" or workers < 2:
        yield from map(work, chunks)
        return
    with one_thread(), ThreadPoolExecutor(workers) as pool:
        ahead: deque[Future[T]] = deque()
        for chunk in chunks:
            ahead.append(pool.submit(work, chunk))
            if len(ahead) > 2 * workers:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


def _fit(
    values: NDArray[np.float32],
    weights: NDArray[np.float32],
    iterations: int,
    device: torch.device,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Sparse Fourier series of weighted windows.

    Args:
        values: ``(B, C, S, S)``, 0 to 1; ignored where the weight is 0.
        weights: ``(B, 1, S, S)``, 0 to 1, not all 0 in any window.
        iterations: Number of thresholds.
        device: Where to compute.

    Returns:
        ``(B, C, S, S)``, the series of each window everywhere, not clamped, and ``(B,)``, how
        much each is to be trusted: the inverse of its mean squared error on the known pixels.
    """
    weights = (weights / weights.max(axis=(2, 3), keepdims=True)).astype(np.float32)
    share = weights.sum(axis=(2, 3), keepdims=True)
    fills = np.broadcast_to(
        (values * weights).sum(axis=(2, 3), keepdims=True) / share, values.shape
    ).copy()
    busy = (np.abs(values - fills) * weights).max(axis=(1, 2, 3)) > SETTLED
    if busy.any():
        known = upload(list((values - fills)[busy]), device)
        weight = upload(list(weights[busy]), device)
        fills[busy] += _iterate(known, weight, iterations).cpu().numpy()
    errors = (np.square(fills - values) * weights).mean(axis=1).sum(axis=(1, 2))
    trust = 1 / (errors / share.reshape(-1) + DOUBT**2)
    return fills, trust.astype(np.float32)


@torch.inference_mode()
def _iterate(known: torch.Tensor, weight: torch.Tensor, iterations: int) -> torch.Tensor:
    """The series of ``(B, C, S, S)`` windows of zero mean; settled windows leave the batch."""
    size = known.shape[-1]
    fall = LAST_THRESHOLD ** (1 / (iterations - 1))
    result = torch.zeros_like(known)
    rows = torch.arange(len(known), device=known.device)
    update = torch.fft.rfft2(weight * known) * STEP_SIZE  # (B, C, S, S // 2 + 1)
    threshold = _power(update).amax(dim=(2, 3), keepdim=True) * FIRST_THRESHOLD**2
    previous = torch.zeros_like(update)
    # In place where that changes no bit: at these sizes a new tensor costs as much as its sums.
    for turn in range(1, iterations + 1):
        kept = (threshold / _power(update)).neg_().add_(1).clamp_(min=0)
        spectrum = update.mul_(kept)
        series = torch.fft.irfft2(spectrum, s=(size, size))
        check = turn % CHECK_EVERY == 0
        if check or turn == iterations:
            result[rows] = series
        if turn == iterations:
            break
        residual = (known - series).mul_(weight)
        update = (spectrum - previous).mul_(MOMENTUM).add_(spectrum)
        update += torch.fft.rfft2(residual).mul_(STEP_SIZE)
        previous, threshold = spectrum, threshold * fall**2
        if check:
            busy = residual.abs().amax(dim=(1, 2, 3)) > SETTLED
            rows, known, weight, update, previous, threshold = (
                x[busy] for x in (rows, known, weight, update, previous, threshold)
            )
            if not len(rows):
                break
    return result


def _power(spectrum: torch.Tensor) -> torch.Tensor:
    """``(B, 1, S, S // 2 + 1)``; joint, for a component is in all of the channels or in none."""
    squares = spectrum.real.square().add_(spectrum.imag.square())
    joint = squares if squares.shape[1] == 1 else squares.mean(dim=1, keepdim=True)
    return joint.clamp_(min=1e-20)
