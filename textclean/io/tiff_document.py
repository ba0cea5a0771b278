"""A TIFF of one or many pages."""

from __future__ import annotations

import mmap
import shutil
import weakref
from typing import TYPE_CHECKING

from textclean.errors import UnsupportedFormatError
from textclean.io import tiff
from textclean.io import tiff_layout as tl
from textclean.io.atomic import OutputFile, Spool, file_id, refuse_input
from textclean.io.differences import Differences
from textclean.io.document import Document, located, writing
from textclean.io.document_sink import DocumentSink
from textclean.io.guard import check_file_size
from textclean.io.images import cannot_read, require_fits
from textclean.io.raster import Raster
from textclean.io.tiff_file import TiffFile, is_movable
from textclean.io.tiff_previews import note_gone, page_ifds, previews_of, without_previews
from textclean.io.tiff_writer import TiffWriter
from textclean.io.wishes import PROMOTED, note_promoted, promoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from textclean.io.tiff_file import Ifd
    from textclean.protocols import PageEntry
    from textclean.types import Mask, Page


class TiffEntry:
    """One page of a TIFF.

    Attributes:
        name: "page 3".
        number: Position in the document, from 1.
        index: Position of its directory in the file.
    """

    def __init__(self, source: TiffSource, number: int, index: int) -> None:
        """The entry of a directory."""
        self.name = f"page {number}"
        self.number = number
        self.index = index
        self._source = source
        self._loaded: weakref.ref[Page] | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height as the file declares them.

        Raises:
            CorruptInputError: It does not.
        """
        file = self._source.file
        with located(self._source.name, self.name):
            return tl.declared_size(file, file.ifds[self.index])

    def load(self) -> Page:
        """Decode the page.

        Raises:
            InputError: It cannot be decoded.
        """
        source = self._source
        with located(source.name, self.name):
            raster = tiff.decode(source.file, source.file.ifds[self.index], source.max_pixels)
        page = raster.to_page(source=source.name, name=self.name, number=self.number)
        self._loaded = weakref.ref(page)
        return page

    def raster(self, max_pixels: int) -> Raster:
        """What it decodes to; not decoded again while somebody holds the page that was loaded."""
        page = self._loaded() if self._loaded else None
        if page is not None:
            return Raster(page.pixels, page.mode, page.palette, metadata=page.metadata)
        file = self._source.file
        return tiff.decode(file, file.ifds[self.index], max_pixels)


class TiffSource(Document):
    """A TIFF file; strips are read when their page is loaded.

    Attributes:
        file: Its directories.
        max_pixels: Limit of a page.
    """

    def __init__(self, path: Path, *, max_pixels: int) -> None:
        """Open a TIFF and read its directories.

        Raises:
            CorruptInputError: Damaged or truncated.
            FileAccessError: It cannot be read.
        """
        super().__init__(path)
        self.max_pixels = max_pixels
        try:
            with path.open("rb") as file:
                check_file_size(file.seek(0, 2), limit=2**62)
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except OSError as error:
            raise cannot_read(path, error) from None
        with located(self.name, None):
            self.file = TiffFile(self._map)
            pages = page_ifds(self.file)
            if not pages:
                raise UnsupportedFormatError("the TIFF holds thumbnails or masks, but no page")
        self._entries = tuple(
            TiffEntry(self, number, index) for number, index in enumerate(pages, start=1)
        )
        rest = len(self.file.ifds) - len(pages)
        if rest:
            self.warnings.append(
                f"TIFF: {rest} thumbnails or masks are no pages; those thumbnails are left out "
                "that show a cleaned page"
            )

    @property
    def entries(self) -> Sequence[TiffEntry]:
        """The pages in file order."""
        return self._entries

    def open_sink(self, dst: Path, *, overwrite: bool) -> TiffSink:
        """The sink that writes the TIFF to ``dst``."""
        return TiffSink(self, dst, overwrite=overwrite)

    def close(self) -> None:
        """Let go of the file; safe to call twice."""
        self._map.close()


class TiffSink(DocumentSink):
    """Writes a TIFF: new blocks for cleaned pages, the stored bytes of all others."""

    def __init__(self, source: TiffSource, dst: Path, *, overwrite: bool) -> None:
        """Take the output's name; nothing is visible under it before the commit."""
        super().__init__(source)
        refuse_input(dst, [identity] if (identity := file_id(source.path)) else [])
        self._source = source
        self._output = OutputFile(dst, overwrite=overwrite)
        self._spool = Spool(dst.parent)
        self._indices = [entry.index for entry in source.entries]
        self._pages: dict[int, tuple[Ifd, list[tuple[int, int]]]] = {}

    def _write(self, entry: PageEntry, page: Page, mask: Mask) -> None:
        file = self._source.file
        if not all(map(is_movable, file.ifds)):
            raise UnsupportedFormatError(
                "a page of the TIFF is old-style JPEG, which cannot be moved in the file",
                remedy="Convert it to another compression first",
            )
        own = self._source.entries[entry.number - 1]
        ifd = without_previews(file, file.ifds[own.index])
        if previews_of(file, self._indices, {own.index}):
            note_gone()
        before = own.raster(page.pixels.shape[0] * page.pixels.shape[1])
        promote = bool(page.metadata.extra.get(PROMOTED))
        if promote:
            before = promoted(before)
            note_promoted(before)
        require_fits(page, mask, before)
        chosen = Differences.of(before.pixels, page.pixels).mask
        if promote:
            new, blocks = tiff.encode_promoted(file, ifd, page.pixels)
        else:
            new, blocks = tiff.encode(file, ifd, page.pixels, chosen)
        tiff.require_kept(file, ifd, (new, blocks), before, mask)
        with writing(self._output.path):
            self._pages[entry.number] = new, [self._spool.add(block) for block in blocks]

    def _commit(self) -> None:
        with writing(self._output.path):
            if self._written:
                self._assemble()
            else:
                with self._source.path.open("rb") as original:
                    shutil.copyfileobj(original, self._output.file)
        self._output.commit()

    def _assemble(self) -> None:
        file = self._source.file
        numbers = {entry.index: entry.number for entry in self._source.entries}
        cleaned = {index for index, number in numbers.items() if number in self._written}
        gone = previews_of(file, self._indices, cleaned)
        writer = TiffWriter(self._output.file, file.order)
        for index, ifd in enumerate(file.ifds):
            number = numbers.get(index, 0)
            if index in gone:
                continue
            if number in self._written:
                new, places = self._pages[number]
                writer.add(new, self._spooled(places), file)
            else:
                writer.add(ifd, file.blocks(ifd), file)

    def _spooled(self, places: Sequence[tuple[int, int]]) -> Iterator[bytes]:
        return (self._spool.get(place) for place in places)

    def _close(self) -> None:
        self._spool.close()
        self._output.discard()
