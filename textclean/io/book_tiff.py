"""Pages put into a new TIFF, one directory each, without loss (TIFF 6.0).

Baseline JPEGs are taken over byte for byte as JPEG-in-TIFF (compression 7), pages of a TIFF with
their own blocks and tags; bitonal pages become Group 4 and all others Deflate.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import numpy as np

from textclean.io import tiff_layout as tl
from textclean.io.images import decode_image
from textclean.io.picture_png import without_key
from textclean.io.raster import Raster, pack_bits
from textclean.io.sniff import HEAD_BYTES, sniff
from textclean.io.tiff_codec import CCITT_G4, DEFLATE, JPEG, encode_blocks
from textclean.io.tiff_file import LONG, SHORT, ByteOrder, Ifd, Tag, TiffFile
from textclean.io.tiff_writer import TiffWriter

if TYPE_CHECKING:
    from textclean.io.document import About
    from textclean.types import Metadata

_STRIP_BYTES: Final = 1 << 18
_RATIONAL, _UNDEFINED = 5, 7
_LITTLE_LIMIT: Final = 3 << 30
_UNCERTAIN_BITS: Final = 32
# Mode without its depth -> colour model and samples of a pixel.
_MODELS: Final = {"1": (tl.WHITE_IS_ZERO, 1), "L": (tl.BLACK_IS_ZERO, 1),
                  "I": (tl.BLACK_IS_ZERO, 1), "LA": (tl.BLACK_IS_ZERO, 2), "P": (tl.PALETTE, 1),
                  "RGB": (tl.RGB, 3), "RGBA": (tl.RGB, 4), "CMYK": (tl.CMYK, 4)}  # fmt: skip


class TiffBook:
    """Writes a TIFF.

    Attributes:
        suffix: Of the file's name.
        warnings: What did not come out as it was, one line each.
    """

    suffix = ".tiff"

    def __init__(self, file: BinaryIO, *, max_pixels: int, expected_bytes: int = 0) -> None:
        """Write to ``file``, from its start.

        Args:
            file: Where to.
            max_pixels: Limit of a page.
            expected_bytes: How large it may get; large ones are BigTIFF.
        """
        self._order = ByteOrder("<", big=expected_bytes > _LITTLE_LIMIT)
        self._writer = TiffWriter(file, self._order)
        self._max_pixels = max_pixels
        self.warnings: list[str] = []

    def add(self, name: str, data: bytes) -> None:
        """Append a page.

        Args:
            name: The page's name, for nothing but messages.
            data: An image file.

        Raises:
            InputError: It cannot be decoded.
            TooLargeError: The file would be larger than it can be.
        """
        kind = sniff(data[:HEAD_BYTES])
        if kind == "tiff":
            file = TiffFile(data)
            if file.order == self._order and len(file.ifds) == 1:
                decode_image(data, self._max_pixels)
                self._writer.add(file.ifds[0], file.blocks(file.ifds[0]), file)
                return
        raster = decode_image(data, self._max_pixels)
        frame = _baseline(data) if kind == "jpeg" else None
        if frame is not None and raster.mode in ("L", "RGB"):
            self._writer.add(Ifd(self._jpeg_tags(raster, frame)), [data])
            return
        self.add_raster(raster)

    def add_raster(self, raster: Raster) -> None:
        """Append a page from its pixels."""
        self._writer.add(*self._lossless(_plain(without_key(raster))))

    def finish(self, about: About) -> None:
        """Nothing is left to do: every directory was linked when it was written."""

    def _lossless(self, raster: Raster) -> tuple[Ifd, list[bytes]]:
        height, width = raster.pixels.shape[:2]
        base = raster.mode.removesuffix(";16")
        photometric, samples = _MODELS[base]
        bits = 1 if base == "1" else 16 if raster.mode.endswith(";16") else 8
        compression = CCITT_G4 if bits == 1 else DEFLATE
        row_bytes = (width * samples * bits + 7) // 8
        rows = height if bits == 1 else max(1, min(height, _STRIP_BYTES // row_bytes))
        predictor = 2 if bits > 1 and base != "P" else 1
        blocks = encode_blocks(
            _packed(raster.pixels, bits, predictor),
            compression=compression,
            block_rows=rows,
            width=width,
        )
        tags = self._tags(raster, photometric, samples, bits, compression, rows)
        if predictor != 1:
            tags[tl.PREDICTOR] = self._short(predictor)
        if base in ("LA", "RGBA"):
            tags[tl.EXTRA_SAMPLES] = self._short(2)
        if base == "P" and raster.palette is not None:
            tags[tl.COLOR_MAP] = self._short(*_color_map(raster.palette))
        return Ifd(tags), blocks

    def _jpeg_tags(self, raster: Raster, sampling: tuple[int, int]) -> dict[int, Tag]:
        height = raster.pixels.shape[0]
        grey = raster.mode == "L"
        photometric = tl.BLACK_IS_ZERO if grey else tl.YCBCR
        tags = self._tags(raster, photometric, 1 if grey else 3, 8, JPEG, height)
        if not grey:
            tags[530] = self._short(*sampling)
            tags[532] = self._rationals(0, 255, 128, 255, 128, 255)
        return tags

    def _tags(
        self, raster: Raster, photometric: int, samples: int, bits: int, compression: int, rows: int
    ) -> dict[int, Tag]:
        height, width = raster.pixels.shape[:2]
        tags = {
            254: self._order.tag(LONG, 2),
            tl.WIDTH: self._order.tag(LONG, width),
            tl.LENGTH: self._order.tag(LONG, height),
            tl.BITS: self._short(*[bits] * samples),
            tl.COMPRESSION: self._short(compression),
            tl.PHOTOMETRIC: self._short(photometric),
            tl.SAMPLES: self._short(samples),
            tl.ROWS_PER_STRIP: self._order.tag(LONG, rows),
            284: self._short(1),
        }
        return tags | self._about(raster.metadata)

    def _about(self, metadata: Metadata) -> dict[int, Tag]:
        tags = {274: self._short(metadata.orientation)}
        if metadata.dpi is not None:
            across, down = metadata.dpi
            tags |= {282: self._rationals(across), 283: self._rationals(down), 296: self._short(2)}
        if metadata.icc is not None:
            tags[34675] = Tag(_UNDEFINED, len(metadata.icc), metadata.icc)
        return tags

    def _short(self, *values: int) -> Tag:
        return self._order.tag(SHORT, *values)

    def _rationals(self, *values: float) -> Tag:
        """Fractions; resolutions to a ten-thousandth."""
        parts = [part for value in values for part in _fraction(value)]
        return Tag(_RATIONAL, len(values), struct.pack(f"<{len(parts)}I", *parts))


def _plain(raster: Raster) -> Raster:
    """Palettes of a TIFF have no transparency: such pages become RGBA."""
    if raster.mode != "P" or raster.palette is None or raster.palette.shape[1] == 3:
        return raster
    rgba = raster.palette[np.minimum(raster.pixels, len(raster.palette) - 1)]
    return Raster(pixels=rgba, mode="RGBA", metadata=raster.metadata)


def _fraction(value: float) -> tuple[int, int]:
    if value == int(value):
        return int(value), 1
    return min(round(value * 10_000), 2**32 - 1), 10_000


def _packed(pixels: np.ndarray[Any, Any], bits: int, predictor: int) -> np.ndarray[Any, Any]:
    """``(H, B)`` uint8 rows, differenced along the row with predictor 2."""
    if bits == 1:
        return pack_bits((~pixels).astype(np.uint8), 1)
    samples = pixels if pixels.ndim == 3 else pixels[..., None]
    if predictor == 2:
        left = np.zeros_like(samples)
        left[:, 1:] = samples[:, :-1]
        samples = samples - left  # wraps around, as it must
    raw = np.ascontiguousarray(samples.astype("<u2") if bits == 16 else samples)
    return raw.view(np.uint8).reshape(len(pixels), -1)


def _color_map(palette: np.ndarray[Any, Any]) -> list[int]:
    """256 reds, greens and blues of 16 bits."""
    full = np.zeros((256, 3), np.uint16)
    full[: len(palette)] = palette[:, :3].astype(np.uint16) * 257
    values: list[int] = full.T.reshape(-1).tolist()
    return values


def _baseline(data: bytes) -> tuple[int, int] | None:
    """Chroma sampling of a JPEG that may stand in a TIFF as it is; None of any other.

    The technical note on JPEG in TIFF wants sequential Huffman coding and YCbCr colours, the
    luma sampled 1, 2 or 4 times as often as both of the others.
    """
    at, found = 2, None
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        body = data[at + 4 : at + 2 + length]
        if marker == 0xDA:
            return found
        if marker == 0xEE and body.startswith(b"Adobe") and body[11:12] == b"\0":
            return None
        if marker in (0xC0, 0xC1):
            found = _sampling(body)
        elif 0xC2 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return None
        at += 2 + length
    return None


def _sampling(frame: bytes) -> tuple[int, int] | None:
    if len(frame) == 9:
        return 1, 1
    if len(frame) != 15 or frame[6::3] == b"RGB" or frame[10] != 0x11 or frame[13] != 0x11:
        return None
    across, down = frame[7] >> 4, frame[7] & 15
    return (across, down) if across in (1, 2, 4) and down in (1, 2, 4) else None
