"""Layers as values, before a format is made of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from textclean.types import Box

Space = Literal["L", "RGB", "CMYK"]


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A picture somewhere on the page.

    Attributes:
        name: What editors show.
        pixels: ``(h, w, C)`` uint8 or uint16 colours, as the stack's space and depth say.
        alpha: ``(h, w)`` of the same type, 0 = transparent; None = opaque everywhere.
        left: Column of the page where it starts.
        top: Row of the page where it starts.
        visible: Whether it is shown.
        locked: Whether editors keep it from being changed.
    """

    name: str
    pixels: NDArray[Any]
    alpha: NDArray[Any] | None = None
    left: int = 0
    top: int = 0
    visible: bool = True
    locked: bool = False

    @property
    def box(self) -> Box:
        """Where it lies on the page."""
        height, width = self.pixels.shape[:2]
        return self.left, self.top, self.left + width, self.top + height

    def cut(self, box: Box) -> Layer | None:
        """What of it lies in a box of the page, in pixels of that box; None when nothing does."""
        x0, y0 = max(self.box[0], box[0]), max(self.box[1], box[1])
        x1, y1 = min(self.box[2], box[2]), min(self.box[3], box[3])
        if x0 >= x1 or y0 >= y1:
            return None
        part = (
            slice(y0 - self.top, y1 - self.top),
            slice(x0 - self.left, x1 - self.left),
        )
        return replace(
            self,
            pixels=self.pixels[part],
            alpha=None if self.alpha is None else self.alpha[part],
            left=x0 - box[0],
            top=y0 - box[1],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Layers under one name.

    Attributes:
        name: What editors show.
        layers: From the bottom.
        visible: Whether those of them that are visible are shown.
    """

    name: str
    layers: tuple[Layer, ...]
    visible: bool = True


Item: TypeAlias = "Layer | Group"


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """A page of layers.

    Attributes:
        space: Grey, RGB, or CMYK (0 = no ink).
        merged: ``(H, W, C)`` uint8 or uint16, what the visible layers come to.
        alpha: ``(H, W)``, the page's own transparency, or None.
        items: Layers and groups, from the bottom.
        icc: Colour profile, or None.
        dpi: Horizontal and vertical resolution in pixels per inch, or None.
    """

    space: Space
    merged: NDArray[Any]
    alpha: NDArray[Any] | None
    items: tuple[Item, ...]
    icc: bytes | None = field(default=None, repr=False)
    dpi: tuple[float, float] | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return int(self.merged.shape[1]), int(self.merged.shape[0])

    @property
    def depth(self) -> Literal[8, 16]:
        """Bits of a sample."""
        return 16 if self.merged.dtype.itemsize == 2 else 8

    def layers(self) -> Iterator[Layer]:
        """All layers, from the bottom, those in groups, too."""
        for item in self.items:
            yield from item.layers if isinstance(item, Group) else (item,)
