"""JPEG: decoded by Pillow; written by changing the touched blocks and nothing else.

Re-encoding a JPEG is never lossless, so it is the last resort, for files whose coefficients cannot
be read here (:mod:`textclean.io.jpeg_splice`): then with the source's own quantization tables and
chroma sampling, from which most pixels fall back onto nearly the same coefficients. All metadata
segments are the source's, byte for byte, either way.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image, JpegImagePlugin

from textclean.errors import PageError, UnsupportedFormatError
from textclean.io.differences import Differences
from textclean.io.exif import exif_dpi, exif_orientation
from textclean.io.guard import check_size, decoder_errors
from textclean.io.jpeg_frame import (
    APP0,
    APP1,
    APP2,
    APP14,
    EOI,
    SOI,
    Frame,
    NotSpliceable,
    read_frame,
)
from textclean.io.jpeg_splice import reach_of, splice
from textclean.io.notes import note
from textclean.io.raster import LOSSLESS, WARNINGS, Raster
from textclean.types import Metadata

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from textclean.types import Mask

# Sampling factors of all components -> Pillow's number for it.
_SAMPLINGS: Final = {
    ((1, 1), (1, 1), (1, 1)): 0,
    ((2, 1), (1, 1), (1, 1)): 1,
    ((2, 2), (1, 1), (1, 1)): 2,
}


def decode(data: bytes, max_pixels: int) -> Raster:
    """Decode a JPEG.

    CMYK is taken to be stored inverted, as Adobe writes it and all viewers assume.

    Raises:
        CorruptInputError: Damaged or truncated.
        TooLargeError: More than ``max_pixels``.
        UnsupportedFormatError: Lossless, hierarchical or 12-bit JPEG.
    """
    frame = read_frame(data)
    check_size(frame.width, frame.height, max_pixels)
    return Raster(_pixels(frame, data), frame.mode, metadata=_metadata(frame, data))


def _pixels(frame: Frame, data: bytes) -> NDArray[np.uint8]:
    with decoder_errors("JPEG image"):
        image = _open(frame, data)
        image.load()
        pixels = np.asarray(image)
    if image.mode != frame.mode:
        raise UnsupportedFormatError(f"the JPEG decodes to mode {image.mode}, not {frame.mode}")
    return pixels


@dataclass(frozen=True, slots=True, eq=False)
class Rewritten:
    """A JPEG with other pixels.

    Attributes:
        data: The file.
        raster: What it decodes to.
        differs: The pixels that decode differently than the original's.
        spliced: Whether none of those lie outside the blocks that changed pixels touch.
    """

    data: bytes
    raster: Raster
    differs: Differences
    spliced: bool = True


def encode(
    original: bytes, before: Raster, pixels: NDArray[Any], chosen: Differences | None = None
) -> Rewritten:
    """The JPEG with other pixels of the same mode and size.

    Blocks without a pixel that differs from the original's keep their coefficients. What was
    written is decoded again: nothing else may have changed.

    Args:
        original: The JPEG that the page was decoded from.
        before: What it decodes to.
        pixels: ``(H, W)`` or ``(H, W, C)`` uint8, as :func:`decode` gives it.
        chosen: Where they differ from those; None = it is looked for.

    Returns:
        A JPEG with the original's tables, sampling, progression, restart interval and metadata.
    """
    if chosen is None:
        chosen = Differences.of(before.pixels, pixels)
    if not len(chosen.groups):
        return Rewritten(original, before, chosen)
    try:
        return _spliced(original, before, pixels, chosen.mask)
    except NotSpliceable as reason:
        note(f"JPEG: the whole page was encoded again, because {reason}")
        data = _encoded_again(original, pixels)
        raster = decode(data, pixels.size)
        if raster.mode != before.mode or raster.pixels.shape != before.pixels.shape:
            raise PageError("the page cannot be encoded as it was; it was not written") from None
        differs = Differences.of(before.pixels, raster.pixels)
        return Rewritten(data, raster, differs, spliced=False)


def touched(original: bytes, mask: Mask) -> Mask:
    """The pixels that may decode differently when those under a mask are changed.

    Args:
        original: A JPEG.
        mask: ``(H, W)`` bool, as stored.

    Returns:
        ``(H, W)`` bool: the 8x8 blocks of every component under the mask, and one pixel more around
        those of coarser sampled components; everything when the sampling is too odd to tell.
    """
    try:
        return reach_of(read_frame(original), mask)
    except NotSpliceable:
        return np.ones_like(mask)


def _spliced(original: bytes, before: Raster, pixels: NDArray[Any], chosen: Mask) -> Rewritten:
    """The JPEG with new coefficients in the touched blocks.

    Raises:
        NotSpliceable: It cannot be done, or a pixel elsewhere would change (a decoder smooths
            progressive images of which scans are missing).
    """
    data, reach = splice(original, pixels, chosen)
    for decoded in (_decoded_quickly, _decoded):
        after = decoded(data, before)
        if after is None:
            continue
        differs = Differences.of(before.pixels, after.pixels)
        if not differs.outside(reach).any():
            return Rewritten(data, after, differs)
    raise NotSpliceable("its scans are not complete")


def _decoded(data: bytes, before: Raster) -> Raster:
    frame = read_frame(data)
    check_size(frame.width, frame.height, before.pixels.size)
    return Raster(_pixels(frame, data), frame.mode, metadata=before.metadata)


def _decoded_quickly(data: bytes, before: Raster) -> Raster | None:
    """What a JPEG with other pixels decodes to, by OpenCV, which hands over what it decodes as is.

    It is as good a witness as Pillow where both agree on all that was not to change.

    Returns:
        The raster; None where OpenCV cannot give it in its own mode.
    """
    import cv2

    flags = {"L": "IMREAD_GRAYSCALE", "RGB": "IMREAD_COLOR_RGB"}
    flag = getattr(cv2, flags.get(before.mode, ""), None)
    if flag is None:
        return None
    coded = np.frombuffer(data, np.uint8)
    try:
        pixels = cv2.imdecode(coded, flag | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:
        return None
    if pixels is None or pixels.shape != before.pixels.shape:
        return None
    return Raster(pixels, before.mode, metadata=before.metadata)


def _encoded_again(original: bytes, pixels: NDArray[Any]) -> bytes:
    frame = read_frame(original)
    if frame.is_ycck:
        note("JPEG: YCCK colours come back as CMYK")
    if _sampling(frame) is None:
        note("JPEG: the unusual chroma sampling comes back as full sampling")
    image = Image.frombytes(frame.mode, (frame.width, frame.height), pixels.tobytes())
    tables = _tables(frame, _open(frame, original).quantization)

    def saved(*, whole: bool) -> bytes:
        out = io.BytesIO()
        image.save(
            out,
            "JPEG",
            qtables=tables,
            subsampling=_sampling(frame) or 0,
            progressive=frame.progressive and whole,
            optimize=whole,
            keep_rgb=frame.keeps_rgb,
            restart_marker_blocks=frame.restart_interval,
        )
        return out.getvalue()

    try:
        data = saved(whole=True)
    except OSError:  # noise takes more room than Pillow makes; without, it is written in pieces
        if frame.progressive:
            note("JPEG: the page is too noisy to come back progressive and is a sequential JPEG")
        data = saved(whole=False)
    return _with_metadata_of(frame, data)


def _open(frame: Frame, data: bytes) -> JpegImagePlugin.JpegImageFile:
    """The image without its metadata, which Pillow would read and might stumble on.

    Not through Pillow's factory, which checks a global pixel limit and looks for further images.
    """
    needed = [
        segment.raw
        for segment in frame.segments
        if not segment.is_metadata or segment.is_adobe or segment.is_jfif
    ]
    bare = b"".join([SOI, *needed, data[frame.body :]])
    return JpegImagePlugin.JpegImageFile(io.BytesIO(bare))


def _tables(frame: Frame, known: dict[int, list[int]]) -> list[list[int]]:
    """Quantization tables in the order of the components, as Pillow's encoder assigns them."""
    if frame.is_ycck:
        # Pillow writes CMYK: the coarse chroma tables must not fall on the magenta plate.
        return [known[frame.components[0].table]]
    tables = [known[part.table] for part in frame.components]
    # The encoder gives the last table to all components that are left.
    while len(tables) > 1 and tables[-1] == tables[-2]:
        tables.pop()
    return tables


