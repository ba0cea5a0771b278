"""How a PDF font cuts strings into characters, and how wide those are.

Only what is needed to tell where each character of a page lies: ISO 32000-1, 9.6 and 9.7. Widths of
the standard fonts, which a file need not carry, are PDFium's.
"""

from __future__ import annotations

import ctypes
import re
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import pikepdf

from textclean.io.pdf_objects import MALFORMED, items
from textclean.io.pdf_page import mapping
from textclean.io.render import PDFIUM_LOCK

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAX_FONTS: Final = 64
# Code spaces of the predefined CMaps that are not of two bytes throughout: the first bytes that
# begin a character of two bytes (ISO 32000-1, table 118; the encodings' own standards).
_LEADS: Final = (
    ("RKSJ", ((0x81, 0x9F), (0xE0, 0xFC))),
    ("EUC", ((0xA1, 0xFE),)),
    ("GBK", ((0x81, 0xFE),)),
    ("GBpc", ((0xA1, 0xFC),)),
    ("B5", ((0xA1, 0xFE),)),
    ("ETen", ((0xA1, 0xFE),)),
    ("HKscs", ((0x87, 0xFE),)),
    ("KSCms", ((0x81, 0xFE),)),
    ("KSCpc", ((0xA1, 0xFD),)),
)
_HEX: Final = rb"<([0-9A-Fa-f\s]+)>\s*"
_SPACES: Final = re.compile(rb"begincodespacerange(.*?)endcodespacerange", re.S)
_RANGES: Final = re.compile(rb"begincidrange(.*?)endcidrange", re.S)
_CHARS: Final = re.compile(rb"begincidchar(.*?)endcidchar", re.S)
_PAIR: Final = re.compile(_HEX + _HEX)
_RANGE: Final = re.compile(_HEX + _HEX + rb"(\d+)")
_CHAR: Final = re.compile(_HEX + rb"(\d+)")
_MAX_CMAP = 2**20


@dataclass(frozen=True, slots=True)
class Character:
    """One character of a string.

    Attributes:
        data: Its bytes in the string.
        advance: How far it moves on, in thousandths of the font size: to the right, or upwards
            (as a negative number) in vertical writing.
        box: Its cell ``(x0, y0, x1, y1)`` about its origin, in thousandths of the font size.
    """

    data: bytes
    advance: float
    box: tuple[float, float, float, float]

    @property
    def spaces(self) -> bool:
        """Whether word spacing applies to it."""
        return self.data == b" "


@dataclass(frozen=True, slots=True, eq=False)
class Font:
    """A font as far as layout goes.

    Attributes:
        composite: Whether it is a Type 0 font.
        vertical: Whether it writes downwards.
        widths: Thousandths of the font size, by code (simple) or by character identifier.
        default: Width of all others.
        lengths: Lengths of codes by their first byte, where they are not all of one length.
        length: Length of all other codes.
        identifiers: Ranges of codes and their first identifier, None = the code itself; a
            range is (bytes of a code, first, last, identifier).
        bottom: Lower edge of the characters, in thousandths.
        top: Their upper edge.
    """

    composite: bool = False
    vertical: bool = False
    widths: dict[int, float] = field(default_factory=dict)
    default: float = 500.0
    lengths: dict[int, int] = field(default_factory=dict)
    length: int = 1
    identifiers: tuple[tuple[int, int, int, int], ...] | None = None
    bottom: float = -250.0
    top: float = 850.0

    def characters(self, text: bytes) -> Iterator[Character]:
        """The characters of a string."""
        at = 0
        while at < len(text):
            size = self.lengths.get(text[at], self.length)
            code = text[at : at + size]
            at += size
            yield self._character(code)

    def _character(self, code: bytes) -> Character:
        number = int.from_bytes(code, "big")
        width = self._width(len(code), number)
        if not self.vertical:
            return Character(code, width, (0.0, self.bottom, width, self.top))
        # The default metrics of vertical writing: the origin is at the middle of the top edge.
        return Character(code, -1000.0, (-width / 2, -1000.0, width / 2, 0.0))

    def _width(self, size: int, code: int) -> float:
        if self.identifiers is None:
            return self.widths.get(code, self.default)
        for length, first, last, identifier in self.identifiers:
            if length == size and first <= code <= last:
                return self.widths.get(identifier + code - first, self.default)
        return self.widths.get(0, self.default)


def read_font(dictionary: Any) -> Font:
    """The layout of a font dictionary; a plausible one where it is malformed."""
    try:
        kind = str(mapping(dictionary).get("/Subtype", ""))
        if kind == "/Type0":
            return _composite(dictionary)
        if kind == "/Type3":
            return _type3(dictionary)
        return _simple(mapping(dictionary))
    except (pikepdf.PdfError, *MALFORMED):
        return Font()


def _simple(font: Any) -> Font:
    descriptor = mapping(font.get("/FontDescriptor"))
    widths = _listed(font)
    if widths:
        return Font(widths=widths, default=float(descriptor.get("/MissingWidth", 0)))
    known = _standard_widths(str(font.get("/BaseFont", "/Helvetica"))[1:])
    return Font(widths=dict(enumerate(known)), default=500.0)


