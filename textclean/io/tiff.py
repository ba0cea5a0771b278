"""TIFF pages: samples of any handled layout to a page and back, every tag kept as it is."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from textclean.errors import CorruptInputError, UnsupportedFormatError
from textclean.io import tiff_layout as tl
from textclean.io.raster import (
    LOSSLESS,
    WARNINGS,
    Raster,
    grey_palette,
    require_same_outside,
)
from textclean.io.tiff_codec import (
    DEFLATE,
    JPEG,
)
from textclean.io.tiff_file import (
    LONG,
    SHORT,
    STRIP_OFFSETS,
    TILE_COUNTS,
    TILE_OFFSETS,
    Ifd,
    Tag,
    TiffFile,
    with_tags,
)
from textclean.io.tiff_patch import (
    all_rows,
    rows_of_bytes,
    rows_of_pixels,
    runs_of,
    with_blocks,
)
from textclean.io.tiff_previews import PHOTOSHOP_LAYERS
from textclean.io.tiff_samples import JPEG_TABLES, read_samples, write_samples
from textclean.types import Metadata

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from textclean.io.tiff_layout import Layout
    from textclean.types import Mask

_ORIENTATION, _X_RESOLUTION, _Y_RESOLUTION, _RESOLUTION_UNIT, _ICC = 274, 282, 283, 296, 34675
_YCBCR_TAGS: Final = (529, 530, 531, 532)
_STRIP_BYTES: Final = 1 << 18
# A page that was a JPEG grows in any case: 4 % more of it take less than half the time.
_QUICK_LEVEL: Final = 3


def decode(file: TiffFile, ifd: Ifd, max_pixels: int) -> Raster:
    """Decode one page.

    Greys of 2 and 4 bits come as palette pages with a palette of greys.

    Raises:
        CorruptInputError: Damaged or truncated.
        TooLargeError: More than ``max_pixels``.
        UnsupportedFormatError: A layout that could not be written back exactly.
    """
    layout = tl.read_layout(file, ifd, max_pixels)
    samples = read_samples(file, ifd, layout)
    return Raster(
        pixels=_native(samples, layout),
        mode=layout.mode,
        palette=_palette(file, ifd, layout),
        metadata=_metadata(file, ifd, layout),
    )


def encode(
    file: TiffFile, ifd: Ifd, pixels: NDArray[Any], chosen: Mask | None = None
) -> tuple[Ifd, list[bytes]]:
    """One page with other pixels of the same mode and size.

    JPEG-compressed pages come back with Deflate, so that what is not touched stays as it was
    decoded. All other compressions are kept, and so are strips and tiles in which nothing changes.

    Args:
        file: The file that the page was decoded from.
        ifd: Its directory there.
        pixels: Native array, as :func:`decode` gives it.
        chosen: ``(H, W)`` bool, where it differs; None = all is written anew.

    Returns:
        The new directory (without block offsets) and its blocks.
    """
    layout = tl.read_layout(file, ifd, pixels.shape[0] * pixels.shape[1])
    stored = list(file.blocks(ifd))
    if layout.compression == JPEG:
        samples = _samples(file, ifd, layout, stored, pixels)
        new = write_samples(file, samples, _deflated(layout), _QUICK_LEVEL)
        return with_tags(ifd, _without_jpeg(file, layout)), new
    rows = all_rows(layout) if chosen is None else rows_of_pixels(layout, chosen)
    blocks = stored
    for run in runs_of(layout, rows):
        own = [stored[number] for number in run.numbers]
        samples = _samples(file, ifd, run.part, own, pixels[run.rows])
        blocks = with_blocks(blocks, run, write_samples(file, samples, run.part))
    return ifd, blocks


def _samples(
    file: TiffFile, ifd: Ifd, layout: Layout, stored: Sequence[bytes], pixels: NDArray[Any]
) -> NDArray[Any]:
    """``(H, W, S)`` samples of new pixels, with the old ones of channels that no page shows."""
    if layout.samples == layout.base + layout.has_alpha:
        shape = layout.height, layout.width, layout.samples
        samples: NDArray[Any] = np.empty(shape, np.uint16 if layout.bits == 16 else np.uint8)
    else:
        samples = read_samples(file, ifd, layout, stored)
    _put(samples, pixels, layout)
    return samples


def encode_promoted(file: TiffFile, ifd: Ifd, pixels: NDArray[Any]) -> tuple[Ifd, list[bytes]]:
    """One palette page with colours in place of indices.

    Args:
        file: The file that the page was decoded from.
        ifd: Its directory there.
        pixels: ``(H, W)`` or ``(H, W, 3)`` uint8.

    Returns:
        The new directory (without block offsets) and its blocks.

    Raises:
        UnsupportedFormatError: The page has further channels.
    """
    old = tl.read_layout(file, ifd, pixels.shape[0] * pixels.shape[1])
    if old.samples > 1:
        raise UnsupportedFormatError(
            "the TIFF's palette page has further channels and cannot become RGB",
            remedy="Leave out --promote",
        )
    samples = 1 if pixels.ndim == 2 else pixels.shape[2]
    layout = replace(
        _deflated(old) if old.compression == JPEG else old,
        bits=8,
        samples=samples,
        photometric=tl.RGB if samples == 3 else tl.BLACK_IS_ZERO,
        reversed_bits=False,
    )
    changes: dict[int, Tag | None] = {tl.FILL_ORDER: None, tl.COLOR_MAP: None}
    changes |= {
        tl.BITS: file.order.tag(SHORT, *[8] * samples),
        tl.SAMPLES: file.order.tag(SHORT, samples),
        tl.PHOTOMETRIC: file.order.tag(SHORT, layout.photometric),
    }
    return with_tags(ifd, changes), write_samples(
        file, pixels.reshape(layout.height, layout.width, samples), layout
    )


def require_kept(
    file: TiffFile, old: Ifd, made: tuple[Ifd, Sequence[bytes]], before: Raster, mask: Mask
) -> None:
    """Check what :func:`encode` gives: blocks that are new by decoding them, others by their bytes.

    Args:
        file: The file that the page was decoded from.
        old: Its directory there.
        made: The new directory and its blocks.
        before: What the page decoded to.
        mask: ``(H, W)`` bool, as stored: where it may differ.

    Raises:
        PageError: A pixel outside the mask would change.
    """
    new, blocks = made
    layout = tl.read_layout(file, replace(new, blocks=((0, 0),) * len(blocks)), sys.maxsize)
    stored = list(file.blocks(old))
    rows = all_rows(layout)
    same = layout == tl.read_layout(file, old, sys.maxsize)
    if same and all(new.tags.get(n) == old.tags.get(n) for n in (tl.COLOR_MAP, JPEG_TABLES)):
        rows = rows_of_bytes(layout, stored, blocks)
    for run in runs_of(layout, rows):
        own = [blocks[number] for number in run.numbers]
        pixels = _native(read_samples(file, new, run.part, own), run.part)
        part = replace(before, pixels=before.pixels[run.rows])
        after = Raster(pixels, layout.mode)
        require_same_outside(part, after, mask[run.rows])


def _native(samples: NDArray[Any], layout: Layout) -> NDArray[Any]:
    """The page's array of the samples."""
    if layout.alpha == 1:
        _refuse_premultiplied(samples, layout)
    used = samples[..., : layout.base + layout.has_alpha]
    if layout.photometric == tl.WHITE_IS_ZERO and layout.bits in (1, 8, 16):
        used = used.copy()
        used[..., 0] = 2**layout.bits - 1 - used[..., 0]
    pixels = used[..., 0] if used.shape[2] == 1 else used
    if layout.mode == "1":
        return pixels.astype(np.bool_)
    return np.ascontiguousarray(pixels)


