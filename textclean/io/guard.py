"""Limits that are checked before anything is decoded, and the mapping of decoder errors."""

from __future__ import annotations

import struct
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from PIL import Image, UnidentifiedImageError

from textclean.errors import CorruptInputError, TooLargeError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_PIXELS: Final = 300_000_000
"""Default pixel limit of a page."""

MAX_FILE_BYTES: Final = 2**31 - 1
"""Larger image files are refused before they are read into memory."""


def check_size(width: int, height: int, max_pixels: int) -> None:
    """Refuse an image by the size that its header declares.

    Raises:
        CorruptInputError: It has no pixels.
        TooLargeError: It has more than ``max_pixels``.
    """
    if width < 1 or height < 1:
        raise CorruptInputError(f"the image is {width} x {height} pixels: there is nothing in it")
    if width * height > max_pixels:
        raise TooLargeError(
            f"the page has {width} x {height} = {width * height:,} pixels and the limit is "
            f"{max_pixels:,}; it was not decoded",
            remedy="Raise max_pixels if you trust the file",
        )


def check_file_size(size: int, limit: int = MAX_FILE_BYTES) -> None:
    """Refuse a file by its size in bytes.

    Raises:
        CorruptInputError: It is empty.
        TooLargeError: It has more than ``limit`` bytes.
    """
    if size == 0:
        raise CorruptInputError("the file is empty")
    if size > limit:
        raise TooLargeError(f"the file has {size:,} bytes and the limit is {limit:,}")


@contextmanager
def decoder_errors(what: str) -> Iterator[None]:
    """Turn what image decoders raise on bad data into our errors.

    Everything that is not listed here is a bug of ours and passes through.

    Args:
        what: What is being decoded, such as "PNG image".

    Raises:
        CorruptInputError: The data is damaged.
        TooLargeError: The decoder's own limit was met.
    """
    try:
        yield
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise TooLargeError(f"the {what} is over the limit of the decoder: {error}") from None
    except (
        EOFError,
        NotImplementedError,
        OSError,
        SyntaxError,
        UnidentifiedImageError,
        ValueError,
        struct.error,
        zlib.error,
    ) as error:
        raise CorruptInputError(
            f"the {what} is damaged or cut off ({_one_line(error)})",
            remedy="Get the file again, or open and save it with a program that can repair it",
        ) from None


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
