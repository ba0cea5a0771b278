"""Text detection: names and lazy factories of the detectors.

Listing, registering or importing costs nothing: a detector's libraries are loaded when
:func:`load_detector` makes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from textclean.errors import UnknownNameError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from textclean.protocols import Detector

__all__ = ["DetectorOptions", "list_detectors", "load_detector", "register_detector"]


class DetectorOptions(Protocol):
    """What detectors read of a run's options; :class:`textclean.options.Options` fits."""

    @property
    def detector_weights(self) -> str | None: ...  # noqa: D102
    @property
    def recognizer_weights(self) -> str | None: ...  # noqa: D102
    @property
    def ink_weights(self) -> str | None: ...  # noqa: D102
    @property
    def regions(self) -> str | None: ...  # noqa: D102
    @property
    def device(self) -> str: ...  # noqa: D102
    @property
    def offline(self) -> bool: ...  # noqa: D102
    @property
    def reading_order(self) -> str: ...  # noqa: D102
    @property
    def needs_text(self) -> bool: ...  # noqa: D102


def _ppocr(options: DetectorOptions) -> Detector:
    from textclean.detect.ppocr import PPOCRDetector

    return PPOCRDetector.from_options(options)


def _easyocr(options: DetectorOptions) -> Detector:
    from textclean.detect.easyocr import CraftDetector

    return CraftDetector.from_options(options)


def _ink(options: DetectorOptions) -> Detector:
    from textclean.detect.annotations import AnnotationDetector

    return AnnotationDetector.from_options(options)


def _regions(options: DetectorOptions) -> Detector:
    from textclean.detect.regions_file import RegionsFileDetector

    return RegionsFileDetector.from_options(options)


_FACTORIES: dict[str, Callable[[DetectorOptions], Detector]] = {
    "ppocr": _ppocr,
    "easyocr": _easyocr,
    "ink": _ink,
    "regions": _regions,
}


def register_detector(
    name: str, factory: Callable[[DetectorOptions], Detector], *, replace: bool = False
) -> None:
    """Add a detector under a name.

    Args:
        name: What users write after ``--detector``.
        factory: Called with the run's options when the detector is needed; import what is heavy
            inside it.
        replace: Allow a name that is taken.

    Raises:
        UsageError: The name is taken, or empty.
    """
    if not name or (name in _FACTORIES and not replace):
        raise UsageError(
            f"a detector named {name!r} exists already" if name else "a detector needs a name",
            remedy="Choose another name, or pass replace=True",
        )
    _FACTORIES[name] = factory


def list_detectors() -> tuple[str, ...]:
    """The names that :func:`load_detector` knows, sorted."""
    return tuple(sorted(_FACTORIES))


def load_detector(name: str, options: DetectorOptions) -> Detector:
    """Make a detector.

    Args:
        name: One of :func:`list_detectors`.
        options: The run's options.

    Raises:
        UnknownNameError: There is no detector of that name.
        MissingExtraError: A package it needs is not installed.
        WeightsError: Its weights are missing or not understood.
        RegionsFileError: The regions file is invalid.
    """
    try:
        factory = _FACTORIES[name]
    except KeyError:
        raise UnknownNameError(
            f"there is no detector {name!r}", remedy=f"Known: {', '.join(list_detectors())}"
        ) from None
    return factory(options)
