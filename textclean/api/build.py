"""From options to a cleaner: the one place that knows both the names and the parts."""

from __future__ import annotations

import sys
from contextlib import suppress
from functools import cache
from importlib import metadata
from typing import TYPE_CHECKING, Any

from textclean import __version__
from textclean.api.drawn import DrawnMasks
from textclean.cleaner import Cleaner
from textclean.detect import load_detector
from textclean.detect.filters import apply_filters
from textclean.errors import UsageError
from textclean.inpaint import load_inpainter
from textclean.options import Options, make_options
from textclean.protocols import Detector, InkedDetector
from textclean.weights import WEIGHTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textclean.ink_map import InkMap
    from textclean.protocols import Inpainter, PixelReader
    from textclean.types import Image, Mask, Page, Region

_PACKAGES = ("numpy", "opencv-python-headless", "onnxruntime", "torch")
_LISTS = ("only", "except_", "keep_language")


def make_cleaner(
    options: Options | None = None,
    *,
    detector: Detector | None = None,
    inpainter: Inpainter | None = None,
    reader: PixelReader | None = None,
) -> Cleaner:
    """A cleaner for many pages; what it needs is loaded here, once.

    Args:
        options: What to do; None = the defaults.
        detector: Finds the text; None = the one that the options name. The filters of the options
            apply to either.
        inpainter: Fills the holes; None = the one that the options name.
        reader: Says of each pixel what it is; None = the ink network, unless the options say that
            there is to be none.

    Raises:
        UnknownNameError: There is no detector or inpainter of that name.
        DependencyError: A package or weights are missing.
        InputError: A file that the detector reads is invalid.
    """
    options = options or Options()
    finder = detector or load_detector(options.detector, options)
    filler = inpainter or load_inpainter(
        options.inpainter, device=options.device, offline=options.offline
    )
    reader = reader or _reader_of(finder, options)
    if reader is not None and not isinstance(finder, InkedDetector):
        reader = _LetteringReader(reader)
    versions = {
        **_package_versions(),
        "detector": options.detector if detector is None else _name_of(detector),
        "inpainter": options.inpainter if inpainter is None else _name_of(inpainter),
        **_weights_of(finder),
        **_weights_of(filler),
        **_weights_of(reader),
    }
    return Cleaner(
        options,
        detector=_Filtered(finder, options),
        inpainter=filler,
        reader=reader,
        versions=versions,
        drawn=DrawnMasks(options.drawn_mask, options.max_pixels) if options.drawn_mask else None,
    )


def make_finder(options: Options | None = None, *, detector: Detector | None = None) -> Cleaner:
    """A cleaner for :meth:`~textclean.cleaner.Cleaner.detect` alone: it loads no inpainter.

    Args:
        options: As in :func:`make_cleaner`.
        detector: As in :func:`make_cleaner`.

    Raises:
        TextcleanError: As in :func:`make_cleaner`.
    """
    return make_cleaner(options, detector=detector, inpainter=_NoFill())


def make_filler(options: Options | None = None, *, inpainter: Inpainter | None = None) -> Cleaner:
    """A cleaner for :meth:`~textclean.cleaner.Cleaner.inpaint` alone: it loads no detector.

    Args:
        options: As in :func:`make_cleaner`.
        inpainter: As in :func:`make_cleaner`.

    Raises:
        TextcleanError: As in :func:`make_cleaner`.
    """
    return make_cleaner(options, detector=_NoText(), inpainter=inpainter)


def resolve(
    profile: str,
    detector: str | Detector | None,
    inpainter: str | Inpainter | None,
    device: str,
    changes: Mapping[str, Any],
) -> tuple[Options, Detector | None, Inpainter | None]:
    """What a caller gave, as options and objects; an object takes the place of the name.

    Raises:
        UsageError: Unknown names or options, options out of range or in conflict, or objects that
            are neither names nor what the protocols ask for.
    """
    given = dict(changes)
    for name in _LISTS:
        value = given.get(name)
        if value is not None:
            given[name] = (value,) if isinstance(value, str) else tuple(value)
    if detector is not None and not isinstance(detector, str | Detector):
        raise UsageError(
            f"detector is a {type(detector).__name__}",
            remedy="Give a name, or an object with detect(page)",
        )
    if inpainter is not None and not (isinstance(inpainter, str) or callable(inpainter)):
        raise UsageError(
            f"inpainter is a {type(inpainter).__name__}",
            remedy="Give a name, a path to weights, or a callable",
        )
    if isinstance(detector, str):
        given["detector"] = detector
    elif detector is None and given.get("regions"):
        given["detector"] = "regions"
    if isinstance(inpainter, str):
        given["inpainter"] = inpainter
    options = make_options(profile, device=device, **given)
    return (
        options,
        None if isinstance(detector, str) else detector,
        None if isinstance(inpainter, str) else inpainter,
    )


def _reader_of(finder: Detector, options: Options) -> PixelReader | None:
    """The ink network: the detector's own, or the one that comes with textclean."""
    if isinstance(finder, _NoText) or not options.ink:
        return None
    own: PixelReader | None = getattr(finder, "reader", None)
    shipped = any(entry.architecture == "ink-unet" for entry in WEIGHTS)
    if own is not None or not (shipped or options.ink_weights):
        return own
    from textclean.detect.ink import DEFAULT_WEIGHTS, InkReader

    return InkReader.load(options.ink_weights or DEFAULT_WEIGHTS, options.device)


