"""JPEG XL: read and written lossless by imagecodecs; boxes of metadata kept byte for byte."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from textclean.errors import CorruptInputError, MissingExtraError, UnsupportedFormatError
from textclean.io.boxes import FileBox, inside, read_boxes
from textclean.io.exif import exif_dpi
from textclean.io.guard import check_size
from textclean.io.jxl_header import read_header
from textclean.io.notes import LOSSLESS_NOW, note
from textclean.io.raster import LOSSLESS, Raster
from textclean.types import Metadata

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from textclean.types import Mode

LOSSY_DISTANCE: Final = 0.5
"""Butteraugli distance at which lossy images come back lossy where that is allowed."""

_BARE: Final = b"\xff\x0a"
# The codestream; and what only goes with the old one: how to make a JPEG of it, an index of
# frames, its level.
_CODESTREAM: Final = frozenset({b"jxlc", b"jxlp"})
_LEVEL: Final = b"jxll"
_OUTDATED: Final = frozenset({b"jbrd", b"jxli", _LEVEL})
_MODES: Final[dict[tuple[int, bool], Mode]] = {
    (1, False): "L",
    (2, False): "LA",
    (3, False): "RGB",
    (4, False): "RGBA",
    (1, True): "I;16",
    (2, True): "LA;16",
    (3, True): "RGB;16",
    (4, True): "RGBA;16",
}


def decode(data: bytes, max_pixels: int) -> Raster:
    """Decode a JPEG XL; its own orientation is applied by the decoder.

    Raises:
        CorruptInputError: Damaged or truncated.
        MissingExtraError: The extra package is not installed.
        TooLargeError: More than ``max_pixels``.
        UnsupportedFormatError: Animated, or samples that are not of 8 or 16 bits.
    """
    boxes, stream = _parts(data)
    header = read_header(stream)
    check_size(header.width, header.height, max_pixels)
    codecs = _codecs()
    if header.bits not in (8, 16) or header.animated:
        raise UnsupportedFormatError(
            f"the JPEG XL is animated or has samples of {header.bits} bits; 8 and 16 are handled",
            remedy="Convert it to PNG: djxl page.jxl page.png (apt install libjxl-tools)",
        )
    try:
        pixels: NDArray[Any] = codecs.jpegxl_decode(data, numthreads=1)
    except codecs.JpegxlError as error:
        raise CorruptInputError(f"the JPEG XL image is damaged or cut off ({error})") from None
    mode = _mode(pixels)
    return Raster(pixels=np.ascontiguousarray(pixels), mode=mode, metadata=_metadata(boxes))


def encode(original: bytes, pixels: NDArray[Any], *, allow_lossy: bool = False) -> bytes:
    """The JPEG XL with other pixels of the same mode and size.

    Args:
        original: The JPEG XL that the page was decoded from.
        pixels: Native array, as :func:`decode` gives it.
        allow_lossy: Whether a lossy image may come back lossy.

    Returns:
        A JPEG XL, lossless unless that is allowed and the original is not; boxes of metadata are
        the original's.

    Raises:
        MissingExtraError: The extra package is not installed.
        UnsupportedFormatError: Its colours are described in a way that would be lost.
    """
    boxes, stream = _parts(original)
    header = read_header(stream)
    lossy = header.lossy and allow_lossy
    if header.lossy and not lossy:
        note(LOSSLESS_NOW.format("JPEG XL"))
    options: dict[str, Any] = {"distance": LOSSY_DISTANCE} if lossy else {"lossless": True}
    encoded = _codecs().jpegxl_encode(np.ascontiguousarray(pixels), numthreads=1, **options)
    own, new = _parts(bytes(encoded))
    if header.colors is None or read_header(new).colors != header.colors:
        raise UnsupportedFormatError(
            "the JPEG XL has a colour space of its own inside the image, which would be lost",
            remedy="Convert it to PNG first: djxl page.jxl page.png (apt install libjxl-tools)",
        )
    return _assembled(boxes, new, inside(own, _LEVEL)) if boxes else bytes(encoded)


def _assembled(boxes: Sequence[FileBox], stream: bytes, level: bytes | None) -> bytes:
    """The original's boxes around a new codestream and the level that it asks of decoders."""
    parts: list[FileBox] = []
    placed = False
    for box in boxes:
        if box.kind in _CODESTREAM:
            if not placed:
                parts += [FileBox(_LEVEL, level)] if level else []
                parts.append(FileBox(b"jxlc", stream))
            placed = True
        elif box.kind not in _OUTDATED:
            parts.append(box)
    return b"".join(box.raw for box in parts)


def _parts(data: bytes) -> tuple[list[FileBox], bytes]:
    """The boxes (none around a bare codestream) and the codestream."""
    if data.startswith(_BARE):
        return [], data
    boxes = read_boxes(data, "JPEG XL")
    whole = inside(boxes, b"jxlc")
    # Parts start with their number.
    stream = whole or b"".join(box.data[4:] for box in boxes if box.kind == b"jxlp")
    if not stream.startswith(_BARE):
        raise CorruptInputError("the JPEG XL has no image in it")
    return boxes, stream


def _mode(pixels: NDArray[Any]) -> Mode:
    channels = 1 if pixels.ndim == 2 else pixels.shape[-1]
    wide = pixels.dtype == np.uint16
    if pixels.ndim > 3 or pixels.dtype not in (np.uint8, np.uint16) or channels > 4:
        raise UnsupportedFormatError(
            f"the JPEG XL decodes to {pixels.dtype} {pixels.shape}; only still grey or RGB "
            "pages are cleaned"
        )
    return _MODES[channels, wide]


def _codecs() -> Any:
    try:
        import imagecodecs
    except ImportError:
        raise MissingExtraError(
            "JPEG XL needs the package imagecodecs", remedy="pip install 'textclean[jxl]'"
        ) from None
    return imagecodecs


def _metadata(boxes: Sequence[FileBox]) -> Metadata:
    block = inside(boxes, b"Exif")
    exif = block[4:] if block and len(block) > 4 else None
    return Metadata(format="JXL", exif=exif, dpi=exif_dpi(exif), extra={LOSSLESS: True})
