"""A detector together with the ink network: what the one misses, the other proposes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textclean.detect.ink_regions import propose_regions
from textclean.detect.order import reading_order

if TYPE_CHECKING:
    from textclean.ink_map import InkMap
    from textclean.types import Image, Region


def with_missed(
    regions: tuple[Region, ...], ink: InkMap, image: Image, order: str = "auto"
) -> tuple[Region, ...]:
    """Detected regions and the lettering that lies in none of them, in reading order.

    Args:
        regions: What a detector found, in reading order.
        ink: What the ink network says of the page.
        image: ``(H, W, 3)`` uint8 RGB page.
        order: "rtl", "ltr" or "auto": right to left when most blocks are vertical.
    """
    missed = propose_regions(ink, regions, image)
    if not missed:
        return regions
    every = (*regions, *missed)
    vertical = sum(region.direction == "vertical" for region in regions or missed)
    rtl = order == "rtl" or (order == "auto" and 2 * vertical > len(regions or missed))
    return tuple(every[i] for i in reading_order([r.box for r in every], image, rtl=rtl))
