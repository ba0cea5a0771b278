"""How the samples of a TIFF page are laid out, and what page mode they make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from textclean.errors import CorruptInputError, UnsupportedFormatError
from textclean.io.guard import check_size
from textclean.io.tiff_codec import CODECS, FAX, JPEG, T4_OPTIONS
from textclean.io.tiff_file import STRIP_OFFSETS, TILE_OFFSETS, UNMOVABLE

if TYPE_CHECKING:
    from textclean.io.tiff_file import Ifd, TiffFile
    from textclean.types import Mode

WIDTH, LENGTH, BITS, COMPRESSION, PHOTOMETRIC, FILL_ORDER = 256, 257, 258, 259, 262, 266
SAMPLES, ROWS_PER_STRIP, PLANAR, PREDICTOR, COLOR_MAP = 277, 278, 284, 317, 320
TILE_WIDTH, TILE_LENGTH, INK_SET, EXTRA_SAMPLES, SAMPLE_FORMAT = 322, 323, 332, 338, 339

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK, YCBCR = 0, 1, 2, 3, 5, 6
_BASE: Final = {WHITE_IS_ZERO: 1, BLACK_IS_ZERO: 1, RGB: 3, PALETTE: 1, CMYK: 4, YCBCR: 3}
_DEPTHS: Final = {
    WHITE_IS_ZERO: (1, 2, 4, 8, 16),
    BLACK_IS_ZERO: (1, 2, 4, 8, 16),
    RGB: (8, 16),
    PALETTE: (1, 2, 4, 8),
    CMYK: (8,),
    YCBCR: (8,),
}
_COLORS: Final = {4: "transparency mask", 8: "CIE L*a*b*", 9: "ICC L*a*b*", 10: "ITU L*a*b*"}


@dataclass(frozen=True, slots=True)
class Layout:
    """The layout of one page.

    Attributes:
        width: In pixels.
        height: In pixels.
        bits: Bits of a sample.
        samples: Samples of a pixel, extra ones included.
        alpha: Meaning of the first extra sample: 0 unknown, 1 premultiplied alpha, 2 alpha; None
            without one.
        photometric: Colour model.
        compression: TIFF compression.
        predictor: 1 none, 2 horizontal differences.
        planar: Whether each sample has its own plane.
        block_width: Pixels of a strip's or tile's row.
        block_rows: Rows of a strip or tile.
        tiled: Whether the blocks are tiles.
        reversed_bits: Whether FillOrder is 2.
        t4_options: T4Options.
    """

    width: int
    height: int
    bits: int
    samples: int
    alpha: int | None
    photometric: int
    compression: int
    predictor: int
    planar: bool
    block_width: int
    block_rows: int
    tiled: bool
    reversed_bits: bool
    t4_options: int

    @property
    def channels(self) -> int:
        """Samples of a pixel in one plane."""
        return 1 if self.planar else self.samples

    @property
    def planes(self) -> int:
        """Planes that are stored one after the other."""
        return self.samples if self.planar else 1

    @property
    def across(self) -> int:
        """Blocks side by side."""
        return -(-self.width // self.block_width)

    @property
    def down(self) -> int:
        """Blocks one below the other."""
        return -(-self.height // self.block_rows)

    @property
    def row_bytes(self) -> int:
        """Bytes of a row of a block."""
        return (self.block_width * self.channels * self.bits + 7) // 8

    @property
    def base(self) -> int:
        """Samples that are colour."""
        return _BASE[self.photometric]

    @property
    def has_alpha(self) -> bool:
        """Whether the first extra sample is an alpha channel."""
        return self.alpha in (1, 2)

    @property
    def mode(self) -> Mode:
        """Mode of the page; samples beyond it are handed through."""
        wide = self.bits == 16
        if self.photometric == CMYK:
            return "CMYK"
        if self.photometric in (RGB, YCBCR):
            if self.has_alpha:
                return "RGBA;16" if wide else "RGBA"
            return "RGB;16" if wide else "RGB"
        if self.photometric == PALETTE or self.bits in (2, 4):
            return "PA" if self.has_alpha else "P"
        if self.bits == 1:
            return "1"
        if self.has_alpha:
            return "LA;16" if wide else "LA"
        return "I;16" if wide else "L"


def declared_size(file: TiffFile, ifd: Ifd) -> tuple[int, int]:
    """Width and height that a directory declares; 0 where it does not.

    Raises:
        CorruptInputError: They are no numbers.
    """
    tags = _Numbers(file, ifd)
    return tags.one(WIDTH, 0), tags.one(LENGTH, 0)


def read_layout(file: TiffFile, ifd: Ifd, max_pixels: int) -> Layout:
    """The layout of a page that can be read and written exactly.

    Raises:
        CorruptInputError: Contradictory tags.
        TooLargeError: More than ``max_pixels``.
        UnsupportedFormatError: Samples, colours or a compression that are not handled.
    """
    tags = _Numbers(file, ifd)
    width, height = tags.one(WIDTH, 0), tags.one(LENGTH, 0)
    check_size(width, height, max_pixels)
    samples = tags.one(SAMPLES, 1)
    bits = tags.all(BITS, (1,))
    tiled = TILE_OFFSETS in ifd.tags
    extra = tags.all(EXTRA_SAMPLES, ())
    compression = tags.one(COMPRESSION, 1)
    # The tag is required; fax software that leaves it out means black on white paper.
    photometric = tags.one(PHOTOMETRIC, WHITE_IS_ZERO if compression in FAX else BLACK_IS_ZERO)
    base = _BASE.get(photometric, samples)
    layout = Layout(
        width=width,
        height=height,
        bits=bits[0],
        samples=samples,
        alpha=(extra[0] if extra else 0) if samples > base else None,
        photometric=photometric,
        compression=compression,
        predictor=tags.one(PREDICTOR, 1),
        planar=tags.one(PLANAR, 1) == 2 and samples > 1,
        block_width=tags.one(TILE_WIDTH, width) if tiled else width,
        block_rows=tags.one(TILE_LENGTH, 0)
        if tiled
        else min(height, tags.one(ROWS_PER_STRIP, height)),
        tiled=tiled,
        reversed_bits=tags.one(FILL_ORDER, 1) == 2,
        t4_options=tags.one(T4_OPTIONS, 0),
    )
    _refuse_unhandled(layout, bits, tags)
    _refuse_contradictory(layout, ifd)
    return layout


class _Numbers:
    """Whole-number tags of a directory, with defaults."""

    def __init__(self, file: TiffFile, ifd: Ifd) -> None:
        self._file = file
        self._ifd = ifd

    def all(self, number: int, default: tuple[int, ...]) -> tuple[int, ...]:
        tag = self._ifd.tags.get(number)
        return self._file.order.values(tag) if tag is not None and tag.count else default

    def one(self, number: int, default: int) -> int:
        return self.all(number, (default,))[0]


def _refuse_unhandled(layout: Layout, bits: tuple[int, ...], tags: _Numbers) -> None:
    photometric, compression = layout.photometric, layout.compression
    if photometric not in _BASE:
        name = _COLORS.get(photometric, f"colour model {photometric}")
        raise _unsupported(f"its colours are {name}")
    if compression != JPEG and compression not in CODECS:
        raise _unsupported(f"its compression is of type {compression}")
    if photometric == YCBCR and compression != JPEG:
        raise _unsupported("its colours are YCbCr without JPEG compression")
    formats = tags.all(SAMPLE_FORMAT, (1,))
    if set(formats) - {1, 4}:
        raise _unsupported("its samples are signed or floating-point numbers")
    if len(set(bits)) > 1 or layout.bits not in _DEPTHS[photometric]:
        shown = ", ".join(map(str, bits))
        raise _unsupported(f"its samples have {shown} bits")
    if layout.samples > 1 and layout.bits < 8:
        raise _unsupported("it has several channels of less than 8 bits")
    if compression in FAX and (layout.bits, layout.samples) != (1, 1):
        raise CorruptInputError("the TIFF's fax compression does not go with its samples")
    if layout.predictor not in (1, 2) or (layout.predictor == 2 and layout.bits < 8):
        raise _unsupported(f"its predictor is {layout.predictor}")
    if photometric == CMYK and tags.one(INK_SET, 1) != 1:
        raise _unsupported("its inks are not CMYK")
    if photometric == CMYK and layout.has_alpha:
        raise _unsupported("it is CMYK with alpha")
    if compression == JPEG and layout.samples != layout.base:
        raise _unsupported("it is JPEG-compressed with extra channels")


def _refuse_contradictory(layout: Layout, ifd: Ifd) -> None:
    offsets = {TILE_OFFSETS, STRIP_OFFSETS} & ifd.tags.keys()
    if layout.samples < layout.base or layout.block_rows < 1 or layout.block_width < 1:
        raise CorruptInputError("the TIFF's tags contradict each other")
    if not offsets or len(ifd.blocks) != layout.planes * layout.across * layout.down:
        raise CorruptInputError("the TIFF does not have as many strips as its size needs")
    if layout.tiled and layout.block_width * layout.block_rows > 2**26:
        raise CorruptInputError("the TIFF declares absurdly large tiles")
    if UNMOVABLE & ifd.tags.keys():
        raise _unsupported("it carries old-style JPEG tags")


def _unsupported(why: str) -> UnsupportedFormatError:
    return UnsupportedFormatError(
        f"the TIFF page is not handled: {why}",
        remedy="Convert it to 8 or 16-bit grey, RGB or CMYK with LZW or Deflate compression",
    )
