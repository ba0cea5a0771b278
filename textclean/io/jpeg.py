"""JPEG: decoded by Pillow, encoded with the tables and sampling of the file it came from.

Re-encoding a JPEG is never lossless. With the source's own quantization tables and chroma
sampling, what was decoded from them falls back onto nearly the same coefficients. All metadata
segments are the source's, byte for byte.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from PIL import Image, JpegImagePlugin

from textclean.errors import CorruptInputError, UnsupportedFormatError
from textclean.io.exif import exif_dpi, exif_orientation
from textclean.io.guard import check_size, decoder_errors
from textclean.io.raster import LOSSLESS, WARNINGS, Raster
from textclean.types import Metadata

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from textclean.types import Mode

_SOI, _EOI = b"\xff\xd8", b"\xff\xd9"
_APP0, _APP1, _APP2, _APP14, _APP15, _COM = 0xE0, 0xE1, 0xE2, 0xEE, 0xEF, 0xFE
_SOS, _DRI, _DHT, _JPG, _DAC = 0xDA, 0xDD, 0xC4, 0xC8, 0xCC
_ALONE: Final = frozenset({0x01, *range(0xD0, 0xD8)})
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {_DHT, _JPG, _DAC}
_READABLE_FRAMES: Final = frozenset({0xC0, 0xC1, 0xC2, 0xC9, 0xCA})
_PROGRESSIVE: Final = frozenset({0xC2, 0xCA})
_MODES: Final[dict[int, Mode]] = {1: "L", 3: "RGB", 4: "CMYK"}
# Sampling factors of all components -> Pillow's number for it.
_SAMPLINGS: Final = {
    ((1, 1), (1, 1), (1, 1)): 0,
    ((2, 1), (1, 1), (1, 1)): 1,
    ((2, 2), (1, 1), (1, 1)): 2,
}


class _Segment(NamedTuple):
    marker: int
    data: bytes

    @property
    def raw(self) -> bytes:
        return struct.pack(">BBH", 0xFF, self.marker, len(self.data) + 2) + self.data


@dataclass(frozen=True, slots=True)
class _Frame:
    """What comes before the first scan.

    Attributes:
        segments: All segments up to the first scan's header.
        body: Offset of the first scan's header.
        marker: Kind of frame.
        components: Of each component: identifier, sampling factors, number of its table.
    """

    segments: tuple[_Segment, ...]
    body: int
    marker: int
    width: int
    height: int
    components: tuple[tuple[int, tuple[int, int], int], ...]

    def find(self, marker: int, prefix: bytes) -> list[bytes]:
        return [s.data for s in self.segments if s.marker == marker and s.data.startswith(prefix)]

    @property
    def transform(self) -> int | None:
        """The colour transform that an Adobe segment declares, or None."""
        adobe = self.find(_APP14, b"Adobe")
        return adobe[0][11] if adobe and len(adobe[0]) >= 12 else None

    @property
    def keeps_rgb(self) -> bool:
        """Whether three components are RGB, by libjpeg's rules for guessing."""
        if len(self.components) != 3 or self.find(_APP0, b"JFIF\0"):
            return False
        if self.transform is not None:
            return self.transform == 0
        return tuple(c[0] for c in self.components) == tuple(b"RGB")


def decode(data: bytes, max_pixels: int) -> Raster:
    """Decode a JPEG.

    CMYK is taken to be stored inverted, as Adobe writes it and all viewers assume.

    Raises:
        CorruptInputError: Damaged or truncated.
        TooLargeError: More than ``max_pixels``.
        UnsupportedFormatError: Lossless, hierarchical or 12-bit JPEG.
    """
    frame = _frame(data)
    check_size(frame.width, frame.height, max_pixels)
    with decoder_errors("JPEG image"):
        image = _open(frame, data)
        image.load()
        pixels = np.asarray(image)
    mode = _MODES[len(frame.components)]
    if image.mode != mode:
        raise UnsupportedFormatError(f"the JPEG decodes to mode {image.mode}, not {mode}")
    return Raster(pixels=pixels, mode=mode, metadata=_metadata(frame, data))


