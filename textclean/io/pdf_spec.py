"""How the samples of a PDF image XObject are to be read: colours, depth, filters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pikepdf

from textclean.errors import CorruptInputError
from textclean.io.guard import check_size
from textclean.io.pdf_page import mapping
from textclean.native import to_rgb

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from textclean.types import Mode

DCT, FAX, FLATE, JPX, JBIG2 = (
    "/DCTDecode",
    "/CCITTFaxDecode",
    "/FlateDecode",
    "/JPXDecode",
    "/JBIG2Decode",
)
_ABBREVIATIONS: Final = {"/DCT": DCT, "/CCF": FAX, "/Fl": FLATE}
_FAMILIES: Final = {"/G": "grey", "/DeviceGray": "grey", "/CalGray": "grey"} | {
    "/RGB": "rgb", "/DeviceRGB": "rgb", "/CalRGB": "rgb", "/CMYK": "cmyk", "/DeviceCMYK": "cmyk",
}  # fmt: skip
_COMPONENTS: Final = {"grey": 1, "rgb": 3, "cmyk": 4, "indexed": 1}
_PALETTE_MODES: Final[dict[int, Mode]] = {1: "L", 3: "RGB", 4: "CMYK"}
_BY_COMPONENTS: Final = {1: "grey", 3: "rgb", 4: "cmyk"}
_DEPTHS: Final = {
    "grey": (1, 2, 4, 8, 16),
    "rgb": (8, 16),
    "cmyk": (8,),
    "indexed": (1, 2, 4, 8),
}
_PARAMETERS: Final = (
    "/Predictor",
    "/Colors",
    "/BitsPerComponent",
    "/Columns",
    "/K",
    "/BlackIs1",
    "/EncodedByteAlign",
    "/ColorTransform",
)

Filter = tuple[str, dict[str, int]]
"""A filter's name and its parameters, as far as they are numbers."""


class NotExactError(Exception):
    """The image cannot be read and written back exactly; its message says why."""


