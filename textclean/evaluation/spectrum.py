"""Screentone fidelity: does the fill carry the same tone as the page, at the same frequency?

Two-level dots that are shifted by half a period have the worst possible PSNR and look perfect;
a grey blur has a fair PSNR and looks wrong. The power spectrum of small windows tells them apart,
because it does not see phase.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from textclean.evaluation.metrics import judged, luma

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from textclean.types import Box, Image, Mask

WINDOW = 64
STEP = 32
MIN_HOLE_SHARE = 0.25
MIN_DEVIATION = 16.0
MIN_FREQUENCY = 1 / 16
MIN_PEAK_SHARE = 0.02
PEAK_WIDTH = 3
PEAK_CONTRAST = 4.0
PEAK_TIE = 0.5


@dataclass(frozen=True, slots=True)
class ToneScores:
    """Screentone fidelity of one page.

    Attributes:
        spectral_distance: Mean over the windows of the root mean squared difference of the log
            power spectra, in dB; 0 = the same texture up to its phase.
        frequency_error: Mean over the windows of the distance between the strongest frequencies,
            in cycles per pixel; 0 = the same screen.
        windows: Number of windows with tone; both means are NaN when it is 0.
    """

    spectral_distance: float
    frequency_error: float
    windows: int


def tone_scores(image: Image, truth: Image, hole: Mask, ignore: Sequence[Box] = ()) -> ToneScores:
    """Compare power spectra of the luma inside the holes, in windows of 64×64 pixels, step 32.

    A window counts when at least a quarter of it is hole, no ignored box touches it, and the
    truth has tone there: a standard deviation of 16 grey levels or more inside the hole, and
    a peak in the power spectrum of the whole window (see :func:`has_tone`).

    What is compared is weighted by the Hann window *times the hole*, so that the surroundings,
    which are right anyway, neither help nor hurt. The weight spreads each frequency in the same
    way in both spectra.

    * Distance: ``10 log10((P + 1) / (P' + 1))`` over all frequencies but zero. One is the power of
      white noise of one grey level: nothing is made of differences that cannot be seen.
    * Frequency: the strongest coefficient at or above 1/16 cycles per pixel. Square and turned
      screens have two or more equally strong directions: the error is the distance to the nearest
      frequency of the truth that has at least half the power of its strongest.
    """
    grey, true_grey = luma(image), luma(truth)
    hann = np.outer(_hann(WINDOW), _hann(WINDOW))
    distances: list[float] = []
    errors: list[float] = []
    for y, x in _corners(hole, judged(hole.shape, ignore)):
        window = (slice(y, y + WINDOW), slice(x, x + WINDOW))
        if true_grey[window][hole[window]].std() < MIN_DEVIATION:
            continue
        if not has_tone(power_spectrum(true_grey[window], hann)):
            continue
        weight = hann * hole[window]
        ours = power_spectrum(grey[window], weight)
        true = power_spectrum(true_grey[window], weight)
        distances.append(spectral_distance(ours, true))
        errors.append(frequency_error(ours, true))
    return ToneScores(
        spectral_distance=float(np.mean(distances)) if distances else float("nan"),
        frequency_error=float(np.mean(errors)) if errors else float("nan"),
        windows=len(distances),
    )


def power_spectrum(window: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """``(N, N)`` grey to the ``(N, N)`` power spectrum of (grey - mean) · weight.

    Normalized so that white noise of variance v gives v at every frequency on average. The mean
    is the weighted one.

    Args:
        window: ``(N, N)`` float64.
        weight: ``(N, N)`` float64, at least 0, not all 0.
    """
    mean = (window * weight).sum() / weight.sum()
    power: NDArray[np.float64] = np.abs(np.fft.fft2((window - mean) * weight)) ** 2
    power /= (weight**2).sum()
    return power


def has_tone(power: NDArray[np.float64]) -> bool:
    """Whether one frequency of a screen stands out of an ``(N, N)`` power spectrum.

    The strongest coefficient at or above 1/16 cycles per pixel must hold, with its mirror image,
    at least 2 % of all power, and four times the power of every coefficient three bins away: the
    spectrum of an edge falls slowly, that of a screen has narrow peaks.
    """
    size = power.shape[0]
    peaks = np.where(_is_high(power), power, 0.0)
    y, x = np.unravel_index(int(peaks.argmax()), power.shape)
    strongest = power[y, x]
    if strongest <= 1.0 or 2 * strongest < MIN_PEAK_SHARE * power.sum():
        return False
    reach = np.arange(-PEAK_WIDTH, PEAK_WIDTH + 1)
    around = power[np.ix_((y + reach) % size, (x + reach) % size)].copy()
    around[1:-1, 1:-1] = 0.0
    return bool(strongest >= PEAK_CONTRAST * around.max())


def spectral_distance(ours: NDArray[np.float64], true: NDArray[np.float64]) -> float:
    """Log-spectral distance of two power spectra in dB, floor one squared grey level."""
    decibel = 10 * np.log10((ours + 1) / (true + 1)).reshape(-1)[1:]
    return float(np.sqrt(np.mean(decibel**2)))


def frequency_error(ours: NDArray[np.float64], true: NDArray[np.float64]) -> float:
    """Distance of the strongest frequencies of two power spectra, in cycles per pixel.

    A spectrum of ours without any power above one squared grey level (a flat fill) has its
    strongest frequency at zero.
    """
    high = _is_high(true)
    peaks = np.where(high, true, 0.0)
    wanted = _frequencies(true, peaks >= PEAK_TIE * peaks.max())
    candidates = np.where(high, ours, 0.0)
    found = _frequencies(ours, candidates == candidates.max())[0]
    if candidates.max() <= 1.0:
        found = np.zeros(2)
    return float(np.linalg.norm(wanted - found, axis=1).min())


def _is_high(power: NDArray[np.float64]) -> NDArray[np.bool_]:
    size = power.shape[0]
    radius = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.fftfreq(size)[None, :])
    high: NDArray[np.bool_] = radius >= MIN_FREQUENCY
    return high


def _frequencies(power: NDArray[np.float64], where: NDArray[np.bool_]) -> NDArray[np.float64]:
    """``(n, 2)`` cycles per pixel along y and x of the chosen coefficients."""
    size = power.shape[0]
    y, x = np.nonzero(where)
    return np.stack([np.fft.fftfreq(size)[y], np.fft.fftfreq(size)[x]], axis=1)


def _corners(hole: Mask, keep: Mask) -> list[tuple[int, int]]:
    """Top left corners (y, x) of the windows that count, in reading order."""
    height, width = hole.shape
    corners: list[tuple[int, int]] = []
    for y in range(0, height - WINDOW + 1, STEP):
        for x in range(0, width - WINDOW + 1, STEP):
            window = (slice(y, y + WINDOW), slice(x, x + WINDOW))
            if hole[window].mean() >= MIN_HOLE_SHARE and keep[window].all():
                corners.append((y, x))
    return corners


def _hann(size: int) -> NDArray[np.float64]:
    """Periodic Hann window."""
    wave: NDArray[np.float64] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    return wave