def encode(original: bytes, pixels: NDArray[Any]) -> bytes:
    """The JPEG with other pixels of the same mode and size.

    Args:
        original: The JPEG that the page was decoded from.
        pixels: ``(H, W)`` or ``(H, W, C)`` uint8, as :func:`decode` gives it.

    Returns:
        A JPEG with the original's tables, sampling, progression, restart interval and metadata.
    """
    frame = _frame(original)
    mode = _MODES[len(frame.components)]
    image = Image.frombytes(mode, (frame.width, frame.height), pixels.tobytes())
    out = io.BytesIO()
    image.save(
        out,
        "JPEG",
        qtables=_tables(frame, _open(frame, original).quantization),
        subsampling=_sampling(frame) or 0,
        progressive=frame.marker in _PROGRESSIVE,
        optimize=True,
        keep_rgb=frame.keeps_rgb,
        restart_marker_blocks=_restart_interval(frame),
    )
    return _with_metadata_of(frame, out.getvalue())


def _open(frame: _Frame, data: bytes) -> JpegImagePlugin.JpegImageFile:
    """The image without its metadata, which Pillow would read and might stumble on.

    Not through Pillow's factory, which checks a global pixel limit and looks for further images.
    """
    needed = [
        segment.raw
        for segment in frame.segments
        if not _is_metadata(segment.marker) or _is_adobe(segment) or _is_jfif(segment)
    ]
    bare = b"".join([_SOI, *needed, data[frame.body :]])
    return JpegImagePlugin.JpegImageFile(io.BytesIO(bare))


def _frame(data: bytes) -> _Frame:
    segments: list[_Segment] = []
    found: tuple[int, bytes] | None = None
    at = 2
    while True:
        marker, at = _next_marker(data, at)
        if marker in _ALONE:
            continue
        if marker == 0xD9 or at + 2 > len(data):
            raise CorruptInputError("the JPEG is cut off: there is no image data in it")
        (length,) = struct.unpack_from(">H", data, at)
        if marker == _SOS:
            break
        if length < 2 or at + length > len(data):
            raise CorruptInputError("the JPEG is cut off inside its header")
        body = data[at + 2 : at + length]
        segments.append(_Segment(marker, body))
        if marker in _FRAMES:
            found = marker, body
        at += length
    if found is None:
        raise CorruptInputError("the JPEG has no frame header")
    width, height, components = _components(*found)
    return _Frame(tuple(segments), at - 2, found[0], width, height, components)


def _next_marker(data: bytes, at: int) -> tuple[int, int]:
    """The next marker and the offset after it; fill bytes and junk before it are skipped."""
    at = data.find(b"\xff", at)
    while 0 <= at < len(data) - 1 and data[at + 1] in (0xFF, 0x00):
        at = data.find(b"\xff", at + 1)
    if at < 0 or at >= len(data) - 1:
        raise CorruptInputError("the JPEG is cut off: there is no image data in it")
    return data[at + 1], at + 2


def _components(
    marker: int, body: bytes
) -> tuple[int, int, tuple[tuple[int, tuple[int, int], int], ...]]:
    if len(body) < 6 or len(body) < 6 + 3 * body[5]:
        raise CorruptInputError("the JPEG's frame header is damaged")
    bits, height, width, count = struct.unpack_from(">BHHB", body)
    if marker not in _READABLE_FRAMES or bits != 8:
        raise UnsupportedFormatError(
            f"the JPEG is of a kind that is not handled (frame {marker:#x}, {bits} bits)",
            remedy="Save it as an 8-bit baseline or progressive JPEG, or as PNG or TIFF",
        )
    if count not in _MODES:
        raise UnsupportedFormatError(f"the JPEG has {count} components; 1, 3 and 4 are handled")
    parts = (body[6 + 3 * i : 9 + 3 * i] for i in range(count))
    return width, height, tuple((p[0], (p[1] >> 4, p[1] & 15), p[2]) for p in parts)


