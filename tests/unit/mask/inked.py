"""Ink maps drawn for tests: what a good network would say, and what a bad one might."""

from __future__ import annotations

import cv2
import numpy as np

from textclean.ink_map import InkMap
from textclean.types import Mask


def ink_map(shape: tuple[int, int], *, blur: float = 0.0, **planes: Mask) -> InkMap:
    """Named planes from masks, 255 inside; with ``blur`` their rims fade as a network's do."""
    names = ("nothing", "lettering", "pen", "highlighter", "stamp", "print", "bubble")
    values = np.zeros((7, *shape), np.uint8)
    for name, mask in planes.items():
        plane = mask.astype(np.uint8) * 255
        values[names.index(name)] = cv2.GaussianBlur(plane, (0, 0), blur) if blur else plane
    values[0] = 255 - values[1:6].max(axis=0)
    return InkMap(values)
