"""Fax data and JPEG 2000 images of a PDF, as far as they can be written back exactly."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image, Jpeg2KImagePlugin

from textclean.errors import CorruptInputError
from textclean.io.guard import decoder_errors
from textclean.io.pdf_spec import ImageSpec, NotExactError
from textclean.io.tiff_codec import CCITT_G3, CCITT_G4, decode_blocks

if TYPE_CHECKING:
    from numpy.typing import NDArray

_J2K_START: Final = b"\xff\x4f\xff\x51"


def decode_fax(data: bytes, spec: ImageSpec) -> NDArray[np.uint8]:
    """``(H, B)`` uint8 packed rows of fax data; 1 = white, as ``/Decode`` expects it."""
    parms = spec.filters[-1][1]
    k = parms.get("/K", 0)
    if k >= 0 and int.from_bytes(data[:2], "big") >> 4 != 1 and data[:2] != b"\x00\x01":
        # libtiff needs the line marks (eleven zeros and a one) that PDF does not.
        raise NotExactError("Group 3 fax data without line marks")
    if parms.get("/Columns", 1728) != spec.width or parms.get("/EncodedByteAlign"):
        raise NotExactError("fax data with unusual parameters")
    rows = decode_blocks(
        [data],
        compression=CCITT_G4 if k < 0 else CCITT_G3,
        rows=[spec.height],
        row_bytes=spec.row_bytes,
        width=spec.width,
        t4_options=1 if k > 0 else 0,
    )
    return rows if parms.get("/BlackIs1") else ~rows


def decode_jpx(data: bytes, spec: ImageSpec) -> NDArray[np.uint8]:
    """``(H, W)`` or ``(H, W, C)`` uint8 samples of a JPEG 2000 image."""
    _require_plain_jpx(data, spec)
    with decoder_errors("JPEG 2000 image"):
        image = Jpeg2KImagePlugin.Jpeg2KImageFile(io.BytesIO(data))
        image.load()
        samples = np.asarray(image)
    if image.mode != {"grey": "L", "rgb": "RGB"}.get(spec.family):
        raise NotExactError(f"a JPEG 2000 image of mode {image.mode}")
    return samples


def _require_plain_jpx(data: bytes, spec: ImageSpec) -> None:
    """Unsigned 8-bit components in full resolution, of the declared size (SIZ marker segment)."""
    at = data.find(_J2K_START)
    siz = data[at + 4 :] if at >= 0 else b""
    if len(siz) < 38 + 3 * spec.components:
        raise CorruptInputError("the JPEG 2000 image is damaged or cut off")
    right, bottom, left, top = (int.from_bytes(siz[i : i + 4], "big") for i in (4, 8, 12, 16))
    count = int.from_bytes(siz[36:38], "big")
    if (right - left, bottom - top) != (spec.width, spec.height):
        raise NotExactError("a JPEG 2000 image of another size than the PDF declares")
    if siz[38 : 38 + 3 * count] != b"\x07\x01\x01" * spec.components:
        raise NotExactError("a JPEG 2000 image of unusual components")


def encode_jpx(original: bytes, pixels: NDArray[Any]) -> bytes:
    """A JPEG 2000 image without loss, in a file or bare, as the original is."""
    mode = "L" if pixels.ndim == 2 else "RGB"
    image = Image.frombytes(mode, (pixels.shape[1], pixels.shape[0]), pixels.tobytes())
    out = io.BytesIO()
    bare = original.startswith(_J2K_START)
    image.save(out, "JPEG2000", irreversible=False, mct=int(mode == "RGB"), no_jp2=bare)
    return out.getvalue()