def _tables(frame: _Frame, known: dict[int, list[int]]) -> list[list[int]]:
    """Quantization tables in the order of the components, as Pillow's encoder assigns them."""
    if _is_ycck(frame):
        # Pillow writes CMYK: the coarse chroma tables must not fall on the magenta plate.
        return [known[frame.components[0][2]]]
    tables = [known[table] for _, _, table in frame.components]
    # The encoder gives the last table to all components that are left.
    while len(tables) > 1 and tables[-1] == tables[-2]:
        tables.pop()
    return tables


def _is_ycck(frame: _Frame) -> bool:
    return len(frame.components) == 4 and frame.transform == 2


def _sampling(frame: _Frame) -> int | None:
    """Pillow's number of the chroma sampling, or None when it has none for it."""
    factors = tuple(factor for _, factor, _ in frame.components)
    if len(factors) == 3:
        return _SAMPLINGS.get(factors)
    # All plates alike is full sampling, whatever the number. One component is always alike.
    return 0 if len(set(factors)) == 1 else None


def _restart_interval(frame: _Frame) -> int:
    data = frame.find(_DRI, b"")
    return int.from_bytes(data[-1][:2], "big") if data else 0


def _with_metadata_of(frame: _Frame, encoded: bytes) -> bytes:
    """The encoded image between the source's own metadata segments."""
    new = _frame(encoded)
    # The Adobe segment says how the components are to be read: it must fit the new data.
    adobe = new.find(_APP14, b"Adobe")
    kept = [
        s
        for s in frame.segments
        if _is_metadata(s.marker) and not _is_index(s) and not (adobe and _is_adobe(s))
    ]
    coding = [s for s in new.segments if not _is_metadata(s.marker) or _is_adobe(s)]
    parts = [s.raw for s in (*kept, *coding)]
    return b"".join([_SOI, *parts, encoded[new.body :]])


def _is_metadata(marker: int) -> bool:
    return _APP0 <= marker <= _APP15 or marker == _COM


def _is_adobe(segment: _Segment) -> bool:
    return segment.marker == _APP14 and segment.data.startswith(b"Adobe")


def _is_jfif(segment: _Segment) -> bool:
    return segment.marker == _APP0 and segment.data.startswith(b"JFIF\0")


def _is_index(segment: _Segment) -> bool:
    """The index of further images behind the first; its offsets would be wrong."""
    return segment.marker == _APP2 and segment.data.startswith(b"MPF\0")


def _metadata(frame: _Frame, data: bytes) -> Metadata:
    exif = frame.find(_APP1, b"Exif\0\0")
    block = exif[0][6:] if exif else None
    return Metadata(
        format="JPEG",
        icc=_profile(frame.find(_APP2, b"ICC_PROFILE\0")),
        exif=block,
        dpi=_dpi(frame.find(_APP0, b"JFIF\0")) or exif_dpi(block),
        orientation=exif_orientation(block),
        extra={LOSSLESS: False, WARNINGS: tuple(_warnings(frame, data))},
    )


def _profile(parts: Sequence[bytes]) -> bytes | None:
    """An ICC profile from its numbered segments."""
    ordered = sorted((p for p in parts if len(p) > 14), key=lambda p: p[12])
    return b"".join(p[14:] for p in ordered) or None


def _dpi(jfif: Sequence[bytes]) -> tuple[float, float] | None:
    if not jfif or len(jfif[0]) < 12:
        return None
    unit, x, y = struct.unpack_from(">BHH", jfif[0], 7)
    scale = {1: 1.0, 2: 2.54}.get(unit)
    return (x * scale, y * scale) if scale and x and y else None


def _warnings(frame: _Frame, data: bytes) -> list[str]:
    found = ["JPEG: pixels outside the mask may change by rounding when the page is written"]
    end = data.find(_EOI, frame.body)
    if end >= 0 and data[end + 2 :].strip(b"\0\r\n "):
        found.append("JPEG: what follows the image in the file is not taken over")
    if _is_ycck(frame):
        found.append("JPEG: YCCK colours come back as CMYK")
    if _sampling(frame) is None:
        found.append("JPEG: the unusual chroma sampling comes back as full sampling")
    return found
