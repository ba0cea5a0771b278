"""The recipe: how a page becomes a clean page.

:meth:`Cleaner.clean` is the whole product in one function. It knows protocols, not
implementations: which detector and inpainter it holds is decided by whoever builds it
(:func:`textclean.api.make_cleaner`).
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from textclean import native
from textclean.cores import default_threads
from textclean.edited import held_to
from textclean.errors import MaskError, PageError
from textclean.inpaint import flat
from textclean.lettering import describe, with_room
from textclean.levels import Levels
from textclean.mask.annotations import annotation_mask
from textclean.mask.build import (
    RegionMask,
    build_mask,
    join,
    near_lines,
    near_mask,
    surroundings,
    union,
)
from textclean.mask.halved import enlarged, halvings
from textclean.mask.ink import took_all
from textclean.options import MaskStyle, Options
from textclean.protocols import ErrorPredictor, InkedDetector
from textclean.scales import halved, placed, steps
from textclean.types import ANNOTATION_KINDS, PageResult
from textclean.verify import look_again

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from textclean.ink_map import InkMap
    from textclean.protocols import Detector, DrawnMask, Inpainter, PixelReader
    from textclean.types import Action, Image, Mask, Page, Region
    from textclean.verify import Finding

_INPAINTED = ("inpaint", "unmix")
_T = TypeVar("_T")
_R = TypeVar("_R")


class Cleaner:
    """Cleans pages, one after the other, with one detector and one inpainter.

    Args:
        options: What to do; None = the defaults.
        detector: Finds the text; regions that it gives ``action="keep"`` are left alone.
        inpainter: Fills what a flat fill cannot.
        reader: Says of each pixel what it is: a second opinion on strokes, what the detector
            missed, bubbles, annotations. None = the page is cleaned without.
        versions: Names and versions to put into the results.
        drawn: Gives the mask that somebody drew for a page: exactly that is removed, and there is
            no second try. None = masks are as found.
    """

    def __init__(
        self,
        options: Options | None = None,
        *,
        detector: Detector,
        inpainter: Inpainter,
        reader: PixelReader | None = None,
        versions: dict[str, str] | None = None,
        drawn: DrawnMask | None = None,
    ) -> None:
        self.options = options or Options()
        self.detector = detector
        self.inpainter = inpainter
        self.reader = reader
        self.versions = dict(versions or {})
        self.drawn = drawn

    def clean(self, page: Page) -> PageResult:
        """Remove the text from a page.

        A faded or dim page is cleaned with the usual levels, and what is new is given its own.

        Raises:
            PageError: The inpainter gave back something that is not an image.
        """
        timer = _Timer()
        levels = Levels.of(page.rgb)
        seen = replace(page, rgb=levels(page.rgb))
        with timer("detect"):
            regions, ink = self._find(seen, timer)
        with timer("mask"):
            masks = self._masks(seen.rgb, regions, ink)
            drawn = None if self.drawn is None else self.drawn(page)
            if drawn is not None:
                regions, masks = held_to(drawn, regions, masks)
        with timer("fill"):
            image, regions = self._fill(seen.rgb, seen.rgb, regions, masks)
        with timer("verify"):
            detector = self._as_on(seen)
            found = self._look_again(detector, image, masks)
        for attempt in range(1, self.options.verify + 1 if drawn is None else 1):
            if not found:
                break
            with timer("fill"):
                masks = self._masks_of_what_is_left(seen.rgb, masks, found, attempt, ink)
                image, regions = self._fill(seen.rgb, image, regions, masks, only=found)
            with timer("verify"):
                found = self._look_again(detector, image, masks, changed=found)
        with timer("compose"):
            told = [levels.told_back(region) for region in regions]
            return self._compose(page, levels.back(image), told, masks, found, timer.seconds)

    def detect(self, page: Page) -> PageResult:
        """What :meth:`clean` would remove, in ``result.mask`` and ``result.regions``.

        Nothing is changed, and nothing is inpainted; the second look is not taken.
        """
        timer = _Timer()
        levels = Levels.of(page.rgb)
        seen = replace(page, rgb=levels(page.rgb))
        with timer("detect"):
            regions, ink = self._find(seen, timer)
        with timer("mask"):
            masks = self._masks(seen.rgb, regions, ink)
            hole = union(masks, page.rgb.shape[:2])
            decided = [
                region if item is None else self._decide(seen.rgb, hole, item)[0]
                for region, item in zip(regions, masks, strict=True)
            ]
        told = [levels.told_back(region) for region in decided]
        planned = self._compose(page, page.rgb, told, masks, None, timer.seconds)
        return replace(planned, page=page)

    def inpaint(self, page: Page, mask: Mask) -> PageResult:
        """Fill a mask that the user drew.

        Args:
            page: The page.
            mask: ``(H, W)`` bool, as stored (the orientation of ``page.pixels``).

        Raises:
            MaskError: The mask is not bool or has another size than the page.
        """
        if mask.dtype != np.bool_ or mask.shape != page.pixels.shape[:2]:
            raise MaskError(
                f"the mask is {mask.dtype} of shape {mask.shape}, the page wants bool of shape "
                f"{page.pixels.shape[:2]}",
                remedy="Draw the mask on the page itself, at its own size",
            )
        timer = _Timer()
        mask = mask & True  # Pillow's true is a byte of 255, which is no bool to count on
        hole = np.ascontiguousarray(native.upright(mask, page.metadata.orientation))
        with timer("fill"):
            image = self._inpaint(page.rgb, hole)[0] if hole.any() else page.rgb
        with timer("compose"):
            cleaned = native.merge(page, image, hole)
        return PageResult(
            cleaned, mask, (), seconds=timer.seconds, versions=self.versions, original=page
        )

    def _find(self, page: Page, timer: _Timer) -> tuple[Sequence[Region], InkMap | None]:
        """The regions of a page, in reading order, and what each pixel is, if one can tell."""
        reader = self.reader
        if reader is None:
            return self.detector.detect(page), None

        def read(image: Image) -> InkMap:
            with timer("ink"):
                return reader(image)

        if isinstance(self.detector, InkedDetector):
            return self.detector.detect_inked(page, read)
        return self.detector.detect(page), read(page.rgb)

    def _masks(
        self, image: Image, regions: Sequence[Region], ink: InkMap | None
    ) -> list[RegionMask | None]:
        """A mask for each region that is to go, None for those that are kept.

        Where lettering is large, they are made on the page at half its size.
        """
        gone = [region for region in regions if region.action != "keep"]
        times = halvings(gone) if self.options.dilate is None else 0
        view = halved(image, times)
        seen = ink.resized(view.shape) if ink is not None and times else ink

        def mask(region: Region) -> RegionMask | None:
            if region.action == "keep":
                return None
            item = self._mask(view, placed(region, steps(view, image)), seen)
            return enlarged(item, region, steps(image, view), image.shape) if times else item

        return _side_by_side(mask, regions)

    def _mask(
        self,
        image: Image,
        region: Region,
        ink: InkMap | None,
        *,
        style: MaskStyle | None = None,
        extra: int = 0,
    ) -> RegionMask:
        """The pixels of one region: lettering by its strokes, annotations by their ink."""
        if ink is not None and region.kind in ANNOTATION_KINDS:
            return annotation_mask(image, region, ink, extra=extra)
        return build_mask(
            image,
            region,
            style=style or self.options.mask,
            grow_by=self.options.dilate,
            extra=extra,
            # What is still read after a first try is lettering, whatever the network makes of it.
            ink=None if extra else ink,
        )

    def _as_on(self, page: Page) -> Detector:
        """The detector as it looks at this page: the cleaned page is looked at in the same way."""
        as_on = getattr(self.detector, "as_on", None)
        detector: Detector = self.detector if as_on is None else as_on(page)
        return detector

    @staticmethod
    def _look_again(
        detector: Detector,
        image: Image,
        masks: Sequence[RegionMask | None],
        changed: Collection[int] | None = None,
    ) -> dict[int, Finding] | None:
        """What is still found where text was removed; None when the detector cannot tell."""
        if not getattr(detector, "can_verify", True):
            return None
        return look_again(detector, image, masks, changed=changed)

    def _masks_of_what_is_left(
        self,
        image: Image,
        masks: Sequence[RegionMask | None],
        found: dict[int, Finding],
        attempt: int,
        ink: InkMap | None,
    ) -> list[RegionMask | None]:
        """More generous masks where text is still found: first grown, then whole polygons.

        What they take more is near what is still found. If the ink network saw lettering there and
        all of that is gone, what is found is a rim of it, or art that looks like text.
        """
        harder = list(masks)
        for index, finding in found.items():
            before = masks[index]
            if before is None:
                continue
            all_gone = _all_gone(before, ink, finding)
            if all_gone and attempt > 1:
                continue  # no rim, then
            lines = before.region.lines or (before.region.polygon,)
            again = self._mask(
                image,
                before.region.with_(lines=(*lines, *finding.lines)),
                ink,
                style="polygons" if attempt > 1 else None,
                extra=2 * attempt,
            )
            again = near_lines(again, finding.lines)
            harder[index] = join(before, near_mask(again, before, 2) if all_gone else again)
        return harder

    def _fill(
        self,
        original: Image,
        image: Image,
        regions: Sequence[Region],
        masks: Sequence[RegionMask | None],
        *,
        only: Iterable[int] | None = None,
    ) -> tuple[Image, list[Region]]:
        """Paint plain backgrounds from their measured surface, then inpaint the rest at once.

        Where lettering lay on a line of the art, the line is inpainted too, so that it goes on.
        Backgrounds are measured on the original, and translucent ink is seen as it is there;
        ``only`` limits the work to some regions.
        """
        image, decided = image.copy(), list(regions)
        hole = union(masks, image.shape[:2])
        rest = np.zeros_like(hole)
        chosen = [
            (index, item)
            for index in (range(len(masks)) if only is None else only)
            if (item := masks[index]) is not None
        ]
        decisions = _side_by_side(lambda pair: self._decide(original, hole, pair[1]), chosen)
        for (index, item), (region, fill) in zip(chosen, decisions, strict=True):
            decided[index] = region
            if decided[index].action == "fill":
                x0, y0, x1, y1 = item.box
                painted = flat.paint(original[y0:y1, x0:x1], item.mask, fill, seed=index)
                image[y0:y1, x0:x1][item.mask] = painted[item.mask]
                rest[y0:y1, x0:x1] |= item.mask & item.strokes.bridge
            elif decided[index].action in _INPAINTED:
                item.paste(rest)
        if rest.any():
            seen = _translucent(masks, rest)
            image[seen] = original[seen]
            image, errors = self._inpaint(image, rest, seen if seen.any() else None)
            for index, item in chosen:
                if decided[index].action in _INPAINTED:
                    decided[index] = decided[index].with_(confidence=_expected(errors, item))
        return image, decided

    def _decide(self, image: Image, hole: Mask, item: RegionMask) -> tuple[Region, flat.FlatFill]:
        """Fill or inpaint? The decision and its numbers go into the region."""
        x0, y0, x1, y1 = item.box
        samples, specks = surroundings(item, hole[y0:y1, x0:x1])
        fill = flat.measure(image[y0:y1, x0:x1], item.mask, samples, specks=specks)
        if not item.mask.any():
            return item.region.with_(
                action="keep", reason="no lettering was found inside the polygon"
            ), fill
        action: Action = "fill" if fill.surface else "inpaint"
        reason = f"{fill.reason}; strokes: {item.strokes.reason}"
        if item.region.see_through:
            action = "unmix" if getattr(self.inpainter, "unmixes", False) else "inpaint"
            reason = f"what lies beneath may show through; {reason}"
        return item.region.with_(background=fill.background, action=action, reason=reason), fill

    def _inpaint(
        self, image: Image, mask: Mask, see_through: Mask | None = None
    ) -> tuple[Image, NDArray[np.float32] | None]:
        """The inpainter's answer under the mask, the image itself elsewhere; and its error."""
        errors = None
        if isinstance(self.inpainter, ErrorPredictor):
            result, errors = self.inpainter.fill_with_error(image, mask, see_through)
        elif see_through is None:
            result = self.inpainter(image, mask)
        else:
            result = self.inpainter(image, mask, see_through)
        if result.shape != image.shape or result.dtype != np.uint8:
            raise PageError(
                f"the inpainter gave back {result.dtype} of shape {result.shape}, "
                f"not uint8 of shape {image.shape}",
                remedy="See the protocol textclean.protocols.Inpainter",
            )
        composed = image.copy()
        composed[mask] = result[mask]
        return composed, errors

    def _compose(
        self,
        page: Page,
        image: Image,
        regions: Sequence[Region],
        masks: Sequence[RegionMask | None],
        found: dict[int, Finding] | None,
        seconds: dict[str, float],
    ) -> PageResult:
        """Put the filled pixels into the native array; everything else stays bit for bit."""
        mask = union(masks, page.rgb.shape[:2])
        orientation = page.metadata.orientation
        told = list(regions)
        if found is not None:
            told = [_told(region, found.get(index)) for index, region in enumerate(regions)]
        told = with_room(image, mask, told)
        told = [describe(page.rgb, image, mask, region) for region in told]
        told = [native.region_stored(region, orientation, page.size) for region in told]
        return PageResult(
            page=native.merge(page, image, mask),
            mask=np.ascontiguousarray(native.stored(mask, orientation)),
            regions=tuple(told),
            residual=tuple(told[index] for index in found or ()),
            seconds=seconds,
            versions=self.versions,
            original=page,
        )


