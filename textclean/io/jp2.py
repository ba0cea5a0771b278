"""JPEG 2000: written with the reversible transform, all boxes but the pixels kept byte for byte."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image, Jpeg2KImagePlugin

from textclean.errors import CorruptInputError, UnsupportedFormatError
from textclean.io.boxes import FileBox, inside, read_boxes
from textclean.io.guard import check_size, decoder_errors
from textclean.io.notes import LOSSLESS_NOW, note
from textclean.io.raster import LOSSLESS, Raster
from textclean.types import Metadata

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.types import Mode

LOSSY_RATIO: Final = 46.0
"""Signal-to-noise ratio in dB at which lossy images come back lossy."""

_START: Final = b"\xff\x4f\xff\x51"
_COD, _SOT = 0xFF52, 0xFF90
_PROGRESSIONS: Final = ("LRCP", "RLCP", "RPCL", "PCRL", "CPRL")
_CMYK, _SYCC = 12, 18
_MODES: Final[dict[int, Mode]] = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
_PER_METER: Final = 0.0254


@dataclass(frozen=True, slots=True)
class _Codestream:
    """What the main header says.

    Attributes:
        width: In pixels.
        height: In pixels.
        tile: Width and height of a tile.
        bits: Bits of a sample.
        channels: Samples of a pixel.
        progression: Order of the packets.
        mixed: Whether the first three channels are transformed together.
        levels: Of the wavelet transform.
        block: Width and height of a code block.
        reversible: Whether the transform is.
    """

    width: int
    height: int
    tile: tuple[int, int]
    bits: int
    channels: int
    progression: str
    mixed: bool
    levels: int
    block: tuple[int, int]
    reversible: bool

    @property
    def mode(self) -> Mode:
        return "I;16" if self.bits == 16 else _MODES[self.channels]


def decode(data: bytes, max_pixels: int) -> Raster:
    """Decode a JPEG 2000 file or codestream.

    Raises:
        CorruptInputError: Damaged or truncated.
        TooLargeError: More than ``max_pixels``.
        UnsupportedFormatError: Samples or colours that could not be written back exactly.
    """
    boxes, stream = _parts(data)
    head = _header(stream, max_pixels)
    _refuse_colors(boxes)
    with decoder_errors("JPEG 2000 image"):
        image = Jpeg2KImagePlugin.Jpeg2KImageFile(io.BytesIO(data))
        image.load()
        pixels = np.array(image)
    if image.mode != head.mode:
        raise _unsupported(f"it decodes to mode {image.mode}, not {head.mode}")
    return Raster(pixels=pixels, mode=head.mode, metadata=_metadata(boxes))


def encode(original: bytes, pixels: NDArray[Any], *, allow_lossy: bool = False) -> bytes:
    """The image with other pixels of the same mode and size.

    Args:
        original: The file that the page was decoded from.
        pixels: Native array, as :func:`decode` gives it.
        allow_lossy: Whether an image with the irreversible transform may come back with it.

    Returns:
        A JPEG 2000 of the same tiling, levels and code blocks; all boxes are the original's.
    """
    boxes, stream = _parts(original)
    head = _header(stream, pixels.shape[0] * pixels.shape[1])
    lossy = allow_lossy and not head.reversible
    if not head.reversible and not lossy:
        note(LOSSLESS_NOW.format("JPEG 2000"))
    options: dict[str, Any] = {
        "no_jp2": True,
        "irreversible": lossy,
        "mct": int(head.mixed),
        "num_resolutions": head.levels + 1,
        "codeblock_size": head.block,
        "progression": head.progression,
    }
    if head.tile[0] < head.width or head.tile[1] < head.height:
        options["tile_size"] = head.tile
    if lossy:
        options |= {"quality_mode": "dB", "quality_layers": [LOSSY_RATIO]}
    size = (head.width, head.height)
    image = Image.frombytes(head.mode, size, np.ascontiguousarray(pixels).tobytes())
    out = io.BytesIO()
    with decoder_errors("JPEG 2000 image"):
        image.save(out, "JPEG2000", **options)
    if not boxes:
        return out.getvalue()
    new = [FileBox(b.kind, out.getvalue()) if b.kind == b"jp2c" else b for b in boxes]
    return b"".join(box.raw for box in new)


def _parts(data: bytes) -> tuple[list[FileBox], bytes]:
    """The boxes (none around a bare codestream) and the codestream."""
    if data.startswith(_START):
        return [], data
    boxes = read_boxes(data, "JPEG 2000")
    stream = inside(boxes, b"jp2c")
    if stream is None or not stream.startswith(_START):
        raise CorruptInputError("the JPEG 2000 file has no image in it")
    return boxes, stream


def _header(stream: bytes, max_pixels: int) -> _Codestream:
    """The main header (ISO/IEC 15444-1, annex A)."""
    try:
        right, bottom, left, top, wide, high = struct.unpack_from(">6I", stream, 8)
        (channels,) = struct.unpack_from(">H", stream, 40)
        parts = [tuple(stream[42 + 3 * i : 45 + 3 * i]) for i in range(channels)]
        cod = _coding(stream)
    except (struct.error, IndexError):
        raise CorruptInputError("the JPEG 2000's header is damaged") from None
    check_size(right - left, bottom - top, max_pixels)
    if not parts or len(set(parts)) > 1 or parts[0][1:] != (1, 1) or left or top:
        raise _unsupported("its channels are of different depth or size, or it is cropped")
    bits = parts[0][0] + 1  # the top bit says signed
    if channels not in _MODES or (bits, channels) not in ((8, channels), (16, 1)):
        raise _unsupported(f"it has {channels} channels of {bits} bits")
    return _Codestream(
        width=right,
        height=bottom,
        tile=(wide, high),
        bits=bits,
        channels=channels,
        progression=_PROGRESSIONS[cod[1]] if cod[1] < 5 else "LRCP",
        mixed=bool(cod[4]),
        levels=min(cod[5], 32),
        block=(4 << (cod[6] & 15), 4 << (cod[7] & 15)),
        reversible=cod[9] == 1,
    )


def _coding(stream: bytes) -> bytes:
    """The default coding style: what follows the length of its marker."""
    at = 2
    while True:
        marker, length = struct.unpack_from(">HH", stream, at)
        if marker == _COD and length >= 12:
            return stream[at + 4 : at + 2 + length]
        if marker == _SOT or length < 2:
            raise CorruptInputError("the JPEG 2000's header is damaged")
        at += 2 + length


def _refuse_colors(boxes: list[FileBox]) -> None:
    header = read_boxes(inside(boxes, b"jp2h") or b"", "JPEG 2000")
    if inside(header, b"pclr") is not None:
        raise _unsupported("it has a palette")
    color = inside(header, b"colr") or b""
    if color[:1] == b"\1" and len(color) >= 7:
        space = int.from_bytes(color[3:7], "big")
        if space in (_CMYK, _SYCC):
            raise _unsupported("its colours are CMYK" if space == _CMYK else "its colours are YCC")


def _metadata(boxes: list[FileBox]) -> Metadata:
    header = read_boxes(inside(boxes, b"jp2h") or b"", "JPEG 2000")
    color = inside(header, b"colr") or b""
    resolution = read_boxes(inside(header, b"res ") or b"", "JPEG 2000")
    return Metadata(
        format="JPEG2000",
        icc=color[3:] if color[:1] == b"\2" else None,
        dpi=_dpi(inside(resolution, b"resc") or inside(resolution, b"resd")),
        extra={LOSSLESS: True},
    )


def _dpi(data: bytes | None) -> tuple[float, float] | None:
    if data is None or len(data) < 10:
        return None
    down, by, across, by_too, exponent, exponent_too = struct.unpack_from(">HHHHbb", data)
    if not (down and by and across and by_too):
        return None
    x = across / by_too * 10.0**exponent_too * _PER_METER
    return x, down / by * 10.0**exponent * _PER_METER


def _unsupported(why: str) -> UnsupportedFormatError:
    return UnsupportedFormatError(
        f"the JPEG 2000 is not handled: {why}", remedy="Convert it to PNG or TIFF"
    )
