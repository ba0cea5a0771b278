"""JBIG2 images, decoded by PDFium.

No JBIG2 encoder comes with a free licence and wheels for all systems: such images are read, and
written back as CCITT Group 4.
"""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pikepdf

from textclean.errors import CorruptInputError
from textclean.io.pdf_page import mapping
from textclean.io.render import PDFIUM_LOCK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.io.pdf_spec import ImageSpec

_IMAGE_OBJECTS: Final = 3  # FPDF_PAGEOBJ_IMAGE
_PAGE: Final = 48
_UNKNOWN: Final = 0xFFFFFFFF


def decode_jbig2(image: pikepdf.Object, data: bytes, spec: ImageSpec) -> NDArray[np.uint8]:
    """The packed rows of a JBIG2 image.

    Args:
        image: The image XObject; its symbol dictionary is looked up there.
        data: Its JBIG2 data.
        spec: Its size.

    Returns:
        ``(H, B)`` uint8, a bit a pixel, as the filter gives them: 0 is black.

    Raises:
        CorruptInputError: PDFium cannot decode it.
    """
    import pypdfium2 as pdfium

    _require_whole(data, spec)
    document = _document(image, data, spec)
    with PDFIUM_LOCK:
        try:
            pdf = pdfium.PdfDocument(document)
            try:
                (thing,) = pdf[0].get_objects(filter=[_IMAGE_OBJECTS])
                samples = np.array(thing.get_bitmap().to_numpy())
            finally:
                pdf.close()
        except (pdfium.PdfiumError, ValueError) as error:
            raise CorruptInputError(f"the JBIG2 image is damaged ({error})") from None
    grey = samples[..., 0] if samples.ndim == 3 else samples
    if grey.shape != (spec.height, spec.width):
        raise CorruptInputError("the JBIG2 image is damaged or cut off")
    return np.packbits(grey >= 128, axis=1)


def _require_whole(data: bytes, spec: ImageSpec) -> None:
    """PDFium shows what it cannot decode as blank: the segments are looked through first.

    Segment headers as in ITU-T T.88, 7.2.
    """
    at, pages = 0, 0
    while at < len(data):
        try:
            kind, at, length = _segment(data, at)
        except (IndexError, struct.error):
            raise CorruptInputError("the JBIG2 image is damaged or cut off") from None
        if kind == _PAGE:
            width, height = struct.unpack_from(">II", data.ljust(at + 8, b"\0"), at)
            pages += 1
            if width != spec.width or height not in (spec.height, _UNKNOWN):
                raise CorruptInputError("the JBIG2 image is not of the size that the PDF declares")
        if length == _UNKNOWN:
            break
        at += length
    if at > len(data) or not pages:
        raise CorruptInputError("the JBIG2 image is damaged or cut off")


def _segment(data: bytes, at: int) -> tuple[int, int, int]:
    """Kind of a segment, where its data begin, and their length."""
    number, flags = struct.unpack_from(">IB", data, at)
    at += 5
    count = data[at] >> 5
    if count == 7:
        count = int.from_bytes(data[at : at + 4], "big") & 0x1FFFFFFF
        at += 4 + (count + 8) // 8
    else:
        at += 1
    at += count * (1 if number <= 256 else 2 if number <= 65536 else 4)
    at += 4 if flags & 0x40 else 1
    (length,) = struct.unpack_from(">I", data, at)
    return flags & 0x3F, at + 4, length


def _document(image: pikepdf.Object, data: bytes, spec: ImageSpec) -> bytes:
    """A PDF of one page that shows the image in plain black and white."""
    parms = image.get("/DecodeParms", image.get("/DP"))
    last: Any = parms[len(parms) - 1] if isinstance(parms, pikepdf.Array) else parms
    symbols = mapping(last).get("/JBIG2Globals")
    with pikepdf.new() as pdf:
        page = pdf.add_blank_page(page_size=(spec.width, spec.height))
        own = pdf.make_stream(
            data,
            Type=pikepdf.Name.XObject,
            Subtype=pikepdf.Name.Image,
            Width=spec.width,
            Height=spec.height,
            BitsPerComponent=1,
            ColorSpace=pikepdf.Name.DeviceGray,
            Filter=pikepdf.Name.JBIG2Decode,
        )
        if isinstance(symbols, pikepdf.Stream):
            globals_ = pdf.make_stream(bytes(symbols.read_bytes()))
            own.DecodeParms = pikepdf.Dictionary(JBIG2Globals=globals_)
        page.obj.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Im0=own))
        page.obj.Contents = pdf.make_stream(
            f"q {spec.width} 0 0 {spec.height} 0 0 cm /Im0 Do Q".encode("ascii")
        )
        out = io.BytesIO()
        pdf.save(out, compress_streams=False)
    return out.getvalue()
