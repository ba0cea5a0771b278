"""One page at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from textclean import native
from textclean.api.build import make_cleaner, make_filler, resolve
from textclean.api.pictures import as_given, load_page
from textclean.errors import ResidualTextError
from textclean.io import read_mask

if TYPE_CHECKING:
    from textclean.api.pictures import PathLike, Picture
    from textclean.protocols import Detector, Inpainter
    from textclean.types import Mask, Page, PageResult


def clean_page(
    page: Picture,
    *,
    profile: str = "manga",
    detector: str | Detector | None = None,
    inpainter: str | Inpainter | None = None,
    device: str = "auto",
    **options: Any,
) -> PageResult:
    """Remove the text from one page.

    To clean many pages, make a cleaner once with :func:`make_cleaner`, or call
    :func:`clean_document`.

    Args:
        page: A path to an image or to a document of one page; a Pillow image; or an array,
            ``(H, W)`` grey or ``(H, W, 3)`` RGB, uint8 or uint16. It is not changed.
        profile: "manga", "comic", "document" or "annotations".
        detector: A name, or an object with ``detect(page)``; None = the default.
        inpainter: A name, a path to weights, or a callable as in
            :class:`textclean.protocols.Inpainter`; None = the default.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".
        **options: Any other of :class:`textclean.options.Options`, by name.

    Returns:
        The result; ``result.image`` is the cleaned page as it was given, an array or a Pillow
        image of the same mode; for a path a Pillow image, or an array where Pillow has no such
        mode (16 bits with colour or alpha).

    Raises:
        UsageError: Wrong options, or ``page`` is none of these kinds.
        InputError: The page cannot be read, or is of a mode that is not handled.
        DependencyError: A package or weights are missing.
        FileAccessError: The path cannot be read.
        ResidualTextError: Text is left and ``strict`` was asked for.
    """
    chosen, finder, filler = resolve(profile, detector, inpainter, device, options)
    loaded = load_page(page, chosen)
    result = make_cleaner(chosen, detector=finder, inpainter=filler).clean(loaded)
    if chosen.strict:
        _refuse_residual(result, loaded)
    return replace(result, image=as_given(page, result.page))


def inpaint_page(
    page: Picture,
    mask: PathLike | Mask,
    *,
    inpainter: str | Inpainter | None = None,
    device: str = "auto",
    **options: Any,
) -> PageResult:
    """Fill a mask that the user drew; nothing is detected.

    Args:
        page: As in :func:`clean_page`.
        mask: ``(H, W)`` bool of the page as stored, True = fill; or a path to a picture of the
            page's size as it is seen, with light or painted pixels to fill.
        inpainter: As in :func:`clean_page`.
        device: As in :func:`clean_page`.
        **options: As in :func:`clean_page`.

    Returns:
        The result, with ``result.image`` as in :func:`clean_page` and without regions.

    Raises:
        MaskError: The mask has another size than the page, or is not bool.
        TextcleanError: As in :func:`clean_page`.
    """
    chosen, _, filler = resolve("manga", None, inpainter, device, options)
    loaded = load_page(page, chosen)
    drawn = mask if isinstance(mask, np.ndarray) else load_mask(mask, loaded)
    result = make_filler(chosen, inpainter=filler).inpaint(loaded, drawn)
    return replace(result, image=as_given(page, result.page))


def load_mask(path: PathLike, page: Page) -> Mask:
    """A mask that the user drew on the page as it is seen, in the page's stored orientation.

    Raises:
        FileAccessError: It cannot be read.
        InputError: It is no image that can be read.
        MaskError: It has not the size of the page.
    """
    shown = read_mask(path, page.size)
    return np.ascontiguousarray(native.stored(shown, page.metadata.orientation))


def _refuse_residual(result: PageResult, page: Page) -> None:
    count = len(result.residual)
    if count:
        raise ResidualTextError(
            f"text is still found in {count} region{'s' if count != 1 else ''} and strict was "
            "asked for",
            remedy="Without strict the page is given back, with these regions in result.residual",
            source=page.source or None,
            page=page.name or None,
        )
