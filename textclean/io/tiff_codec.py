"""The blocks (strips, tiles) of a TIFF page: compressed bytes to rows of bytes and back.

Rows are handed to libtiff, through Pillow, as a plain 8-bit grey image as wide as a row has bytes:
none of the lossless codecs looks at samples, so that every depth and number of channels goes
through unconverted. The fax codecs see one-bit images. Deflate and "none" need no libtiff.
"""

from __future__ import annotations

import io
import zlib
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, TiffImagePlugin

from textclean.errors import CorruptInputError, UnsupportedFormatError
from textclean.io.guard import decoder_errors
from textclean.io.libtiff import libtiff_errors
from textclean.io.tiff_file import LONG, ByteOrder, Ifd, Tag, TiffFile
from textclean.io.tiff_writer import TiffWriter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

NONE: Final = 1
CCITT_RLE: Final = 2
CCITT_G3: Final = 3
CCITT_G4: Final = 4
LZW: Final = 5
JPEG: Final = 7
DEFLATE: Final = 8
PACKBITS: Final = 32773
LZMA: Final = 34925
OLD_DEFLATE: Final = 32946
ZSTD: Final = 50000

FAX: Final = frozenset({CCITT_RLE, CCITT_G3, CCITT_G4})
CODECS: Final = {
    NONE: "raw",
    CCITT_RLE: "tiff_ccitt",
    CCITT_G3: "group3",
    CCITT_G4: "group4",
    LZW: "tiff_lzw",
    DEFLATE: "tiff_adobe_deflate",
    OLD_DEFLATE: "tiff_deflate",
    PACKBITS: "packbits",
    LZMA: "lzma",
    ZSTD: "zstd",
}
"""TIFF compression -> Pillow's name for it; those that are read and written exactly."""

T4_OPTIONS: Final = 292
DEFLATE_LEVEL: Final = 6

REVERSED: Final = bytes(int(f"{i:08b}"[::-1], 2) for i in range(256))
_LITTLE: Final = ByteOrder("<", big=False)


def decode_blocks(
    blocks: Sequence[bytes],
    *,
    compression: int,
    rows: Sequence[int],
    row_bytes: int,
    width: int,
    reversed_bits: bool = False,
    t4_options: int = 0,
) -> NDArray[np.uint8]:
    """Decompress blocks that lie one below the other.

    Args:
        blocks: Compressed bytes of each block.
        compression: A key of :data:`CODECS`.
        rows: Rows of each block; all alike but the last, which may be shorter.
        row_bytes: Bytes of a row.
        width: Pixels of a row; counts for the fax codecs only.
        reversed_bits: Whether bits are stored least significant first (FillOrder 2).
        t4_options: T4Options, for Group 3.

    Returns:
        ``(sum(rows), row_bytes)`` uint8.

    Raises:
        CorruptInputError: The data is damaged or too short.
    """
    if reversed_bits:
        blocks = [block.translate(REVERSED) for block in blocks]
    if compression in (NONE, DEFLATE, OLD_DEFLATE):
        inflate = compression != NONE
        parts = [
            _exactly(block, count * row_bytes, inflate)
            for block, count in zip(blocks, rows, strict=True)
        ]
        return np.frombuffer(b"".join(parts), np.uint8).reshape(-1, row_bytes)
    fax = compression in FAX
    tags = {
        256: width if fax else row_bytes,
        257: sum(rows),
        258: 1 if fax else 8,
        259: compression,
        262: 1,
        277: 1,
        278: rows[0],
    }
    if compression == CCITT_G3:
        tags[T4_OPTIONS] = t4_options
    image = decode_tiff(single_page({n: _LITTLE.tag(LONG, v) for n, v in tags.items()}, blocks))
    if fax:
        # Pillow packs bits far slower than NumPy does.
        return np.packbits(np.asarray(image), axis=1)
    return np.frombuffer(image.tobytes(), np.uint8).reshape(-1, row_bytes)


def encode_blocks(
    data: NDArray[np.uint8],
    *,
    compression: int,
    block_rows: int,
    width: int,
    level: int = DEFLATE_LEVEL,
) -> list[bytes]:
    """Compress rows into blocks of ``block_rows`` rows, the last of what is left.

    Args:
        data: ``(H, B)`` uint8.
        compression: A key of :data:`CODECS`.
        block_rows: Rows of a block.
        width: Pixels of a row; counts for the fax codecs only.
        level: How hard Deflate tries, 1 to 9.

    Returns:
        The blocks' compressed bytes, most significant bit first.
    """
    height, row_bytes = data.shape
    if compression in (NONE, DEFLATE, OLD_DEFLATE):
        parts = (data[y : y + block_rows].tobytes() for y in range(0, height, block_rows))
        return [part if compression == NONE else zlib.compress(part, level) for part in parts]
    mode, columns = ("1", width) if compression in FAX else ("L", row_bytes)
    image = Image.frombytes(mode, (columns, height), data.tobytes())
    out = io.BytesIO()
    with libtiff_errors() as errors:
        try:
            image.save(out, "TIFF", compression=CODECS[compression], tiffinfo={278: block_rows})
        except OSError as error:
            reason = errors[0] if errors else str(error)
            raise UnsupportedFormatError(
                f"TIFF compression {compression} cannot be written here ({reason})",
                remedy="Save the file with LZW or Deflate compression",
            ) from None
    file = TiffFile(out.getvalue())
    return list(file.blocks(file.ifds[0]))


def decode_tiff(data: bytes) -> Image.Image:
    """Decode a one-page TIFF with Pillow, without its global pixel limit.

    Raises:
        CorruptInputError: libtiff reports an error, even if it decodes.
    """
    with libtiff_errors() as errors:
        try:
            with decoder_errors("TIFF image"):
                image = _Tiff(io.BytesIO(data))
                image.load()
        except CorruptInputError as error:
            # libtiff's own words say more than the number that Pillow makes of them.
            if errors:
                error.message = f"the TIFF image is damaged or cut off ({errors[0]})"
                error.args = (error.message,)
            raise
    if errors:
        raise CorruptInputError(
            f"the TIFF image is damaged ({errors[0]})",
            remedy="Get the file again, or repair it first",
        )
    return image


def single_page(
    tags: Mapping[int, Tag], blocks: Sequence[bytes], order: ByteOrder = _LITTLE
) -> bytes:
    """A TIFF of one page with these tags and blocks; strips, unless a tile tag is among them."""
    out = io.BytesIO()
    TiffWriter(out, order).add(Ifd(tags), blocks)
    return out.getvalue()


class _Tiff(TiffImagePlugin.TiffImageFile):
    """Without the check on Pillow's global limit, which ours has replaced."""

    def load_prepare(self) -> None:
        if self._im is None:
            self.im = Image.new(self.mode, self.size).im
        super().load_prepare()

    def load_end(self) -> None:
        """Nothing: our pages have no EXIF to be looked for."""


def _exactly(block: bytes, length: int, inflate: bool) -> bytes:
    """The first ``length`` bytes; longer blocks are padded ones."""
    if inflate:
        try:
            block = zlib.decompressobj().decompress(block, length)
        except zlib.error as error:
            raise CorruptInputError(f"the TIFF image is damaged ({error})") from None
    if len(block) < length:
        raise CorruptInputError("the TIFF image is cut off", remedy="Get the file again")
    return block[:length]