class _LetteringReader:
    """The ink network where text is to go: there, print is lettering like any other.

    Attributes:
        weights: File names of the weights in use, by task.
    """

    def __init__(self, reader: PixelReader) -> None:
        self._reader = reader
        self.weights: dict[str, str] = getattr(reader, "weights", {})

    def __call__(self, image: Image) -> InkMap:
        """See :class:`textclean.protocols.PixelReader`."""
        return self._reader(image).with_print_as_lettering()


class _Filtered:
    """A detector whose regions are marked as the options say.

    Attributes:
        can_verify: Whether the detector looks at pixels, so that it can tell what is left.
        needs_contrast: Whether it has nothing to find where all is of one colour.
        needs_page: Whether it goes by what else is on the page.

    Raises:
        UnknownNameError: The options name a kind of region that does not exist.
    """

    def __init__(self, detector: Detector, options: Options) -> None:
        self._detector = detector
        self._options = options
        self.can_verify: bool = getattr(detector, "can_verify", True)
        self.needs_contrast: bool = getattr(detector, "needs_contrast", False)
        self.needs_page: bool = getattr(detector, "needs_page", False)
        # Unknown kinds are refused now and not on every page.
        apply_filters((), options)

    def as_on(self, page: Page) -> _Filtered:
        """The detector as it looks at this page, if it adapts to pages."""
        as_on = getattr(self._detector, "as_on", None)
        return self if as_on is None else _Filtered(as_on(page), self._options)

    def detect(self, page: Page) -> tuple[Region, ...]:
        """The blocks of text on ``page.rgb``; those that are to stay say so."""
        return apply_filters(self._detector.detect(page), self._options)

    def detect_inked(
        self, page: Page, read: PixelReader
    ) -> tuple[tuple[Region, ...], InkMap | None]:
        """The same with what the ink network makes of the page, and its map.

        What a detector that looks at pixels has missed is added; a list made by hand is complete.
        On a page of which nothing is to go, what it missed are sound effects: while those are to
        stay, the network is not asked.
        """
        if isinstance(self._detector, InkedDetector):
            found, ink = self._detector.detect_inked(page, read)
            return apply_filters(found, self._options), ink
        from textclean.detect.ink_scale import is_usual, lettering_view

        image = page.rgb
        found = self._detector.detect(page)
        marked = apply_filters(found, self._options)
        wanted = self.can_verify and self._options.sfx == "remove"
        if not wanted and all(region.action == "keep" for region in marked):
            return marked, None
        view = lettering_view(image, marked)
        ink = read(view)
        if not is_usual(image, view, marked):
            ink, view = ink.resized(image.shape), image
        if self.can_verify:
            found = self._with_missed(found, ink, image, view)
        if view is not image:
            ink = ink.resized(image.shape)
        return apply_filters(found, self._options), ink

    def _with_missed(
        self, found: tuple[Region, ...], ink: InkMap, image: Image, view: Image
    ) -> tuple[Region, ...]:
        """What was found on a page, and what the ink network sees on a view of it besides."""
        from textclean.detect.missed import with_missed
        from textclean.scales import placed, steps

        order, effects = self._options.reading_order, self._options.sfx == "remove"
        there = tuple(placed(region, steps(view, image)) for region in found)
        every = with_missed(there, ink, view, order, self._detector, effects=effects)
        return tuple(placed(region, steps(image, view)) for region in every)


class _NoText:
    """The detector of a cleaner that only fills."""

    name = "none"

    def detect(self, page: Page) -> tuple[Region, ...]:
        """Nothing."""
        return ()


class _NoFill:
    """The inpainter of a cleaner that only looks."""

    name = "none"

    def __call__(self, image: Image, mask: Mask, see_through: Mask | None = None) -> Image:
        """Never called."""
        raise AssertionError("a cleaner that only looks was asked to fill")


@cache
def _package_versions() -> dict[str, str]:
    """Versions of what can change a result; nothing is imported to find out."""
    found = {"textclean": __version__, "python": ".".join(map(str, sys.version_info[:3]))}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def result_versions() -> dict[str, str]:
    """Programs and weights that decide the results, known without loading any of them.

    Weights that the options name by path are not among them.
    """
    found = {name: version for name, version in _package_versions().items() if name != "python"}
    found.update({entry.name: entry.sha256 for entry in WEIGHTS})
    with suppress(metadata.PackageNotFoundError):
        # Its wheel holds the weights for detection.
        found["rapidocr"] = metadata.version("rapidocr")
    return found


def _weights_of(part: object) -> dict[str, str]:
    """The weights that a part says it uses, such as ``detection_weights``: a file name."""
    weights = getattr(part, "weights", None)
    if not isinstance(weights, dict):
        return {}
    return {f"{task}_weights": str(name) for task, name in weights.items()}


def _name_of(part: object) -> str:
    for attribute in ("name", "__name__"):
        name = getattr(part, attribute, None)
        if isinstance(name, str) and name:
            return name
    return type(part).__name__
