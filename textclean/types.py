"""The frozen values that travel through the pipeline.

Conventions, everywhere in textclean:

* an *image* is ``(H, W, 3)`` uint8 RGB, a *mask* is ``(H, W)`` bool with True = remove;
* a *polygon* is ``(N, 2)`` float32 of x, y in pixels, origin at the top left corner of the page,
  N >= 3, not closed (the first point is not repeated);
* a *box* is ``(x0, y0, x1, y1)`` in whole pixels, x1 and y1 exclusive.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias, get_args

import numpy as np

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from textclean.lettering.preview import Preview

    PathLike: TypeAlias = str | os.PathLike[str]

Image: TypeAlias = "NDArray[np.uint8]"
Mask: TypeAlias = "NDArray[np.bool_]"
Polygon: TypeAlias = "NDArray[np.float32]"
Box: TypeAlias = tuple[int, int, int, int]

Kind = Literal[
    "bubble", "caption", "free", "sfx", "sign", "handwriting", "highlighter", "stamp", "pen"
]  # fmt: skip
Direction = Literal["horizontal", "vertical"]
Align = Literal["start", "center", "end"]
Action = Literal["fill", "inpaint", "unmix", "keep"]
Texture = Literal["flat", "gradient", "art"]
Mode = Literal[
    "1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "I;16", "LA;16", "RGB;16", "RGBA;16"
]  # fmt: skip

KINDS: tuple[Kind, ...] = get_args(Kind)
ANNOTATION_KINDS: tuple[Kind, ...] = ("handwriting", "highlighter", "stamp", "pen")
"""What people add to a printed page; the other kinds are lettering."""
MODES: tuple[Mode, ...] = get_args(Mode)


@dataclass(frozen=True, slots=True, eq=False)
class Metadata:
    """What a file says about its page besides the pixels, kept byte for byte.

    Attributes:
        format: Container or codec, upper case as Pillow names it ("PNG", "JPEG", "TIFF" ...), or
            None for an array.
        icc: ICC profile, or None.
        exif: Raw EXIF block, or None.
        dpi: Horizontal and vertical resolution in pixels per inch, or None.
        orientation: EXIF orientation, 1 to 8; 1 = as stored.
        extra: What only the codec that read the page understands (quantization tables,
            compression ...), handed back to it when the page is written.
    """

    format: str | None = None
    icc: bytes | None = None
    exif: bytes | None = None
    dpi: tuple[float, float] | None = None
    orientation: int = 1
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Page:
    """One page: the pixels as the file stores them, and the upright RGB view of them.

    Attributes:
        pixels: The native array, as stored (EXIF orientation not applied): ``(H, W)`` or
            ``(H, W, C)``; bool for mode "1", uint16 for the ";16" modes, else uint8. Palette modes
            hold indices. CMYK is 0 = no ink.
        mode: How ``pixels`` is to be read.
        rgb: ``(H', W', 3)`` uint8 RGB, upright, read-only; what detectors and inpainters see.
            Transparent pixels are shown over white.
        palette: ``(N, 3)`` or ``(N, 4)`` uint8 for the palette modes, else None.
        metadata: ICC, EXIF, DPI ...
        source: Name of the document the page is from, for messages.
        name: Name of the page in the document, for messages and reports.
        number: Position in the document, from 1.
    """

    pixels: NDArray[Any]
    mode: Mode
    rgb: Image
    palette: NDArray[np.uint8] | None = None
    metadata: Metadata = field(default_factory=Metadata)
    source: str = ""
    name: str = ""
    number: int = 1

    @classmethod
    def from_rgb(cls, image: Image, *, name: str = "", source: str = "") -> Self:
        """A page around an ``(H, W, 3)`` uint8 RGB image; the image is not copied."""
        view = image.view()
        view.flags.writeable = False
        return cls(pixels=view, mode="RGB", rgb=view, name=name, source=source)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels, upright."""
        return int(self.rgb.shape[1]), int(self.rgb.shape[0])

    @cached_property
    def is_grey(self) -> bool:
        """Whether every pixel of the upright view is a grey."""
        r, g, b = self.rgb[..., 0], self.rgb[..., 1], self.rgb[..., 2]
        return bool(np.array_equal(r, g) and np.array_equal(g, b))


@dataclass(frozen=True, slots=True, eq=False)
class Background:
    """What lies behind the strokes of a region.

    Attributes:
        texture: "flat" (one colour), "gradient" (a linear or quadratic surface) or "art".
        color: Median RGB of the background, 0 to 255.
        spread: Robust standard deviation of the background about its model, in grey levels.
        outliers: Share of background pixels that the model does not explain, 0 to 1.
    """

    texture: Texture
    color: tuple[int, int, int]
    spread: float
    outliers: float


