"""The samples of a TIFF page, out of its strips or tiles and into them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from textclean.errors import UnsupportedFormatError
from textclean.io import tiff_layout as tl
from textclean.io.raster import pack_bits, unpack_bits
from textclean.io.tiff_codec import (
    DEFLATE_LEVEL,
    JPEG,
    REVERSED,
    decode_blocks,
    decode_tiff,
    encode_blocks,
    single_page,
)
from textclean.io.tiff_file import (
    LONG,
    TILE_OFFSETS,
    Ifd,
    Tag,
    TiffFile,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from textclean.io.tiff_layout import Layout

JPEG_TABLES: Final = 347
_YCBCR_SUBSAMPLING, _UNDEFINED = 530, 7


def read_samples(
    file: TiffFile, ifd: Ifd, layout: Layout, blocks: Sequence[bytes] | None = None
) -> NDArray[Any]:
    """``(H, W, S)`` uint8 (also of fewer bits) or uint16 in this machine's order, writable.

    Args:
        file: The file.
        ifd: The page's directory.
        layout: How its blocks are to be read.
        blocks: Strips or tiles; None = those that the directory tells of.
    """
    blocks = list(file.blocks(ifd)) if blocks is None else blocks
    if layout.compression == JPEG:
        return _read_jpeg(file, ifd, layout, blocks)
    each = layout.across * layout.down
    planes = [
        _read_plane(blocks[i * each : (i + 1) * each], file.order.order, layout)
        for i in range(layout.planes)
    ]
    return planes[0] if len(planes) == 1 else np.concatenate(planes, axis=2)


def _read_plane(blocks: Sequence[bytes], order: str, layout: Layout) -> NDArray[Any]:
    """``(H, W, C)`` samples of one plane."""
    rows = [layout.block_rows] * len(blocks)
    if not layout.tiled:
        rows[-1] = layout.height - layout.block_rows * (layout.down - 1)
    data = decode_blocks(
        blocks,
        compression=layout.compression,
        rows=rows,
        row_bytes=layout.row_bytes,
        width=layout.block_width,
        reversed_bits=layout.reversed_bits,
        t4_options=layout.t4_options,
    )
    samples = _samples_of_rows(data, order, layout)
    if layout.tiled:
        grid = samples.reshape(
            layout.down, layout.across, layout.block_rows, layout.block_width, layout.channels
        )
        high, wide = layout.down * layout.block_rows, layout.across * layout.block_width
        samples = grid.swapaxes(1, 2).reshape(high, wide, layout.channels)
    return np.array(samples[: layout.height, : layout.width])


def _samples_of_rows(data: NDArray[np.uint8], order: str, layout: Layout) -> NDArray[Any]:
    """``(R, block width, C)`` samples of ``(R, row bytes)`` decompressed rows."""
    count = layout.block_width * layout.channels
    samples: NDArray[Any]
    if layout.bits == 16:
        samples = data.view(f"{order}u2").astype(np.uint16)
    else:
        samples = unpack_bits(data, count, layout.bits)
    samples = samples.reshape(len(data), layout.block_width, layout.channels)
    if layout.predictor == 2:
        samples = np.cumsum(samples, axis=1, dtype=samples.dtype)
    return samples


def write_samples(
    file: TiffFile, samples: NDArray[Any], layout: Layout, level: int = DEFLATE_LEVEL
) -> list[bytes]:
    """The blocks of a page's samples; ``level`` is how hard Deflate tries."""
    parts = np.split(samples, layout.planes, axis=2) if layout.planar else [samples]
    return [b for part in parts for b in _write_plane(part, file.order.order, layout, level)]


def _write_plane(samples: NDArray[Any], order: str, layout: Layout, level: int) -> list[bytes]:
    """The inverse of :func:`_read_plane`."""
    if layout.tiled:
        high, wide = layout.down * layout.block_rows, layout.across * layout.block_width
        margins = ((0, high - layout.height), (0, wide - layout.width), (0, 0))
        grid = np.pad(samples, margins, mode="edge").reshape(
            layout.down, layout.block_rows, layout.across, layout.block_width, layout.channels
        )
        samples = grid.swapaxes(1, 2).reshape(-1, layout.block_width, layout.channels)
    if layout.predictor == 2:
        samples = np.diff(samples, axis=1, prepend=samples.dtype.type(0))
    flat = np.ascontiguousarray(samples).reshape(len(samples), -1)
    if layout.bits == 16:
        rows = flat.astype(f"{order}u2").view(np.uint8)
    else:
        rows = pack_bits(flat, layout.bits)
    blocks = encode_blocks(
        rows,
        compression=layout.compression,
        block_rows=layout.block_rows,
        width=layout.block_width,
        level=level,
    )
    return [block.translate(REVERSED) for block in blocks] if layout.reversed_bits else blocks


def _read_jpeg(
    file: TiffFile, ifd: Ifd, layout: Layout, blocks: Sequence[bytes]
) -> NDArray[np.uint8]:
    tags = _jpeg_tags(file, ifd, layout)
    image = decode_tiff(single_page(tags, blocks, file.order))
    samples = np.array(image)
    if image.mode not in ("L", "RGB", "CMYK") or len(image.getbands()) != layout.base:
        raise UnsupportedFormatError(f"the JPEG in the TIFF decodes to mode {image.mode}")
    if layout.photometric == tl.WHITE_IS_ZERO:
        # Pillow shows such a page the right way round; here samples are as stored.
        samples = 255 - samples
    return samples.reshape(layout.height, layout.width, layout.base)


def _jpeg_tags(file: TiffFile, ifd: Ifd, layout: Layout) -> dict[int, Tag]:
    """What libtiff needs to know of a JPEG-compressed page, and nothing to stumble on."""
    numbers: dict[int, tuple[int, ...]] = {
        tl.WIDTH: (layout.width,),
        tl.LENGTH: (layout.height,),
        tl.BITS: (layout.bits,) * layout.samples,
        tl.COMPRESSION: (JPEG,),
        tl.PHOTOMETRIC: (layout.photometric,),
        tl.SAMPLES: (layout.samples,),
        tl.PLANAR: (2 if layout.planar else 1,),
    }
    if layout.tiled:
        numbers |= {tl.TILE_WIDTH: (layout.block_width,), tl.TILE_LENGTH: (layout.block_rows,)}
        numbers[TILE_OFFSETS] = (0,)
    else:
        numbers[tl.ROWS_PER_STRIP] = (layout.block_rows,)
    if _YCBCR_SUBSAMPLING in ifd.tags:
        numbers[_YCBCR_SUBSAMPLING] = file.order.values(ifd.tags[_YCBCR_SUBSAMPLING])[:2]
    tags = {number: file.order.tag(LONG, *values) for number, values in numbers.items()}
    if JPEG_TABLES in ifd.tags:
        tables = ifd.tags[JPEG_TABLES]
        tags[JPEG_TABLES] = Tag(_UNDEFINED, len(tables.value), tables.value)
    return tags
