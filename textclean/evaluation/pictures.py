"""Reading the pictures of a pair."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np
from PIL import Image as PilImage
from PIL import UnidentifiedImageError

from textclean.errors import CorruptInputError, FileAccessError

if TYPE_CHECKING:
    from pathlib import Path

    from textclean.types import Image, Mask


def read(path: Path, mode: Literal["RGB", "L"]) -> Image:
    """The pixels of a file, ``(H, W, 3)`` or ``(H, W)`` uint8, read-only.

    Raises:
        FileAccessError: The file cannot be read.
        CorruptInputError: It is damaged, or no picture.
    """
    try:
        with PilImage.open(path) as file:
            pixels = np.array(file.convert(mode))
    except (UnidentifiedImageError, ValueError, SyntaxError, PilImage.DecompressionBombError) as e:
        raise CorruptInputError(
            f"this is no picture that can be read ({e})", source=str(path)
        ) from e
    except OSError as error:
        if error.errno is None:  # Pillow says "truncated" with an OSError of its own
            raise CorruptInputError(f"the picture is damaged ({error})", source=str(path)) from None
        raise unreadable(path, error) from None
    pixels.flags.writeable = False
    return pixels


def difference(a: Image, b: Image) -> Image:
    """``(H, W)`` uint8: the largest difference over the channels."""
    levels: Image = cv2.absdiff(a, b).max(axis=2)
    return levels


def text_side(marked: Mask, lettered: Image, clean: Image) -> Mask:
    """``marked`` or its inverse, whichever has the larger mean difference of the pair."""
    if marked.all() or not marked.any():
        return marked
    levels = difference(lettered, clean)
    inverse: Mask = ~marked
    return marked if levels[marked].mean() >= levels[inverse].mean() else inverse


def unreadable(path: Path, error: OSError) -> FileAccessError:
    """The error for a file or folder that the system refuses."""
    return FileAccessError(f"it cannot be read: {error.strerror or error}", source=str(path))
