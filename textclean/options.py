"""What a run can be told, and the named profiles; everything is checked once, here."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

from textclean.errors import OptionsError, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Mapping

MaskStyle = Literal["strokes", "polygons"]
ReadingOrder = Literal["auto", "rtl", "ltr"]
SoundEffects = Literal["remove", "keep"]
Profile = Literal["manga", "comic", "document", "annotations"]

SCRUB_ITEMS = (
    "annotations", "thumbnails", "piece-info", "search-index", "alternates", "attachments",
    "xmp-thumbnails", "hidden-text",
)  # fmt: skip
"""What can be scrubbed from a PDF besides the text on its pages."""

SCRUB_USUAL = tuple(item for item in SCRUB_ITEMS if item != "hidden-text")
"""What ``--scrub`` means. Invisible text goes beneath cleaned areas in any case; the item
"hidden-text" is all of it, which makes a scanned book unsearchable."""

MAX_PIXELS = 300_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of one run; frozen, checked when made.

    Made by hand they begin with the defaults below, whatever profile they name; what a profile
    changes, :func:`make_options` knows.

    Attributes:
        profile: Name of the profile the other defaults came from.
        detector: Name of the detector.
        detector_weights: Other detection weights of the detector's family, a path.
        recognizer_weights: Other recognition weights of the detector's family, a path.
        regions: Regions file for the "regions" detector.
        ink: Let the ink network look at every pixel: it finds lettering that the detector missed,
            settles strokes and bubbles, and is what tells annotations from print.
        ink_weights: Other weights for it, a path.
        inpainter: Name of the inpainter, or a path to weights.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".
        offline: Never download anything.
        mask: "strokes" (the pixels of the lettering) or "polygons" (everything inside).
        drawn_mask: A mask that was changed by hand, or a folder of them by page: exactly what it
            shows is removed.
        dilate: Pixels to grow the strokes by; None = judged per region from the image.
        reading_order: "rtl", "ltr" or "auto" (from the direction of the text).
        ocr: Recognize the text.
        min_score: Regions detected with a lower score are kept.
        only: Kinds to remove; empty = all.
        except_: Kinds to keep.
        sfx: "remove" or "keep" sound effects. Most groups letter over them, so comics and manga
            keep them unless asked; ``only=("sfx",)`` asks, too.
        keep_language: Languages (ISO 639-1) whose text is kept.
        keep_text: Regular expression; text in which it is found is kept.
        verify: How often what is still found after cleaning is removed with a larger mask, 0 to 3.
        strict: Text left after that is an error.
        keep_cover: Leave the cover of a document as it is.
        max_pixels: Pages with more pixels are refused before decoding.
        promote: Palette pages (PNG, TIFF) become RGB, so that cleaned pixels need not take the
            nearest entry of the palette.
        allow_lossy: Pages of lossy formats but JPEG come back lossy at high quality; otherwise
            lossless and larger, so that nothing outside the mask changes. (Of a JPEG only the
            touched blocks are encoded again, either way.)
        pdf_renderer: "pdfium" or "poppler", for PDF pages that are not one image.
        pdf_dpi: Resolution at which such pages are rendered; those with images of a higher one
            are rendered at theirs.
        scrub: What is removed from a PDF besides the text on its pages, of :data:`SCRUB_ITEMS`.
        allow_signed: Clean signed PDFs, too; their signatures are removed.
        allow_xfa: Clean XFA forms, too; the program that makes their pages is removed.
    """

    profile: Profile = "manga"
    detector: str = "ppocr"
    detector_weights: str | None = None
    recognizer_weights: str | None = None
    regions: str | None = None
    ink: bool = True
    ink_weights: str | None = None
    inpainter: str = "auto"
    device: str = "auto"
    offline: bool = False
    mask: MaskStyle = "strokes"
    drawn_mask: str | None = None
    dilate: int | None = None
    reading_order: ReadingOrder = "auto"
    ocr: bool = False
    min_score: float = 0.0
    only: tuple[str, ...] = ()
    except_: tuple[str, ...] = ()
    sfx: SoundEffects = "keep"
    keep_language: tuple[str, ...] = ()
    keep_text: str | None = None
    verify: int = 2
    strict: bool = False
    keep_cover: bool = False
    max_pixels: int = MAX_PIXELS
    promote: bool = False
    allow_lossy: bool = False
    pdf_renderer: Literal["pdfium", "poppler"] = "pdfium"
    pdf_dpi: int = 300
    scrub: tuple[str, ...] = ()
    allow_signed: bool = False
    allow_xfa: bool = False

    def __post_init__(self) -> None:
        _check(self)

    @property
    def needs_text(self) -> bool:
        """Whether the text must be recognized."""
        return self.ocr or bool(self.keep_language) or self.keep_text is not None

    def as_dict(self) -> dict[str, Any]:
        """Plain values for reports; tuples become lists."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}


PROFILES: Mapping[str, Mapping[str, Any]] = {
    "manga": {"reading_order": "auto"},
    "comic": {"reading_order": "ltr"},
    # On a document, large or slanted type is a heading or a logo, not a sound.
    "document": {"reading_order": "ltr", "sfx": "remove"},
    "annotations": {
        "reading_order": "ltr",
        "sfx": "remove",
        "detector": "ink",
        "scrub": SCRUB_USUAL,
    },
}


def make_options(profile: str = "manga", **changes: Any) -> Options:
    """The options of a profile with some values changed; None means "as in the profile".

    Raises:
        UnknownNameError: No such profile or option.
        OptionsError: Options out of range or in conflict.
    """
    if profile not in PROFILES:
        raise UnknownNameError(
            f"there is no profile {profile!r}", remedy=f"Known: {', '.join(PROFILES)}"
        )
    known = {f.name for f in fields(Options)}
    if unknown := sorted(set(changes) - known):
        raise UnknownNameError(
            f"there is no option {unknown[0]!r}", remedy=f"Known: {', '.join(sorted(known))}"
        )
    given = {name: value for name, value in changes.items() if value is not None}
    defaults = dict(PROFILES[profile])
    if given.get("detector") == "regions":  # what somebody listed by hand is to go
        defaults["sfx"] = "remove"
    return Options(**{**defaults, "profile": profile, **given})


def change_options(options: Options, **changes: Any) -> Options:
    """A copy with values replaced, checked again."""
    return replace(options, **changes)


def _check(o: Options) -> None:
    _one_of("mask", o.mask, get_args(MaskStyle))
    _one_of("reading_order", o.reading_order, get_args(ReadingOrder))
    _one_of("sfx", o.sfx, get_args(SoundEffects))
    _one_of("pdf_renderer", o.pdf_renderer, ("pdfium", "poppler"))
    _in_range("min_score", o.min_score, 0.0, 1.0)
    _in_range("verify", o.verify, 0, 3)
    _in_range("pdf_dpi", o.pdf_dpi, 36, 2400)
    _in_range("max_pixels", o.max_pixels, 1, 2**40)
    for item in o.scrub:
        _one_of("scrub", item, SCRUB_ITEMS)
    if o.dilate is not None:
        _in_range("dilate", o.dilate, 0, 200)
    if o.only and o.except_:
        raise OptionsError(
            "only and except exclude each other: the one names the kinds to remove, the other "
            "those to keep",
            remedy="Give one of them",
        )
    if o.detector == "regions" and not o.regions:
        raise OptionsError(
            "the detector 'regions' reads its polygons from a file and none was given",
            remedy="Give one with --regions FILE",
        )
    if o.detector == "ink" and not o.ink:
        raise OptionsError(
            "the detector 'ink' is the ink network, and it was switched off",
            remedy="Leave out --no-ink, or choose another detector",
        )
    if o.keep_text is not None:
        try:
            re.compile(o.keep_text)
        except re.error as error:
            raise OptionsError(
                f"keep_text {o.keep_text!r} is not a regular expression: {error}",
                remedy="Escape special characters with a backslash",
            ) from None


def _one_of(name: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise OptionsError(f"{name} is {value!r}", remedy=f"Allowed: {', '.join(allowed)}")


def _in_range(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise OptionsError(f"{name} is {value}", remedy=f"It must lie between {low} and {high}")