@dataclass(frozen=True, slots=True, eq=False)
class ImageSpec:
    """How an image's samples are to be read.

    Attributes:
        width: In pixels.
        height: In pixels.
        bits: Bits of a sample.
        family: "grey", "rgb", "cmyk" or "indexed".
        palette: ``(N, 3)`` uint8 RGB for "indexed".
        inverted: Whether ``/Decode`` runs backwards.
        filters: Names and parameters, outermost first.
        icc: The colour space's profile, or None.
    """

    width: int
    height: int
    bits: int
    family: str
    palette: NDArray[np.uint8] | None
    inverted: bool
    filters: tuple[Filter, ...]
    icc: bytes | None

    @property
    def components(self) -> int:
        """Samples of a pixel."""
        return _COMPONENTS[self.family]

    @property
    def row_bytes(self) -> int:
        """Bytes of a row, packed."""
        return (self.width * self.components * self.bits + 7) // 8

    @property
    def step(self) -> int:
        """Bytes of a pixel, at least one: the distance that PNG filters look back."""
        return max(1, self.components * self.bits // 8)

    @property
    def codec(self) -> str:
        """The last filter, or "" for none."""
        return self.filters[-1][0] if self.filters else ""

    @property
    def mode(self) -> Mode:
        """Mode of the page that the image makes."""
        if self.family == "indexed" or (self.family == "grey" and self.bits in (2, 4)):
            return "P"
        if self.family == "grey":
            return "1" if self.bits == 1 else "I;16" if self.bits == 16 else "L"
        if self.family == "cmyk":
            return "CMYK"
        return "RGB;16" if self.bits == 16 else "RGB"


def read_spec(image: pikepdf.Object, max_pixels: int) -> ImageSpec:
    """The reading of an image XObject.

    Raises:
        CorruptInputError: It has no pixels or no palette.
        NotExactError: Something that could not be written back exactly.
        TooLargeError: More than ``max_pixels``.
    """
    try:
        return _read_spec(image, max_pixels)
    except (AttributeError, KeyError, TypeError, ValueError, pikepdf.PdfError) as error:
        raise NotExactError(f"a malformed dictionary: {error}") from None


def _read_spec(image: pikepdf.Object, max_pixels: int) -> ImageSpec:
    width, height = int(image.get("/Width", 0)), int(image.get("/Height", 0))
    check_size(width, height, max_pixels)
    stencil = bool(image.get("/ImageMask", False))
    family, palette, icc = ("grey", None, None) if stencil else _colors(image.get("/ColorSpace"))
    filters = _filters(image)
    codec = filters[-1][0] if filters else ""
    bits = 1 if stencil or codec in (FAX, JBIG2) else int(image.get("/BitsPerComponent", 8))
    if codec in (DCT, JPX):
        bits = 8
    if bits not in _DEPTHS[family]:
        raise NotExactError(f"{codec or 'raw'} image of {bits} bits, {family}")
    if (codec in (FAX, JBIG2) and family not in ("grey", "indexed")) or (
        codec in (DCT, JPX) and family == "indexed"
    ):
        raise NotExactError(f"{codec} with {family} colours")
    decode_array = [float(v) for v in image.get("/Decode", ())]
    inverted = _is_inverted(decode_array, family, bits)
    return ImageSpec(width, height, bits, family, palette, inverted, filters, icc)


def _filters(image: pikepdf.Object) -> tuple[Filter, ...]:
    names, parms = image.get("/Filter"), image.get("/DecodeParms", image.get("/DP"))
    listed = list(names) if isinstance(names, pikepdf.Array) else [names]
    given = list(parms) if isinstance(parms, pikepdf.Array) else [parms]
    found = [_ABBREVIATIONS.get(str(n), str(n)) for n in listed if n is not None]
    given += [None] * (len(found) - len(given))
    return tuple((name, _numbers(given[index])) for index, name in enumerate(found))


def _numbers(parms: Any) -> dict[str, int]:
    """The numbers and truth values among a filter's parameters."""
    known = mapping(parms)
    return {key: int(known[key]) for key in _PARAMETERS if key in known}


def _colors(space: Any) -> tuple[str, NDArray[np.uint8] | None, bytes | None]:
    """Family, palette and profile of a colour space."""
    parts = list(space) if isinstance(space, pikepdf.Array) else [space]
    if not parts or not isinstance(parts[0], pikepdf.Name):
        raise NotExactError("no colour space")
    kind, rest = str(parts[0]), parts[1:]
    if kind in _FAMILIES:
        return _FAMILIES[kind], None, None
    if kind == "/ICCBased" and rest:
        family = _BY_COMPONENTS.get(int(rest[0].get("/N", 0)))
        if family is None:
            raise NotExactError("an ICC profile of an unusual number of colours")
        return family, None, bytes(rest[0].read_bytes())
    if kind in ("/Indexed", "/I") and len(rest) == 3:
        return "indexed", _palette(*rest), None
    raise NotExactError(f"colours are {kind[1:]}")


def _palette(base: Any, highest: Any, lookup: Any) -> NDArray[np.uint8]:
    family, inner, _ = _colors(base)
    if inner is not None:
        raise NotExactError("a palette of palettes")
    table = lookup.read_bytes() if isinstance(lookup, pikepdf.Stream) else bytes(lookup)
    components = _COMPONENTS[family]
    count = min(int(highest) + 1, 256, len(table) // components)
    if count < 1:
        raise CorruptInputError("the PDF image has no usable palette")
    colors = np.frombuffer(table[: count * components], np.uint8).reshape(1, count, components)
    mode = _PALETTE_MODES[components]
    return np.array(to_rgb(colors[..., 0] if mode == "L" else colors, mode)[0])


def _is_inverted(decode_array: Sequence[float], family: str, bits: int) -> bool:
    if not decode_array:
        return False
    if family == "indexed":
        if decode_array == [0.0, 2.0**bits - 1]:
            return False
    else:
        pairs = list(zip(decode_array[::2], decode_array[1::2], strict=False))
        if len(pairs) >= _COMPONENTS[family] and len(set(pairs)) == 1:
            if pairs[0] == (0.0, 1.0):
                return False
            if pairs[0] == (1.0, 0.0):
                return True
    raise NotExactError("an unusual /Decode")