@dataclass(frozen=True, slots=True)
class Lettering:
    """How the text of a region was set, measured from its strokes: what new text can go by.

    Attributes:
        font_size: Size of the type in pixels, as far as pixels tell it: of alphabets, the em of a
            face whose capitals are 0.72 em high (most are; one with lower capitals is larger by
            its own em); of kana, ideographs and hangul, the side of the full-width cell. Ruby
            does not count.
        stroke_width: Width of the strokes in pixels.
        rotation: Angle of the lines to the horizontal (of columns: to the vertical) in degrees,
            clockwise, as the page is seen.
        slant: Angle by which upright strokes lean to the right, in degrees; 0 for columns.
        align: Where the lines begin together: "start" (left; of columns, the top), "center" or
            "end".
        line_count: How many lines or columns, ruby left out.
        line_spacing: Pixels from one line to the next, or None for a single one.
        color: Median RGB of the strokes.
        outline_color: RGB of an outline around the strokes, or None when there is none.
        background_color: Median RGB of what is there now in place of the strokes.
    """

    font_size: float
    stroke_width: float
    rotation: float
    slant: float
    align: Align
    line_count: int
    line_spacing: float | None
    color: tuple[int, int, int]
    outline_color: tuple[int, int, int] | None
    background_color: tuple[int, int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """One block of text: a bubble, a caption, a sign, a sound effect.

    Detectors fill in the first group of attributes, the mask and fill stages the second.

    Attributes:
        polygon: ``(N, 2)`` float32 outline of the block.
        lines: Outlines of its lines (columns, when vertical) in reading order, each ``(N, 2)``.
        kind: What sort of text it is.
        score: Confidence of the detection, 0 to 1.
        direction: Whether its lines run horizontally or vertically.
        text: Recognized text, lines separated by newlines, or None when nothing was recognized.
        language: ISO 639-1 code guessed from the script of ``text``, or None.
        font_size: Estimated height of the glyphs' body in pixels, or None.
        stroke_color: Median RGB of the strokes, or None.
        background: What lies behind the strokes, or None.
        action: What was done, or None while undecided.
        reason: Why, in one line.
        grown: Pixels the stroke mask was grown by.
        confidence: Predicted error of the fill in grey levels (lower is better), or None.
        residual: Score of text still found there after cleaning, 0 to 1; 0 = none found,
            None = not looked at.
        bubble: ``(N, 2)`` float32 outline of the bubble or caption box that the block lies in, or
            None when it lies in none or nobody looked.
        safe_box: A large upright rectangle inside that bubble, off its border and nearer to this
            block than to others in it, where new lettering fits, in whole pixels; None without a
            bubble.
        see_through: Whether the ink may be translucent: what lies beneath still shows in the
            pixels' colour, and they are to be un-mixed rather than filled blindly.
        safe_ellipse: Bounding box of a large upright ellipse there, for text that is set round;
            None without a bubble.
        lettering: How the text was set, or None where it was not removed or cannot be measured.
    """

    polygon: Polygon
    lines: tuple[Polygon, ...] = ()
    kind: Kind = "free"
    score: float = 1.0
    direction: Direction = "horizontal"
    text: str | None = None
    language: str | None = None
    font_size: float | None = None
    stroke_color: tuple[int, int, int] | None = None
    background: Background | None = None
    action: Action | None = None
    reason: str = ""
    grown: int = 0
    confidence: float | None = None
    residual: float | None = None
    bubble: Polygon | None = None
    safe_box: Box | None = None
    see_through: bool = False
    safe_ellipse: Box | None = None
    lettering: Lettering | None = None

    @property
    def box(self) -> Box:
        """The polygon's bounding box, in whole pixels, not clipped to the page."""
        x0, y0 = np.floor(self.polygon.min(axis=0)).astype(int)
        x1, y1 = np.ceil(self.polygon.max(axis=0)).astype(int)
        return int(x0), int(y0), int(x1) + 1, int(y1) + 1

    def with_(self, **changes: Any) -> Region:
        """A copy with some attributes replaced."""
        return replace(self, **changes)


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle of the page that is handed to an inpainter.

    Attributes:
        box: The window on the page, context included, clipped to the page.
        hole: Bounding box of the mask pixels that this window answers for.
    """

    box: Box
    hole: Box


@dataclass(frozen=True, eq=False)
class PageResult:
    """A cleaned page and everything that was decided about it.

    Attributes:
        page: The cleaned page; its pixels are those of the input outside ``mask``, bit for bit.
        mask: ``(H, W)`` bool, as stored (the orientation of ``page.pixels``): pixels that may
            have changed.
        regions: The regions in reading order, also those that were kept; coordinates as stored.
        residual: Regions where text is still found after cleaning.
        seconds: Wall-clock seconds by stage ("detect", "mask", "fill", "verify" ...).
        image: The cleaned page as the caller gave it: array, PIL image, or None when the page
            came through a document.
        versions: Names and versions of what made the result.
        original: The page as it came, where it is known.
    """

    page: Page
    mask: Mask
    regions: tuple[Region, ...]
    residual: tuple[Region, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)
    image: Any = None
    versions: dict[str, str] = field(default_factory=dict)
    original: Page | None = None

    @property
    def changed(self) -> bool:
        """Whether any pixel may have changed."""
        return bool(self.mask.any())

    # What follows needs codecs and fonts: it lives in textclean.results, loaded when it is called.

    def save(self, path: PathLike, *, overwrite: bool = False) -> None:
        """Write the cleaned page; see :func:`textclean.results.save`."""
        from textclean import results

        results.save(self, path, overwrite=overwrite)

    def to_psd(self, path: PathLike, *, per_region: bool = False, overwrite: bool = False) -> None:
        """Write the page as layers; see :func:`textclean.results.to_psd`."""
        from textclean import results

        results.to_psd(self, path, per_region=per_region, overwrite=overwrite)

    def overlay(
        self, texts: Mapping[int, str] | Sequence[str], font: PathLike | None = None
    ) -> Preview:
        """Set texts into the safe areas; see :func:`textclean.results.overlay`."""
        from textclean import results

        return results.overlay(self, texts, font)

    @staticmethod
    def from_files(
        original: PathLike, cleaned: PathLike, regions: PathLike, mask: PathLike | None = None
    ) -> PageResult:
        """A result from what a run has written; see :func:`textclean.results.from_files`."""
        from textclean import results

        return results.from_files(original, cleaned, regions, mask)