def _side_by_side(work: Callable[[_T], _R], items: Iterable[_T]) -> list[_R]:
    """``work`` on each item, in as many threads as there are to be; results in order."""
    threads = default_threads()
    if threads == 1:
        return [work(item) for item in items]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, items))


class _Timer:
    """Wall-clock seconds by stage; a stage within another is not counted twice."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._within = [0.0]

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        self._within.append(0.0)
        try:
            yield
        finally:
            spent = time.perf_counter() - start
            own = spent - self._within.pop()
            self._within[-1] += spent
            self.seconds[stage] = self.seconds.get(stage, 0.0) + own


def _translucent(masks: Iterable[RegionMask | None], hole: Mask) -> Mask:
    """The part of a hole whose ink may be looked through; what opaque ink covers is not in it."""
    there = [item for item in masks if item is not None]
    seen = union((item for item in there if item.region.see_through), hole.shape)
    opaque = union((item for item in there if not item.region.see_through), hole.shape)
    return hole & seen & ~opaque


def _expected(errors: NDArray[np.float32] | None, item: RegionMask) -> float | None:
    """Root mean square of the expected errors over a region's mask, where they are known."""
    if errors is None:
        return None
    x0, y0, x1, y1 = item.box
    values = errors[y0:y1, x0:x1][item.mask]
    known = values[np.isfinite(values)]
    if not len(known):
        return None
    return round(float(np.sqrt(np.square(known, dtype=np.float64).mean())), 2)


def _all_gone(item: RegionMask, ink: InkMap | None, finding: Finding) -> bool:
    """Whether the ink network saw lettering where some is still found, and all of it was taken."""
    if ink is None or item.region.kind in ANNOTATION_KINDS:
        return False
    local = [line - np.array(item.box[:2], np.float32) for line in finding.lines]
    return took_all(item.mask, ink.crop(item.box), local)


def _told(region: Region, finding: Finding | None) -> Region:
    """The region with what the second look found."""
    if region.action == "keep":
        return region
    if finding is None:
        return region.with_(residual=0.0)
    return region.with_(
        residual=round(finding.score, 4), reason=f"{region.reason}; text is still found there"
    )