def _sampling(frame: Frame) -> int | None:
    """Pillow's number of the chroma sampling, or None when it has none for it."""
    factors = tuple((part.across, part.down) for part in frame.components)
    if len(factors) == 3:
        return _SAMPLINGS.get(factors)
    # All plates alike is full sampling, whatever the number. One component is always alike.
    return 0 if len(set(factors)) == 1 else None


def _with_metadata_of(frame: Frame, encoded: bytes) -> bytes:
    """The encoded image between the source's own metadata segments."""
    new = read_frame(encoded)
    # The Adobe segment says how the components are to be read: it must fit the new data.
    adobe = new.find(APP14, b"Adobe")
    kept = [
        s for s in frame.segments if s.is_metadata and not s.is_index and not (adobe and s.is_adobe)
    ]
    coding = [s for s in new.segments if not s.is_metadata or s.is_adobe]
    parts = [s.raw for s in (*kept, *coding)]
    return b"".join([SOI, *parts, encoded[new.body :]])


def _metadata(frame: Frame, data: bytes) -> Metadata:
    exif = frame.find(APP1, b"Exif\0\0")
    block = exif[0][6:] if exif else None
    return Metadata(
        format="JPEG",
        icc=_profile(frame.find(APP2, b"ICC_PROFILE\0")),
        exif=block,
        dpi=_dpi(frame.find(APP0, b"JFIF\0")) or exif_dpi(block),
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


def _warnings(frame: Frame, data: bytes) -> list[str]:
    end = data.find(EOI, frame.body)
    if end >= 0 and data[end + 2 :].strip(b"\0\r\n "):
        return ["JPEG: what follows the image in the file is not taken over"]
    return []
