"""One image file as a document of one page."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from textclean.io.atomic import OutputFile, file_id, refuse_input
from textclean.io.document import Document, ImageEntry, writing
from textclean.io.document_sink import DocumentSink
from textclean.io.images import read_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from textclean.protocols import PageEntry
    from textclean.types import Mask, Page


class ImageSource(Document):
    """One image."""

    def __init__(self, path: Path, *, max_pixels: int) -> None:
        """A source around an image file; it is read when the page is loaded."""
        super().__init__(path)
        self.max_pixels = max_pixels
        self._entries = (
            ImageEntry(
                path.name, 1, lambda: read_file(path), source=self.name, max_pixels=max_pixels
            ),
        )

    @property
    def entries(self) -> Sequence[ImageEntry]:
        """The one page."""
        return self._entries

    def open_sink(self, dst: Path, *, overwrite: bool) -> ImageSink:
        """The sink that writes the image to ``dst``."""
        return ImageSink(self, dst, overwrite=overwrite)


class ImageSink(DocumentSink):
    """Writes one image."""

    def __init__(self, source: ImageSource, dst: Path, *, overwrite: bool) -> None:
        """Take the output's name; nothing is visible under it before the commit."""
        super().__init__(source)
        refuse_input(dst, [identity] if (identity := file_id(source.path)) else [])
        self._source = source
        self._output = OutputFile(dst, overwrite=overwrite)

    def _write(self, entry: PageEntry, page: Page, mask: Mask) -> None:
        data = self._source.entries[0].encode(page, mask)
        with writing(self._output.path):
            self._output.file.seek(0)
            self._output.file.truncate()
            self._output.file.write(data)

    def _commit(self) -> None:
        if not self._written:
            with writing(self._output.path):
                self._output.file.seek(0)
                self._output.file.truncate()
                with self._source.path.open("rb") as original:
                    shutil.copyfileobj(original, self._output.file)
        self._output.commit()

    def _close(self) -> None:
        self._output.discard()
