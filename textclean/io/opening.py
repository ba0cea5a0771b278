"""Open a document by what it is, and the place where the cleaned one goes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from textclean.errors import FileAccessError, TextcleanError
from textclean.io.archive import ArchiveSink, ArchiveSource
from textclean.io.atomic import is_folder
from textclean.io.document import Document
from textclean.io.document_sink import DocumentSink
from textclean.io.epub import EpubSource
from textclean.io.folder import FolderSource
from textclean.io.guard import MAX_PIXELS, check_file_size
from textclean.io.images import cannot_read, no_image
from textclean.io.naming import kind_of, resolve
from textclean.io.single import ImageSource
from textclean.io.sniff import HEAD_BYTES, IMAGE_KINDS
from textclean.io.tiff_document import TiffSource

if TYPE_CHECKING:
    from textclean.protocols import Source


def open_source(
    path: str | os.PathLike[str],
    *,
    max_pixels: int = MAX_PIXELS,
    pdf_renderer: str = "pdfium",
    pdf_dpi: int = 300,
    password: str | None = None,
    allow_signed: bool = False,
    allow_xfa: bool = False,
) -> Document:
    """Open an image, a folder, a comic archive or a PDF, by its content and not by its name.

    Args:
        path: What to open.
        max_pixels: Pages with more pixels are refused before decoding.
        pdf_renderer: "pdfium" or "poppler", for PDF pages that are not one image.
        pdf_dpi: Resolution at which such pages are rendered.
        password: What opens an encrypted PDF.
        allow_signed: Open a signed PDF; its signatures go when it is changed.
        allow_xfa: Open an XFA form; what makes its pages goes when it is changed.

    Returns:
        The source; close it, or use it in a ``with`` block.

    Raises:
        CorruptInputError: Empty, truncated, damaged, or nothing known.
        FileAccessError: It is not there or cannot be read.
        MissingExtraError: The PDF renderer is not installed.
        ProtectedInputError: Encrypted or signed.
        TooLargeError: Over a limit.
        UnsupportedFormatError: A format or feature that is not handled.
    """
    file = Path(path)
    if is_folder(file):
        return FolderSource(file, max_pixels=max_pixels)
    kind = kind_of(file, _head(file))
    if kind == "pdf":
        # PDF brings two libraries with it that nothing else needs.
        from textclean.io.pdf import PdfSource

        pdf = PdfSource(
            file,
            max_pixels=max_pixels,
            renderer=pdf_renderer,
            dpi=pdf_dpi,
            password=password,
            signed=allow_signed,
            xfa=allow_xfa,
        )
        pdf.max_pixels = max_pixels
        return pdf
    if kind == "epub":
        return EpubSource(file, max_pixels=max_pixels)
    if kind in ("zip", "rar", "7z", "tar"):
        return ArchiveSource(file, max_pixels=max_pixels, kind=kind)
    if kind == "tiff":
        return TiffSource(file, max_pixels=max_pixels)
    if kind in IMAGE_KINDS:
        return ImageSource(file, max_pixels=max_pixels)
    raise no_image(kind).at(source=str(file))


def open_sink(
    source: Source,
    dst: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    to: str | None = None,
) -> DocumentSink:
    """Open the place where the cleaned document goes.

    It has the format of the source, unless the output's name or ``to`` asks for another. RAR, 7z
    and tar archives come back as ZIP (CBZ).

    The output is made under a hidden name and appears whole, on ``commit``. Folders above it are
    created. The input is never overwritten, whatever is asked for.

    Args:
        source: What :func:`open_source` gave.
        dst: The output's name. A file that is to go to an existing folder keeps its name in it;
            a name that ends in a slash stands for a folder of pages when the source is a comic,
            an e-book or a PDF.
        overwrite: Whether an existing output may be replaced.
        to: "cbz", "cb7", "epub", "pdf", "tiff", "folder", or of pictures "png", "webp", "jpeg" or
            "bmp"; None = by the name. Other documents become folders of such pictures.

    Returns:
        The sink; commit or discard it, or use it in a ``with`` block.

    Raises:
        FileAccessError: The output cannot be written, or is the input.
        OptionsError: The output's name is that of another format.
        OutputExistsError: It is there already and ``overwrite`` is off.
    """
    if not isinstance(source, Document):
        raise TypeError("open_sink takes what open_source gave")
    target, chosen = resolve(source.path, kind_of_path(source.path), dst, to)
    if chosen is None:
        return source.open_sink(target, overwrite=overwrite)
    if chosen in ("cbz", "cb7") and type(source) is ArchiveSource:
        packing = "7z" if chosen == "cb7" else "zip"
        return ArchiveSink(source, target, overwrite=overwrite, kind=packing)
    from textclean.io.convert import ConvertSink

    return ConvertSink(source, target, to=chosen, overwrite=overwrite)


def kind_of_path(path: Path) -> str | None:
    """What a path is: "folder", or the kind of file by its content; None = nothing known.

    Raises:
        CorruptInputError: An empty file.
        FileAccessError: It is not there or cannot be read.
    """
    return "folder" if is_folder(path) else kind_of(path, _head(path))


def _head(path: Path) -> bytes:
    """The first bytes of a file.

    Raises:
        CorruptInputError: It is empty.
        FileAccessError: It is not there, not a file, or cannot be read.
    """
    if "\0" in str(path):
        raise FileAccessError(f"{str(path)!r} is not a name that a file can have")
    try:
        if path.exists() and not path.is_file():
            raise FileAccessError(f"{path} is neither a file nor a folder")
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        raise cannot_read(path, error) from None
    try:
        check_file_size(len(head))
    except TextcleanError as error:
        raise error.at(source=str(path)) from None
    return head
