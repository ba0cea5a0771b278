"""The samples of a PDF image XObject, in and out, with its filter, depth and colours kept.

Only what can be written back exactly is read here; for the rest :class:`NotExactError` says so and
the page is rendered instead.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pikepdf

from textclean.errors import CorruptInputError
from textclean.io import jpeg
from textclean.io.pdf_codecs import decode_fax, decode_jpx, encode_jpx
from textclean.io.pdf_jbig2 import decode_jbig2
from textclean.io.pdf_spec import (
    DCT,
    FAX,
    FLATE,
    JBIG2,
    JPX,
    ImageSpec,
    NotExactError,
    read_spec,
)
from textclean.io.raster import (
    LOSSLESS,
    WARNINGS,
    Raster,
    grey_palette,
    pack_bits,
    unpack_bits,
)
from textclean.io.scanlines import decode_scanlines, encode_scanlines
from textclean.io.thumbnails import cleared
from textclean.io.tiff_codec import CCITT_G4, encode_blocks
from textclean.types import Metadata

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.io.differences import Differences


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """An image's new stream.

    Attributes:
        data: Its bytes.
        filter: Its filter.
        parms: The filter's parameters, or None.
        jpeg: What a JPEG decodes to, when it was decoded to check it.
        differs: Where that differs from what it decoded to before, or None.
    """

    data: bytes
    filter: pikepdf.Name
    parms: pikepdf.Dictionary | None
    jpeg: Raster | None = None
    differs: Differences | None = None

    def put(self, image: pikepdf.Object) -> None:
        """Make it the stream of an image, whose dictionary keeps all that is not about filters."""
        image.write(self.data, filter=self.filter, decode_parms=self.parms)


def decode(
    image: pikepdf.Object,
    max_pixels: int,
    known: Raster | None = None,
    pixels: NDArray[Any] | None = None,
) -> Raster:
    """Decode an image XObject.

    Args:
        image: The image.
        max_pixels: Images with more pixels are refused before decoding.
        known: What its JPEG decodes to, when that is known.
        pixels: What this has given for the image before: it is not decoded again.

    Raises:
        CorruptInputError: Damaged or truncated.
        NotExactError: It could not be written back exactly.
        TooLargeError: More than ``max_pixels``.
    """
    spec = read_spec(image, max_pixels)
    if pixels is None or pixels.shape[:2] != (spec.height, spec.width):
        pixels = _pixels(image, spec, known)
    palette = spec.palette
    if spec.mode == "P" and palette is None:
        palette = grey_palette(spec.bits)
        palette = palette[::-1].copy() if spec.inverted else palette
    lossless = spec.codec != DCT
    return Raster(
        pixels=pixels,
        mode=spec.mode,
        palette=palette,
        metadata=Metadata(
            format="PDF",
            icc=spec.icc,
            extra={LOSSLESS: lossless, WARNINGS: _warnings(spec)},
        ),
    )


def _pixels(image: pikepdf.Object, spec: ImageSpec, known: Raster | None) -> NDArray[Any]:
    """The native array."""
    samples = _samples(image, spec) if known is None else _samples_of_jpeg(known, spec)
    if spec.inverted and spec.mode != "P":
        samples = _invert(samples, spec)
    return samples.astype(np.bool_) if spec.mode == "1" else samples


def encode(image: pikepdf.Object, pixels: NDArray[Any], before: NDArray[Any]) -> Encoded:
    """The image's stream with other pixels of the same mode and size.

    Args:
        image: The image that the page was decoded from.
        pixels: Native array, as :func:`decode` gives it.
        before: What :func:`decode` gives for ``image``.

    Returns:
        Data in the same filter family (Group 3 and JBIG2 become Group 4; LZW, run-length and
        unfiltered data become Flate), to stand under the image's own dictionary.
    """
    spec = read_spec(image, pixels.shape[0] * pixels.shape[1])
    if spec.inverted and spec.mode != "P":
        pixels, before = _invert(pixels, spec), _invert(before, spec)
    if spec.codec == DCT:
        if spec.family == "cmyk":
            pixels, before = 255 - pixels, 255 - before
        known = Raster(before, spec.mode)
        original = cleared(_unwrapped(image, spec), "PDF")
        written = jpeg.encode(original, known, np.ascontiguousarray(pixels))
        kept = written.raster, written.differs
        return Encoded(written.data, pikepdf.Name.DCTDecode, None, *kept)
    if spec.codec == JPX:
        return Encoded(encode_jpx(_unwrapped(image, spec), pixels), pikepdf.Name.JPXDecode, None)
    rows = _rows(pixels, spec)
    if spec.codec in (FAX, JBIG2):
        return _encode_fax(rows, spec)
    if spec.bits < 8 or spec.family == "indexed":
        return Encoded(zlib.compress(rows.data, 9), pikepdf.Name.FlateDecode, None)
    parms = pikepdf.Dictionary(
        Predictor=15,
        Colors=spec.components,
        BitsPerComponent=spec.bits,
        Columns=spec.width,
    )
    return Encoded(encode_scanlines(rows, spec.step), pikepdf.Name.FlateDecode, parms)


def _invert(samples: NDArray[Any], spec: ImageSpec) -> NDArray[Any]:
    if samples.dtype == np.bool_:
        return ~samples
    top = samples.dtype.type(2**spec.bits - 1)
    inverted: NDArray[Any] = top - samples
    return inverted


def _samples(image: pikepdf.Object, spec: ImageSpec) -> NDArray[Any]:
    """``(H, W)`` or ``(H, W, C)`` samples as stored, ``/Decode`` not applied."""
    if spec.codec == DCT:
        raster = jpeg.decode(_unwrapped(image, spec), spec.width * spec.height)
        return _samples_of_jpeg(raster, spec)
    if spec.codec == JPX:
        return decode_jpx(_unwrapped(image, spec), spec)
    if spec.codec == FAX:
        rows = decode_fax(_unwrapped(image, spec), spec)
    elif spec.codec == JBIG2:
        rows = decode_jbig2(image, _unwrapped(image, spec), spec)
    elif spec.codec == FLATE and len(spec.filters) == 1:
        rows = _inflated(image.read_raw_bytes(), spec)
    else:
        rows = _read_by_qpdf(image, spec)
    if spec.bits < 8:
        return unpack_bits(rows, spec.width * spec.components, spec.bits)
    samples: NDArray[Any] = rows if spec.bits == 8 else rows.view(">u2").astype(np.uint16)
    shape = (spec.height, spec.width, spec.components)
    return samples.reshape(shape[: 2 if spec.components == 1 else 3])


def _rows(pixels: NDArray[Any], spec: ImageSpec) -> NDArray[np.uint8]:
    if spec.bits < 8:
        return pack_bits(pixels.astype(np.uint8), spec.bits)
    if spec.bits == 16:
        pixels = pixels.astype(">u2").view(np.uint8)
    return np.ascontiguousarray(pixels).reshape(spec.height, spec.row_bytes)


def _unwrapped(image: pikepdf.Object, spec: ImageSpec) -> bytes:
    """The data of the last filter; those before it may only be Flate."""
    data = bytes(image.read_raw_bytes())
    for name, parms in spec.filters[:-1]:
        if name != FLATE or parms.get("/Predictor", 1) != 1:
            raise NotExactError(f"filters {name} and {spec.codec}")
        # Compressed data hardly compresses: more than its pixels would take is a bomb.
        data = _inflate(data, spec.width * spec.height * 8 + 2**20, exact=False)
    return data


def _inflate(data: bytes, length: int, *, exact: bool = True) -> bytes:
    try:
        inflated = zlib.decompressobj().decompress(data, length)
    except zlib.error as error:
        raise CorruptInputError(f"the PDF image is damaged ({error})") from None
    if exact and len(inflated) < length:
        raise CorruptInputError("the PDF image is cut off")
    return inflated


def _inflated(data: bytes, spec: ImageSpec) -> NDArray[np.uint8]:
    parms = spec.filters[-1][1]
    predictor = parms.get("/Predictor", 1)
    if predictor > 1:
        told = [parms.get(key, default) for key, default in _PREDICTOR_DEFAULTS]
        if told != [spec.components, spec.bits, spec.width]:
            raise NotExactError("a predictor that does not go with the image")
    if predictor >= 10:
        return decode_scanlines(data, spec.height, spec.row_bytes, spec.step)
    raw = _inflate(data, spec.row_bytes * spec.height)
    rows = np.frombuffer(raw, np.uint8).reshape(spec.height, spec.row_bytes)
    if predictor == 1:
        return rows
    if predictor != 2 or spec.bits < 8:
        raise NotExactError(f"predictor {predictor}")
    kind = np.dtype(">u2") if spec.bits == 16 else np.dtype(np.uint8)
    native: NDArray[Any] = rows.view(kind).astype(kind.newbyteorder("="))
    samples = native.reshape(spec.height, spec.width, spec.components)
    summed = np.cumsum(samples, axis=1, dtype=samples.dtype).astype(kind)
    return summed.view(np.uint8).reshape(spec.height, spec.row_bytes)


_PREDICTOR_DEFAULTS: Final = (("/Colors", 1), ("/BitsPerComponent", 8), ("/Columns", 1))


def _read_by_qpdf(image: pikepdf.Object, spec: ImageSpec) -> NDArray[np.uint8]:
    try:
        raw = bytes(image.read_bytes(pikepdf.StreamDecodeLevel.specialized))
    except (pikepdf.PdfError, NotImplementedError) as error:
        raise NotExactError(f"filters {[name for name, _ in spec.filters]}: {error}") from None
    length = spec.row_bytes * spec.height
    if len(raw) < length:
        raise CorruptInputError("the PDF image is cut off")
    return np.frombuffer(raw[:length], np.uint8).reshape(spec.height, spec.row_bytes)


def _samples_of_jpeg(raster: Raster, spec: ImageSpec) -> NDArray[np.uint8]:
    if "/ColorTransform" in spec.filters[-1][1]:
        raise NotExactError("a JPEG whose colour transform the PDF declares")
    if raster.pixels.shape[:2] != (spec.height, spec.width):
        raise NotExactError("a JPEG of another size than the PDF declares")
    if raster.mode != {"grey": "L", "rgb": "RGB", "cmyk": "CMYK"}[spec.family]:
        raise NotExactError("a JPEG of other colours than the PDF declares")
    # The JPEG reader undoes Adobe's inversion of CMYK; in a PDF it is for /Decode to tell.
    return 255 - raster.pixels if spec.family == "cmyk" else raster.pixels


def _encode_fax(rows: NDArray[np.uint8], spec: ImageSpec) -> Encoded:
    black_is_1 = bool(spec.filters[-1][1].get("/BlackIs1"))
    (data,) = encode_blocks(
        rows if black_is_1 else ~rows,
        compression=CCITT_G4,
        block_rows=spec.height,
        width=spec.width,
    )
    parms = pikepdf.Dictionary(K=-1, Columns=spec.width, Rows=spec.height)
    if black_is_1:
        parms.BlackIs1 = True
    return Encoded(data, pikepdf.Name.CCITTFaxDecode, parms)


def _warnings(spec: ImageSpec) -> tuple[str, ...]:
    if spec.codec == JPX:
        return ("PDF: JPEG 2000 image, it comes back lossless and may be larger",)
    if spec.codec == JBIG2:
        return ("PDF: JBIG2 image, it comes back as CCITT Group 4 and may be larger",)
    return ()
