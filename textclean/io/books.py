"""Pages put into a new archive, as image files that readers open."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Final, Protocol

from textclean.errors import InputError
from textclean.io.images import decode_image
from textclean.io.picture_png import encode_png
from textclean.io.sniff import HEAD_BYTES, sniff

if TYPE_CHECKING:
    from textclean.io.archive_zip import ZipWriter
    from textclean.io.document import About
    from textclean.io.sevenzip_writer import SevenZipWriter

SUFFIXES: Final = {
    "png": ".png", "jpeg": ".jpg", "webp": ".webp", "tiff": ".tiff", "bmp": ".bmp", "gif": ".gif",
    "avif": ".avif", "heif": ".heic", "jxl": ".jxl", "jp2": ".jp2",
}  # fmt: skip


class Book(Protocol):
    """Something that pages are put into, one after the other.

    Attributes:
        warnings: What did not come out as it was, one line each.
    """

    warnings: list[str]

    def add(self, name: str, data: bytes) -> None:
        """Append a page: its name without an extension, and an image file.

        Raises:
            InputError: It cannot be decoded, and must be.
        """

    def finish(self, about: About) -> None:
        """Write what binds the pages together."""


class ArchiveBook:
    """A new CBZ or CB7.

    Attributes:
        warnings: What did not come out as it was, one line each.
        sizes: Bytes of each page.
    """

    def __init__(self, writer: ZipWriter | SevenZipWriter, *, max_pixels: int) -> None:
        """Put pages into what ``writer`` writes."""
        self._writer = writer
        self._max_pixels = max_pixels
        self.warnings: list[str] = []
        self.sizes: list[int] = []

    def add(self, name: str, data: bytes) -> None:
        """Append a page; TIFF and BMP, which no reader opens, become PNG without loss."""
        data, kind = shown(data, self._max_pixels)
        self.sizes.append(len(data))
        self._writer.add(name + SUFFIXES.get(kind, ".bin"), data)

    def add_other(self, name: str, data: bytes) -> None:
        """Append something that is no page."""
        self._writer.add(name, data)

    def finish(self, about: About) -> None:
        """Write the directory."""
        self._writer.finish()


class PictureBook:
    """A picture of its own.

    Attributes:
        warnings: What did not come out as it was, one line each.
    """

    def __init__(self, file: BinaryIO) -> None:
        """Write to ``file``."""
        self._file = file
        self.warnings: list[str] = []

    def add(self, name: str, data: bytes) -> None:
        """Write the page."""
        self._file.write(data)

    def finish(self, about: About) -> None:
        """A picture is whole as it is."""


def shown(data: bytes, max_pixels: int) -> tuple[bytes, str]:
    """An image file that comic readers show, and its kind.

    TIFF and BMP become PNG; what PNG has no place for (CMYK), or what is damaged, stays.
    """
    kind = sniff(data[:HEAD_BYTES]) or ""
    if kind in ("tiff", "bmp"):
        try:
            return encode_png(decode_image(data, max_pixels)), "png"
        except InputError:
            return data, kind
    return data, kind
