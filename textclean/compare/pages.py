"""Two decoded pages: their pixels in the array that the file stores, and what describes them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from textclean import native
from textclean.compare.result import Difference, PageComparison
from textclean.io.thumbnails import without_exif_thumbnail

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from textclean.compare.result import DifferenceKind
    from textclean.types import Mask, Metadata, Page

_DPI_TOLERANCE = 0.005
"""Formats count in pixels a metre, fractions or points; a conversion may round that much."""


def compare_pages(
    before: Page,
    after: Page,
    area: Mask,
    *,
    converted: bool = False,
    block: tuple[int, int] | None = None,
) -> tuple[PageComparison, list[Difference]]:
    """Compare two decoded pages.

    Pages of one mode, palette and orientation are compared as they are stored. Others are compared
    upright, by colour and alpha at 16 bits, which loses nothing but for CMYK.

    Args:
        before: The first page.
        after: The second.
        area: ``(H, W)`` bool, as ``before`` is stored: where it may have changed.
        converted: Whether the documents are of different kinds.
        block: Width and height of the blocks in which the pixels of ``before`` are stored; None =
            one by one.

    Returns:
        The pixels' comparison, and what differs besides.
    """
    name = before.name
    stored = _stored_alike(before, after)
    a, b = (before.pixels, after.pixels) if stored else (_look(before), _look(after))
    orientation = 1 if stored else before.metadata.orientation
    where = native.upright(area, orientation)
    near = native.upright(area if block is None else touched_blocks(area, *block), orientation)
    found = [
        Difference(kind, name, what, expected)
        for kind, what, expected in _described(before, after, converted=converted)
    ]
    if a.shape[:2] != b.shape[:2]:
        found.append(Difference("size", name, f"{_size(before)} -> {_size(after)}"))
        return PageComparison(name, before.number, changed_outside=None), found
    changed = _changed(a, b)
    outside = changed & ~near
    result = PageComparison(
        name=name,
        number=before.number,
        area=int(np.count_nonzero(area)),
        changed_inside=int(np.count_nonzero(changed & where)),
        changed_blocks=int(np.count_nonzero(changed & near & ~where)),
        changed_outside=int(np.count_nonzero(outside)),
        largest=_largest(before, after, a, b, outside, stored=stored),
        box=_box(outside),
    )
    # What says the same in another mode is a matter of storage; what says less is not.
    lost = bool(result.changed_outside)
    found = [
        Difference(d.kind, d.where, d.what, expected=converted and not lost)
        if d.kind in ("mode", "palette")
        else d
        for d in found
    ]
    return result, [*found, *_pixel_differences(result)]


def touched_blocks(area: Mask, width: int, height: int) -> Mask:
    """Every pixel of the blocks in which ``area`` lies, and one more to each side.

    Where chroma is stored at half the size (blocks larger than 8), decoders interpolate it, and a
    block shows in the first pixel beside it.
    """
    rows, columns = area.shape
    padded = np.pad(area, ((0, -rows % height), (0, -columns % width)))
    tiles = padded.reshape(padded.shape[0] // height, height, padded.shape[1] // width, width)
    grown = tiles.any(axis=(1, 3)).repeat(height, axis=0).repeat(width, axis=1)
    if width > 8:
        grown[:, 1:] |= grown[:, :-1].copy()
        grown[:, :-1] |= grown[:, 1:].copy()
    if height > 8:
        grown[1:] |= grown[:-1].copy()
        grown[:-1] |= grown[1:].copy()
    return np.ascontiguousarray(grown[:rows, :columns])


def _pixel_differences(page: PageComparison) -> Iterator[Difference]:
    if page.changed_inside:
        what = f"{page.changed_inside:,} pixels in the regions"
        yield Difference("pixels", page.name, what, expected=True)
    if page.changed_blocks:
        what = f"{page.changed_blocks:,} pixels in the JPEG blocks that the regions touch"
        yield Difference("pixels", page.name, what, expected=True)
    if page.changed_outside:
        what = f"{page.changed_outside:,} pixels outside the regions, by up to {page.largest}"
        yield Difference("pixels", page.name, what)


def _stored_alike(before: Page, after: Page) -> bool:
    """Whether equal native arrays mean equal pages."""
    same_palette = (before.palette is None) == (after.palette is None) and (
        before.palette is None
        or after.palette is None
        or np.array_equal(before.palette, after.palette)
    )
    return (
        before.mode == after.mode
        and before.metadata.orientation == after.metadata.orientation
        and same_palette
    )


def _changed(a: NDArray[Any], b: NDArray[Any]) -> Mask:
    """``(H, W)`` bool: pixels of which any sample differs."""
    differs: Mask = np.not_equal(a, b)
    if differs.ndim == 3:
        differs = np.any(differs, axis=2)
    return differs


def _largest(
    before: Page, after: Page, a: NDArray[Any], b: NDArray[Any], where: Mask, *, stored: bool
) -> int:
    """Largest difference of a sample under ``where``; of the colours, where samples are indices."""
    if not where.any():
        return 0
    if stored and before.mode in ("P", "PA"):
        a, b = _look(before) // 257, _look(after) // 257
        where = native.upright(where, before.metadata.orientation)
    return int(np.abs(a[where].astype(np.int64) - b[where].astype(np.int64)).max())


def _box(mask: Mask) -> tuple[int, int, int, int] | None:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _look(page: Page) -> NDArray[np.uint16]:
    """``(H, W, 4)`` uint16 upright RGB and alpha: what every mode but CMYK can say exactly."""
    base = page.mode.removesuffix(";16")
    if base == "CMYK":
        return _with_alpha(page.rgb, None)
    samples, alpha = page.pixels, None
    if base in ("LA", "PA", "RGBA"):
        samples, alpha = samples[..., :-1], samples[..., -1]
        samples = samples[..., 0] if base != "RGBA" else samples
    if base in ("P", "PA"):
        palette = page.palette
        if palette is None:
            raise ValueError("a palette page needs a palette")
        colors = palette[np.minimum(samples, len(palette) - 1)]
        samples = colors[..., :3]
        if colors.shape[2] == 4 and alpha is None:
            alpha = colors[..., 3]
    return native.upright(_with_alpha(samples, alpha), page.metadata.orientation)


def _with_alpha(samples: NDArray[Any], alpha: NDArray[Any] | None) -> NDArray[np.uint16]:
    look = np.full((*samples.shape[:2], 4), 65535, np.uint16)
    look[..., :3] = _wide(samples if samples.ndim == 3 else samples[..., None])
    if alpha is not None:
        look[..., 3] = _wide(alpha)
    return look


def _wide(samples: NDArray[Any]) -> NDArray[np.uint16]:
    """Samples at 16 bits."""
    if samples.dtype == np.uint16:
        return samples
    factor = 65535 if samples.dtype == np.bool_ else 257
    return samples.astype(np.uint16) * np.uint16(factor)


def _described(
    before: Page, after: Page, *, converted: bool
) -> Iterator[tuple[DifferenceKind, str, bool]]:
    """What the pages say of themselves: kind, difference, whether it was to be expected."""
    a, b = before.metadata, after.metadata
    if before.mode != after.mode:
        yield "mode", f"{before.mode} -> {after.mode}", False
    elif not _same_palette(before.palette, after.palette):
        yield "palette", f"{_colors(before.palette)} -> {_colors(after.palette)}", False
    if a.format != b.format and not converted:
        yield "format", f"{a.format} -> {b.format}", False
    if a.icc != b.icc:
        yield "icc", f"{_bytes(a.icc)} -> {_bytes(b.icc)}", False
    if a.exif != b.exif:
        cleared = a.exif is not None and without_exif_thumbnail(a.exif) == b.exif
        yield "exif", f"{_bytes(a.exif)} -> {_bytes(b.exif)}", converted or cleared
    if a.orientation != b.orientation:
        yield "orientation", f"{a.orientation} -> {b.orientation}", converted
    if not _same_dpi(a, b, converted=converted):
        yield "dpi", f"{_dpi(a.dpi)} -> {_dpi(b.dpi)}", converted and a.dpi is None


def _same_palette(a: NDArray[np.uint8] | None, b: NDArray[np.uint8] | None) -> bool:
    return (a is None and b is None) or (
        a is not None and b is not None and bool(np.array_equal(a, b))
    )


def _same_dpi(a: Metadata, b: Metadata, *, converted: bool) -> bool:
    if not converted or a.dpi is None or b.dpi is None:
        return a.dpi == b.dpi
    # A document in which pages lie upright tells the resolution of the upright page.
    turned = (a.orientation >= 5) != (b.orientation >= 5)
    other = b.dpi[::-1] if turned else b.dpi
    return all(
        math.isclose(x, y, rel_tol=_DPI_TOLERANCE) for x, y in zip(a.dpi, other, strict=True)
    )


def _size(page: Page) -> str:
    width, height = page.size
    return f"{width} x {height}"


def _colors(palette: NDArray[np.uint8] | None) -> str:
    return "no palette" if palette is None else f"{len(palette)} colours"


def _bytes(data: bytes | None) -> str:
    return "none" if data is None else f"{len(data):,} bytes"


def _dpi(dpi: tuple[float, float] | None) -> str:
    return "none" if dpi is None else f"{dpi[0]:g} x {dpi[1]:g} dpi"
