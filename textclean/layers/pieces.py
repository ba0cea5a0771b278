"""Pages that are longer than a format, or an editor, can take."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from textclean.layers.stack import Group

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textclean.layers.stack import Item, Layer, Stack
    from textclean.types import Box


def split(stack: Stack, most: int) -> tuple[Stack, ...]:
    """Cut a page into pieces of even size with all their layers; one that fits stays whole.

    Args:
        stack: The page.
        most: Pixels that a side may have.

    Returns:
        The pieces row by row, each from left to right.
    """
    width, height = stack.size
    return tuple(
        _piece(stack, (x0, y0, x1, y1))
        for y0, y1 in _spans(height, most)
        for x0, x1 in _spans(width, most)
    )


def _spans(length: int, most: int) -> Iterator[tuple[int, int]]:
    count = -(-length // most)
    edges = [round(length * i / count) for i in range(count + 1)]
    return pairwise(edges)


def _piece(stack: Stack, box: Box) -> Stack:
    x0, y0, x1, y1 = box
    if (x0, y0) == (0, 0) and (x1, y1) == stack.size:
        return stack
    items: list[Item] = []
    for item in stack.items:
        if isinstance(item, Group):
            items.append(replace(item, layers=tuple(_cut(item.layers, box))))
        else:
            items += _cut((item,), box)
    return replace(
        stack,
        merged=stack.merged[y0:y1, x0:x1],
        alpha=None if stack.alpha is None else stack.alpha[y0:y1, x0:x1],
        items=tuple(items),
    )


def _cut(layers: tuple[Layer, ...], box: Box) -> list[Layer]:
    return [part for layer in layers if (part := layer.cut(box)) is not None]