def _type3(font: Any) -> Font:
    """A font whose characters are drawn by content streams, in a coordinate system of its own."""
    across, _, _, up, _, _ = (float(v) for v in font.get("/FontMatrix"))
    box = [float(v) for v in font.get("/FontBBox", ())]
    widths = {code: width * across * 1000 for code, width in _listed(font).items()}
    low, high = (box[1] * up * 1000, box[3] * up * 1000) if len(box) == 4 else (0.0, 0.0)
    if not low < high <= 3000:
        low, high = -250.0, 850.0
    return Font(widths=widths, default=0.0, bottom=low, top=high)


def _listed(font: Any) -> dict[int, float]:
    first = int(font.get("/FirstChar", 0))
    return {first + n: float(width) for n, width in enumerate(items(font.get("/Widths")))}


def _composite(font: Any) -> Font:
    (descendant,) = items(font.get("/DescendantFonts"))
    widths = _identifier_widths(items(mapping(descendant).get("/W")))
    default = float(mapping(descendant).get("/DW", 1000))
    encoding = font.get("/Encoding")
    if isinstance(encoding, pikepdf.Stream):
        vertical = int(encoding.get("/WMode", 0)) == 1
        lengths, identifiers = _embedded(bytes(encoding.read_bytes())[:_MAX_CMAP])
        return Font(True, vertical, widths, default, lengths, 2, identifiers)
    name = str(encoding)[1:]
    vertical = name.endswith("V")
    if name.startswith("Identity"):
        return Font(True, vertical, widths, default, {}, 2)
    # The identifiers of other predefined CMaps are not known here: full width, or half of it for
    # the codes of one byte.
    lengths = _predefined(name)
    halves = {code: 500.0 for code, length in lengths.items() if length == 1}
    return Font(True, vertical, halves, default, lengths, 2)


def _predefined(name: str) -> dict[int, int]:
    """Lengths of a predefined CMap's codes by their first byte; empty = two bytes throughout."""
    if "UCS2" in name or "UTF16" in name or name in ("H", "V"):
        return {}
    for part, leads in _LEADS:
        if part in name:
            return {
                byte: 2 if any(low <= byte <= high for low, high in leads) else 1
                for byte in range(256)
            }
    return {}


def _embedded(
    cmap: bytes,
) -> tuple[dict[int, int], tuple[tuple[int, int, int, int], ...] | None]:
    """Lengths of the codes by their first byte, and their identifiers, of a CMap file."""
    lengths: dict[int, int] = {}
    for block in _SPACES.findall(cmap):
        for low, high in _PAIR.findall(block):
            first, last = bytes.fromhex(low.decode()), bytes.fromhex(high.decode())
            for byte in range(first[0], last[0] + 1):
                lengths.setdefault(byte, len(first))
    ranges = [
        (_length(low), int(low, 16), int(high, 16), int(identifier))
        for block in _RANGES.findall(cmap)
        for low, high, identifier in _RANGE.findall(block)
    ]
    ranges += [
        (_length(code), int(code, 16), int(code, 16), int(identifier))
        for block in _CHARS.findall(cmap)
        for code, identifier in _CHAR.findall(block)
    ]
    return lengths, tuple(ranges) or None


def _length(digits: bytes) -> int:
    return len(bytes.fromhex(digits.decode()))


def _identifier_widths(table: list[Any]) -> dict[int, float]:
    """The ``/W`` array: ``c [w1 w2 ...]`` and ``first last w``."""
    widths: dict[int, float] = {}
    at = 0
    while at + 1 < len(table):
        first, second = int(table[at]), table[at + 1]
        if isinstance(second, pikepdf.Array):
            widths |= {first + n: float(width) for n, width in enumerate(second)}
            at += 2
        elif at + 2 < len(table):
            last = min(int(second), first + 65535)
            widths |= dict.fromkeys(range(first, last + 1), float(table[at + 2]))
            at += 3
        else:
            break
    return widths


@cache
def _standard_widths(name: str) -> tuple[float, ...]:
    """Widths of the 256 codes of one of the 14 standard fonts; of a look-alike for others."""
    import pypdfium2 as pdfium
    import pypdfium2.raw as raw

    name = name.partition("+")[2] or name
    width = ctypes.c_float()
    with PDFIUM_LOCK:
        document = pdfium.PdfDocument.new()
        font = raw.FPDFText_LoadStandardFont(document.raw, name.encode("ascii", "replace"))
        font = font or raw.FPDFText_LoadStandardFont(document.raw, b"Helvetica")
        found = []
        for code in range(256):
            known = font and raw.FPDFFont_GetGlyphWidth(font, code, 1000.0, width)
            found.append(float(width.value) if known else 500.0)
        if font:
            raw.FPDFFont_Close(font)
        document.close()
    return tuple(found)


class FontCache:
    """Fonts that were read lately; pages of a book share theirs."""

    def __init__(self) -> None:
        """An empty cache."""
        self._known: OrderedDict[tuple[int, int], Font] = OrderedDict()

    def get(self, dictionary: Any) -> Font:
        """The layout of a font dictionary."""
        key = dictionary.objgen if isinstance(dictionary, pikepdf.Object) else (0, 0)
        if key == (0, 0):
            return read_font(dictionary)
        if key not in self._known:
            self._known[key] = read_font(dictionary)
            if len(self._known) > _MAX_FONTS:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        return self._known[key]
