"""Statistics over many regions or pages: rank correlation and the Fréchet distance of features."""

from __future__ import annotations

import zipfile
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from textclean.errors import CorruptInputError, FileAccessError, UnsupportedFormatError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_FEATURES_REMEDY = "Save it with numpy.savez(path, cleaned=..., truth=...)"


def spearman(a: Sequence[float], b: Sequence[float]) -> float:
    """Spearman's rank correlation, -1 to 1; equal values share the mean of their ranks.

    Pairs with a NaN are left out. NaN when fewer than three pairs are left or when either side is
    constant: no order can be compared then.

    Raises:
        ValueError: The sequences differ in length.
    """
    x, y = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if x.shape != y.shape:
        raise ValueError(f"{len(x)} values against {len(y)}")
    known = ~(np.isnan(x) | np.isnan(y))
    x, y = _ranks(x[known]), _ranks(y[known])
    if len(x) < 3:
        return float("nan")
    x, y = x - x.mean(), y - y.mean()
    scale = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / scale if scale > 0 else float("nan")


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks from 1; ties get their mean rank."""
    _, group, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    mean_rank = last - (counts - 1) / 2
    ranks: NDArray[np.float64] = mean_rank[group.reshape(-1)]
    return ranks


def frechet_distance(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Squared Fréchet distance of the Gaussians fitted to two sets of features.

    Dowson and Landau, "The Fréchet distance between multivariate normal distributions", J.
    Multivariate Analysis 12, 1982; with Inception features it is the FID of Heusel et al., NIPS
    2017. ``|m - n|² + tr(A) + tr(B) - 2 tr((A^½ B A^½)^½)``; the root of the product is taken
    through symmetric eigenvalue problems, so it is real.

    Args:
        a: ``(N, D)`` features, N >= 2.
        b: ``(M, D)`` features, M >= 2.

    Raises:
        ValueError: Wrong shapes, or values that are not finite.
    """
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1] or min(len(a), len(b)) < 2:
        raise ValueError(f"features of shapes {a.shape} and {b.shape}")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError("features that are not finite")
    a, b = a.astype(np.float64), b.astype(np.float64)
    cov_a = np.atleast_2d(np.cov(a, rowvar=False))
    cov_b = np.atleast_2d(np.cov(b, rowvar=False))
    values, vectors = np.linalg.eigh(cov_a)
    root = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
    cross = np.sqrt(np.clip(np.linalg.eigvalsh(root @ cov_b @ root), 0, None)).sum()
    shift = a.mean(axis=0) - b.mean(axis=0)
    return max(0.0, float(shift @ shift + np.trace(cov_a) + np.trace(cov_b) - 2 * cross))


def features_distance(path: Path) -> float:
    """Fréchet distance of a user's own features file.

    textclean ships no Inception network, and a FID is only comparable with others from the same
    network and pictures: this takes what the user computed, and reports call it "FID (own
    features)".

    Args:
        path: ``.npz`` file with the arrays ``cleaned`` ``(N, D)`` and ``truth`` ``(M, D)``.

    Raises:
        FileAccessError: The file cannot be read.
        CorruptInputError: It is no ``.npz`` file.
        UnsupportedFormatError: It does not hold those two arrays of finite numbers.
    """
    arrays = _load_arrays(path)
    if len(arrays) < 2 or not all(np.issubdtype(x.dtype, np.number) for x in arrays.values()):
        raise UnsupportedFormatError(
            "the features file must hold two arrays of numbers, 'cleaned' and 'truth'",
            remedy=_FEATURES_REMEDY,
            source=str(path),
        )
    try:
        result = frechet_distance(arrays["cleaned"], arrays["truth"])
    except ValueError as error:
        raise UnsupportedFormatError(
            f"the features cannot be compared ({error})",
            remedy="Both arrays must be (rows, D), finite, with the same D and two rows or more",
            source=str(path),
        ) from None
    return result


def _load_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays ``cleaned`` and ``truth``, as far as the file has them."""
    try:
        path.stat()  # is_zipfile() calls a missing file no zip file
        if not zipfile.is_zipfile(path):
            raise ValueError("no zip archive")
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in ("cleaned", "truth") if name in file.files}
    except OSError as error:
        raise FileAccessError(
            f"the features file cannot be read: {error.strerror or error}", source=str(path)
        ) from None
    except (ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise CorruptInputError(
            f"this is not an .npz file of plain arrays ({error})",
            remedy=_FEATURES_REMEDY,
            source=str(path),
        ) from None
