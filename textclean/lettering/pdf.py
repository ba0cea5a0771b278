"""A page as a PDF with its new text in a layer that can be switched off."""

from __future__ import annotations

import io
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DPI = 300.0


def layered_pdf(
    page: NDArray[np.uint8], layer: NDArray[np.uint8], dpi: tuple[float, float] | None
) -> bytes:
    """One page: the picture, and over it the optional content "Text".

    Args:
        page: ``(H, W, 3)`` uint8 RGB.
        layer: ``(H, W, 4)`` uint8 RGBA.
        dpi: Resolution, or None for 300.
    """
    import pikepdf
    from pikepdf import Array, Dictionary, Name, String

    height, width = page.shape[:2]
    across, down = (
        72 * side / density
        for side, density in zip((width, height), dpi or (_DPI, _DPI), strict=True)
    )
    pdf = pikepdf.new()
    group = pdf.make_indirect(Dictionary(Type=Name.OCG, Name=String("Text")))
    text = _image(pdf, layer[..., :3])
    text.SMask = _image(pdf, layer[..., 3])
    place = f"q {across:.4f} 0 0 {down:.4f} 0 0 cm /%s Do Q"
    content = "\n".join([place % "Page", "/OC /Text BDC", place % "Words", "EMC"])
    sheet = Dictionary(
        Type=Name.Page,
        MediaBox=Array([0, 0, round(across, 4), round(down, 4)]),
        Contents=pdf.make_stream(content.encode()),
        Resources=Dictionary(
            XObject=Dictionary(Page=_image(pdf, page), Words=text),
            Properties=Dictionary(Text=group),
        ),
    )
    pdf.pages.append(pikepdf.Page(pdf.make_indirect(sheet)))
    pdf.Root.OCProperties = Dictionary(
        OCGs=Array([group]), D=Dictionary(ON=Array([group]), Order=Array([group]))
    )
    out = io.BytesIO()
    pdf.save(out, deterministic_id=True)
    return out.getvalue()


def _image(pdf: Any, pixels: NDArray[np.uint8]) -> Any:
    from pikepdf import Name

    stream = pdf.make_stream(zlib.compress(np.ascontiguousarray(pixels).tobytes(), 6))
    stream.Type, stream.Subtype, stream.Filter = Name.XObject, Name.Image, Name.FlateDecode
    stream.Width, stream.Height, stream.BitsPerComponent = pixels.shape[1], pixels.shape[0], 8
    stream.ColorSpace = Name.DeviceRGB if pixels.ndim == 3 else Name.DeviceGray
    return stream
