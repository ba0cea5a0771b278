"""Open a document by what it is, and the place where the cleaned one goes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from textclean.errors import FileAccessError, OptionsError, TextcleanError, UnsupportedFormatError
from textclean.io.archive import ArchiveSource
from textclean.io.atomic import is_folder
from textclean.io.document import Document, DocumentSink
from textclean.io.folder import FolderSource
from textclean.io.guard import MAX_PIXELS, check_file_size
from textclean.io.images import cannot_read, no_image
from textclean.io.single import ImageSource
from textclean.io.sniff import HEAD_BYTES, IMAGE_KINDS, kind_of_suffix, sniff
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
) -> Document:
    """Open an image, a folder, a comic archive or a PDF, by its content and not by its name.

    Args:
        path: What to open.
        max_pixels: Pages with more pixels are refused before decoding.
        pdf_renderer: "pdfium" or "poppler", for PDF pages that are not one image.
        pdf_dpi: Resolution at which such pages are rendered.
        password: What opens an encrypted PDF.

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
    kind = sniff(_head(file))
    if kind == "pdf":
        # PDF brings two libraries with it that nothing else needs.
        from textclean.io.pdf import PdfSource

        return PdfSource(
            file, max_pixels=max_pixels, renderer=pdf_renderer, dpi=pdf_dpi, password=password
        )
    if kind == "zip":
        return ArchiveSource(file, max_pixels=max_pixels)
    if kind == "tiff":
        return TiffSource(file, max_pixels=max_pixels)
    if kind in IMAGE_KINDS:
        return ImageSource(file, max_pixels=max_pixels)
    if kind in ("rar", "7z"):
        raise UnsupportedFormatError(
            f"this is a {kind.upper()} archive, which is not handled",
            remedy="Pack the pages as ZIP (CBZ) instead",
            source=str(file),
        )
    raise no_image(kind).at(source=str(file))


def open_sink(
    source: Source, dst: str | os.PathLike[str], *, overwrite: bool = False
) -> DocumentSink:
    """Open the place where the cleaned document goes, in the format of the source.

    The output is made under a hidden name and appears whole, on ``commit``. Folders above it are
    created. The input is never overwritten, whatever is asked for.

    Args:
        source: What :func:`open_source` gave.
        dst: The output's name. A file that is to go to an existing folder keeps its name in it.
        overwrite: Whether an existing output may be replaced.

    Returns:
        The sink; commit or discard it, or use it in a ``with`` block.

    Raises:
        FileAccessError: The output cannot be written, or is the input.
        OptionsError: The output's name is that of another format.
        OutputExistsError: It is there already and ``overwrite`` is off.
    """
    if not isinstance(source, Document):
        raise TypeError("open_sink takes what open_source gave")
    target = Path(dst)
    if not is_folder(source.path):
        if is_folder(target) or os.fspath(dst).endswith(("/", os.sep)):
            target = target / source.path.name
        _refuse_other_format(source.path, target)
    return source.open_sink(target, overwrite=overwrite)


def _refuse_other_format(path: Path, target: Path) -> None:
    """A name that says PNG with a JPEG behind it would mislead everybody."""
    if target.suffix.lower() == path.suffix.lower():
        return
    named, kind = kind_of_suffix(target.name), sniff(_head(path))
    if named is not None and named != kind:
        raise OptionsError(
            f"the output {target} is named as {named.upper()}, but the input is "
            f"{(kind or 'unknown').upper()} and keeps its format",
            remedy=f"Name it {target.with_suffix(path.suffix).name}",
        )


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