def _put(samples: NDArray[Any], pixels: NDArray[Any], layout: Layout) -> None:
    """The inverse of :func:`_native`, into the samples that it was made of."""
    used = pixels.reshape(layout.height, layout.width, -1).astype(samples.dtype)
    samples[..., : used.shape[2]] = used
    if layout.photometric == tl.WHITE_IS_ZERO and layout.bits in (1, 8, 16):
        samples[..., 0] = 2**layout.bits - 1 - samples[..., 0]


def _refuse_premultiplied(samples: NDArray[Any], layout: Layout) -> None:
    if (samples[..., layout.base] != 2**layout.bits - 1).any():
        raise UnsupportedFormatError(
            "the TIFF's colours are premultiplied with its alpha",
            remedy="Save it with unassociated alpha, or without transparency",
        )


def _palette(file: TiffFile, ifd: Ifd, layout: Layout) -> NDArray[np.uint8] | None:
    if layout.mode not in ("P", "PA"):
        return None
    if layout.photometric != tl.PALETTE:
        greys = grey_palette(layout.bits)
        return greys[::-1].copy() if layout.photometric == tl.WHITE_IS_ZERO else greys
    tag = ifd.tags.get(tl.COLOR_MAP)
    if tag is None or tag.count != 3 * 2**layout.bits:
        raise CorruptInputError("the TIFF has no usable palette")
    colors = np.array(file.order.values(tag), np.uint32).reshape(3, -1).T
    # Some writers put 8-bit values where 16-bit ones belong.
    return (colors // 256 if colors.max() > 255 else colors).astype(np.uint8)


def _metadata(file: TiffFile, ifd: Ifd, layout: Layout) -> Metadata:
    icc = ifd.tags.get(_ICC)
    notes = []
    if layout.compression == JPEG:
        notes.append("TIFF: the JPEG compression comes back as lossless Deflate, a larger file")
    if PHOTOSHOP_LAYERS in ifd.tags:
        notes.append("TIFF: Photoshop's layers, which show the page as it is, are left out with it")
    orientation = _number(file, ifd, _ORIENTATION, 1)
    return Metadata(
        format="TIFF",
        icc=icc.value if icc else None,
        dpi=_dpi(file, ifd),
        orientation=orientation if orientation in range(1, 9) else 1,
        extra={LOSSLESS: True, WARNINGS: tuple(notes)},
    )


def _number(file: TiffFile, ifd: Ifd, number: int, default: int) -> int:
    tag = ifd.tags.get(number)
    return file.order.values(tag)[0] if tag is not None and tag.count else default


def _dpi(file: TiffFile, ifd: Ifd) -> tuple[float, float] | None:
    scale = {2: 1.0, 3: 2.54}.get(_number(file, ifd, _RESOLUTION_UNIT, 2))
    x, y = (
        next(iter(file.order.rationals(ifd.tags[n])), 0.0) if n in ifd.tags else 0.0
        for n in (_X_RESOLUTION, _Y_RESOLUTION)
    )
    return (x * scale, y * scale) if scale and x > 0 and y > 0 else None


def _deflated(layout: Layout) -> Layout:
    """The layout that a JPEG-compressed page gets."""
    row_bytes = layout.width * layout.samples
    return replace(
        layout,
        photometric=tl.RGB if layout.photometric == tl.YCBCR else layout.photometric,
        compression=DEFLATE,
        predictor=2,
        planar=False,
        tiled=False,
        block_width=layout.width,
        block_rows=min(layout.height, max(1, _STRIP_BYTES // row_bytes)),
        reversed_bits=False,
    )


def _without_jpeg(file: TiffFile, layout: Layout) -> dict[int, Tag | None]:
    new = _deflated(layout)
    gone = (
        tl.FILL_ORDER, JPEG_TABLES, tl.TILE_WIDTH, tl.TILE_LENGTH, TILE_OFFSETS, TILE_COUNTS,
        *_YCBCR_TAGS,
    )  # fmt: skip
    changes: dict[int, Tag | None] = dict.fromkeys(gone)
    values = {
        tl.PHOTOMETRIC: new.photometric,
        tl.COMPRESSION: new.compression,
        tl.PREDICTOR: new.predictor,
        tl.PLANAR: 1,
    }
    changes |= {number: file.order.tag(SHORT, value) for number, value in values.items()}
    changes[tl.ROWS_PER_STRIP] = file.order.tag(LONG, new.block_rows)
    changes[STRIP_OFFSETS] = file.order.tag(LONG, 0)  # tiles become strips; the writer knows where
    return changes
