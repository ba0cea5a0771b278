"""Image files as PDF images: their own compressed bytes where PDF knows them, else without loss."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from textclean.io import tiff_layout as tl
from textclean.io.picture_png import without_key
from textclean.io.raster import pack_bits
from textclean.io.scanlines import SIGNATURE, encode_scanlines
from textclean.io.sniff import HEAD_BYTES, sniff
from textclean.io.tiff_codec import CCITT_G4, encode_blocks
from textclean.io.tiff_file import TiffFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from textclean.io.raster import Raster

_GREY, _RGB, _CMYK = "/DeviceGray", "/DeviceRGB", "/DeviceCMYK"
_SPACES: Final = {"1": _GREY, "L": _GREY, "I": _GREY, "LA": _GREY, "P": _RGB, "RGB": _RGB,
                  "RGBA": _RGB, "CMYK": _CMYK}  # fmt: skip
_PROFILES: Final = {_GREY: b"GRAY", _RGB: b"RGB ", _CMYK: b"CMYK"}
_COMPONENTS: Final = {_GREY: 1, _RGB: 3, _CMYK: 4}
_ADOBE: Final = b"Adobe"
_REVERSED: Final = bytes(int(f"{i:08b}"[::-1], 2) for i in range(256))
_T6_OPTIONS: Final = 293


@dataclass(frozen=True, slots=True)
class PdfImage:
    """An image XObject to be.

    Attributes:
        width: In pixels, as stored.
        height: In pixels, as stored.
        bits: Bits of a sample.
        space: Device colour space; that of the palette's colours with a palette.
        filter: Name of the filter.
        data: The compressed bytes.
        palette: RGB bytes, or None.
        icc: Profile that fits the colour space, or None.
        keys: Further entries of the dictionary.
        soft_mask: The alpha channel, or None.
    """

    width: int
    height: int
    bits: int
    space: str
    filter: str
    data: bytes
    palette: bytes | None = None
    icc: bytes | None = None
    keys: Mapping[str, str] = field(default_factory=dict)
    soft_mask: PdfImage | None = None


def pdf_image(data: bytes, raster: Raster) -> PdfImage:
    """An image file as a PDF image.

    Args:
        data: The file.
        raster: What it decodes to.
    """
    kind = sniff(data[:HEAD_BYTES])
    found = None
    if kind == "jpeg":
        found = _jpeg(data, raster)
    elif kind == "png":
        found = _png(data, raster)
    elif kind == "tiff":
        found = _fax(data, raster)
    return found or _lossless(raster)


def _icc(raster: Raster, space: str) -> bytes | None:
    icc = raster.metadata.icc
    return icc if icc is not None and icc[16:20] == _PROFILES[space] else None


def _jpeg(data: bytes, raster: Raster) -> PdfImage | None:
    """The JPEG itself; None where its coding is one that PDF does not know."""
    frame, plain_rgb = _jpeg_header(data)
    if frame not in (0xC0, 0xC1, 0xC2):
        return None
    height, width = raster.pixels.shape[:2]
    space = _SPACES[raster.mode]
    keys: dict[str, str] = {}
    if raster.mode == "CMYK":
        # Stored inverted, as Adobe does; a PDF wants to be told.
        keys["Decode"] = "[1 0 1 0 1 0 1 0]"
    if raster.mode == "RGB" and plain_rgb:
        keys["DecodeParms"] = "<< /ColorTransform 0 >>"
    return PdfImage(width, height, 8, space, "DCTDecode", data, icc=_icc(raster, space), keys=keys)


def _jpeg_header(data: bytes) -> tuple[int, bool]:
    """Kind of frame, and whether its components are RGB only by their names."""
    at, kind, components, told = 2, 0, b"", False
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0xDA:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        body = data[at + 4 : at + 2 + length]
        told = told or (marker == 0xEE and body.startswith(_ADOBE)) or body.startswith(b"JFIF\0")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            kind, components = marker, body[6::3]
        at += 2 + length
    return kind, components == b"RGB" and not told


def _png(data: bytes, raster: Raster) -> PdfImage | None:
    """The PNG's own compressed rows; None where they are interlaced or carry alpha."""
    chunks = list(_chunks(data))
    head = chunks[0][1]
    bits, color, interlaced = head[8], head[9], head[12]
    if interlaced or color in (4, 6):
        return None
    height, width = raster.pixels.shape[:2]
    space, components = (_GREY, 1) if color == 0 else (_RGB, 3 if color == 2 else 1)
    keys = {"DecodeParms": _predictor(components, bits, width)}
    palette = next((body for kind, body in chunks if kind == b"PLTE"), b"") if color == 3 else None
    trns = next((body for kind, body in chunks if kind == b"tRNS"), b"")
    soft = None
    if trns and color == 3:
        alpha = np.full(256, 255, np.uint8)
        alpha[: min(len(trns), 256)] = np.frombuffer(trns[:256], np.uint8)
        soft = _flate_image(alpha[raster.pixels], 8, _GREY)
    elif trns and raster.transparent is not None:
        values = np.frombuffer(trns[: 2 * components], ">u2").tolist()
        keys["Mask"] = "[" + " ".join(f"{v} {v}" for v in values) + "]"
    stream = b"".join(body for kind, body in chunks if kind == b"IDAT")
    if palette is not None:
        palette = palette[: len(palette) // 3 * 3][: 3 * 2**bits]
    return PdfImage(
        width, height, bits, space, "FlateDecode", stream, palette, _icc(raster, space), keys, soft
    )


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(SIGNATURE)
    while at + 12 <= len(png):
        length = int.from_bytes(png[at : at + 4], "big")
        kind = png[at + 4 : at + 8]
        yield kind, png[at + 8 : at + 8 + length]
        if kind == b"IEND":
            return
        at += 12 + length


def _fax(data: bytes, raster: Raster) -> PdfImage | None:
    """A Group 4 TIFF in one strip: the strip itself."""
    file = TiffFile(data)
    ifd = next((i for i in file.ifds if tl.WIDTH in i.tags), file.ifds[0])
    layout = tl.read_layout(file, ifd, raster.pixels.size)
    uncompressed_mode = _T6_OPTIONS in ifd.tags and file.order.values(ifd.tags[_T6_OPTIONS])[0]
    if raster.mode != "1" or layout.compression != CCITT_G4 or len(ifd.blocks) != 1:
        return None
    if layout.tiled or uncompressed_mode or len(file.ifds) != 1:
        return None
    strip = next(iter(file.blocks(ifd)))
    if layout.reversed_bits:
        strip = strip.translate(_REVERSED)
    return _fax_image(raster, strip, inverted=layout.photometric == tl.BLACK_IS_ZERO)


def _fax_image(raster: Raster, strip: bytes, *, inverted: bool) -> PdfImage:
    height, width = raster.pixels.shape
    keys = {"DecodeParms": f"<< /K -1 /Columns {width} /Rows {height} >>"}
    if inverted:
        keys["Decode"] = "[1 0]"
    return PdfImage(width, height, 1, _GREY, "CCITTFaxDecode", strip, keys=keys)


def _lossless(raster: Raster) -> PdfImage:
    """Pixels as Flate, bitonal ones as Group 4; alpha becomes a soft mask."""
    raster = without_key(raster)
    if raster.mode == "1":
        rows = pack_bits((~raster.pixels).astype(np.uint8), 1)
        height, width = raster.pixels.shape
        (strip,) = encode_blocks(rows, compression=CCITT_G4, block_rows=height, width=width)
        return _fax_image(raster, strip, inverted=False)
    base = raster.mode.removesuffix(";16")
    bits = 16 if raster.mode.endswith(";16") else 8
    space = _SPACES[base]
    icc = _icc(raster, space)
    if base == "P" and raster.palette is not None:
        soft = None
        if raster.palette.shape[1] == 4:
            alpha = raster.palette[np.minimum(raster.pixels, len(raster.palette) - 1), 3]
            soft = _flate_image(alpha, 8, _GREY)
        palette = np.ascontiguousarray(raster.palette[:, :3]).tobytes()
        packed = zlib.compress(np.ascontiguousarray(raster.pixels).tobytes(), 9)
        height, width = raster.pixels.shape
        return PdfImage(
            width, height, 8, space, "FlateDecode", packed, palette, icc, soft_mask=soft
        )
    if base in ("LA", "RGBA"):
        soft = _flate_image(raster.pixels[..., -1], bits, _GREY)
        colors = raster.pixels[..., 0] if base == "LA" else raster.pixels[..., :3]
        return _flate_image(colors, bits, space, icc, soft)
    return _flate_image(raster.pixels, bits, space, icc)


def _flate_image(
    pixels: np.ndarray[tuple[int, ...], np.dtype[np.generic]],
    bits: int,
    space: str,
    icc: bytes | None = None,
    soft: PdfImage | None = None,
) -> PdfImage:
    height, width = pixels.shape[:2]
    components = _COMPONENTS[space]
    raw = np.ascontiguousarray(pixels.astype(">u2") if bits == 16 else pixels)
    rows = raw.view(np.uint8).reshape(height, width * components * bits // 8)
    stream = encode_scanlines(rows, components * bits // 8)
    keys = {"DecodeParms": _predictor(components, bits, width)}
    return PdfImage(width, height, bits, space, "FlateDecode", stream, None, icc, keys, soft)


def _predictor(components: int, bits: int, width: int) -> str:
    return f"<< /Predictor 15 /Colors {components} /BitsPerComponent {bits} /Columns {width} >>"
