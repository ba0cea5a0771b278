"""Pages put into a new archive, e-book or folder, as image files that readers open."""

from __future__ import annotations

import hashlib
import os
import posixpath
import re
import shutil
import uuid
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol
from xml.sax.saxutils import escape, quoteattr

from textclean.errors import InputError, OutputExistsError
from textclean.io.archive_zip import ZipWriter
from textclean.io.atomic import (
    cannot_write,
    is_folder,
    make_folders,
    move_into_place,
    remove_folders,
    temporary_name,
)
from textclean.io.images import decode_image
from textclean.io.picture_png import encode_png
from textclean.io.sevenzip_writer import SevenZipWriter
from textclean.io.sniff import HEAD_BYTES, sniff
from textclean.native import to_rgb

if TYPE_CHECKING:
    from textclean.io.document import About
    from textclean.types import Metadata

SUFFIXES: Final = {
    "png": ".png", "jpeg": ".jpg", "webp": ".webp", "tiff": ".tiff", "bmp": ".bmp", "gif": ".gif",
    "avif": ".avif", "heif": ".heic", "jxl": ".jxl", "jp2": ".jp2",
}  # fmt: skip
_SHOWN: Final = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}
_RESERVED: Final = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_FORBIDDEN: Final = re.compile(r'[\x00-\x1f<>:"|?*\\]')
_MODIFIED: Final = "1980-01-01T00:00:00Z"


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


class EpubBook:
    """A new EPUB of fixed layout: a document around each image (EPUB 3.3, W3C).

    Attributes:
        warnings: What did not come out as it was, one line each.
    """

    def __init__(self, file: BinaryIO, *, max_pixels: int) -> None:
        """Write to ``file``, from its start."""
        self._zip = ZipWriter(file)
        self._max_pixels = max_pixels
        self._pages: list[str] = []
        self._digest = hashlib.sha256()
        self.warnings: list[str] = []
        self._zip.add("mimetype", b"application/epub+zip")
        self._zip.add("META-INF/container.xml", _CONTAINER)

    def add(self, name: str, data: bytes) -> None:
        """Append a page; formats that e-readers need not know become PNG without loss.

        Raises:
            InputError: It cannot be decoded.
        """
        raster = decode_image(data, self._max_pixels)
        kind = sniff(data[:HEAD_BYTES]) or ""
        if kind not in _SHOWN:
            if raster.mode == "CMYK":
                self.warnings.append(f"EPUB: {name}: CMYK colours become RGB")
                raster = replace(raster, mode="RGB", pixels=to_rgb(raster.pixels, "CMYK"))
            data, kind = encode_png(raster), "png"
        height, width = raster.pixels.shape[:2]
        width, height = _upright(width, height, raster.metadata)
        number = len(self._pages) + 1
        image = f"images/{number:04}{SUFFIXES[kind]}"
        self._pages.append(image)
        self._digest.update(hashlib.sha256(data).digest())
        self._zip.add(f"OEBPS/{image}", data)
        page = _PAGE.format(number=number, width=width, height=height, image=f"../{image}")
        self._zip.add(f"OEBPS/pages/{number:04}.xhtml", page.encode())

    def finish(self, about: About) -> None:
        """Write the package file and the table of contents."""
        self._zip.add("OEBPS/nav.xhtml", _nav(len(self._pages)).encode())
        self._zip.add("OEBPS/package.opf", self._package(about).encode())
        self._zip.finish()

    def _package(self, about: About) -> str:
        identity = uuid.UUID(bytes=self._digest.digest()[:16], version=4)
        creators = "".join(f"\n    <dc:creator>{escape(c)}</dc:creator>" for c in about.creators)
        items, spine = [], []
        for number, image in enumerate(self._pages, start=1):
            media = _SHOWN[next(k for k in _SHOWN if SUFFIXES[k] == Path(image).suffix)]
            cover = ' properties="cover-image"' if number == 1 else ""
            items.append(f'<item id="i{number}" href="{image}" media-type="{media}"{cover}/>')
            items.append(
                f'<item id="p{number}" href="pages/{number:04}.xhtml" '
                'media-type="application/xhtml+xml"/>'
            )
            spine.append(f'<itemref idref="p{number}"/>')
        return _PACKAGE.format(
            identity=identity,
            title=escape(about.title or "Untitled"),
            language=escape(about.language or "und"),
            creators=creators,
            modified=_MODIFIED,
            items="\n    ".join(items),
            direction=quoteattr("rtl" if about.right_to_left else "ltr"),
            spine="\n    ".join(spine),
        )


class FolderBook:
    """A new folder of image files, or new files in a folder that is there.

    They wait in a hidden folder inside it, and each gets its name at one stroke.

    Attributes:
        warnings: What did not come out as it was, one line each.
    """

    def __init__(self, dst: Path, *, overwrite: bool) -> None:
        """Create the hidden folder.

        Raises:
            FileAccessError: It cannot be created.
            OutputExistsError: There are files in the folder and ``overwrite`` is off.
        """
        if not overwrite and is_folder(dst) and any(dst.iterdir()):
            raise OutputExistsError(
                f"the folder {dst} is not empty",
                remedy="Choose another name, or ask for its files to be overwritten",
            )
        self.path = dst
        self.warnings: list[str] = []
        self._overwrite = overwrite
        self._folders = make_folders(dst)
        self._waiting = temporary_name(dst / "pages")
        self._files: list[Path] = []
        self._taken: set[str] = set()
        try:
            self._waiting.mkdir()
        except OSError as error:
            remove_folders(self._folders)
            raise cannot_write(dst, error) from None

    def add(self, name: str, data: bytes) -> None:
        """Add a page as it is."""
        kind = sniff(data[:HEAD_BYTES]) or ""
        self.add_other(name + SUFFIXES.get(kind, ".bin"), data)

    def add_other(self, name: str, data: bytes) -> None:
        """Add something that is no page."""
        safe = _free(safe_name(name), self._taken)
        try:
            with (self._waiting / str(len(self._files))).open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise cannot_write(self.path, error) from None
        self._files.append(Path(safe))

    def finish(self, about: About) -> None:
        """Nothing binds files together."""

    def commit(self) -> None:
        """Give all files their names, or none.

        Raises:
            FileAccessError: A file cannot be renamed.
            OutputExistsError: A name is taken and ``overwrite`` is off.
        """
        moved: list[Path] = []
        try:
            for number, file in enumerate(self._files):
                target = self.path / file
                self._folders += make_folders(target.parent)
                new = not target.exists()
                try:
                    move_into_place(self._waiting / str(number), target, overwrite=self._overwrite)
                except OSError as error:
                    raise cannot_write(target, error) from None
                if new:
                    moved.append(target)
        except BaseException:
            for path in moved:
                path.unlink(missing_ok=True)
            raise
        self._folders = []

    def discard(self) -> None:
        """Remove what has no name yet; safe to call twice and after ``commit``."""
        shutil.rmtree(self._waiting, ignore_errors=True)
        remove_folders(self._folders)
        self._folders = []


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


def safe_name(name: str) -> str:
    """A relative path that every system can store, from any name; never outside its folder."""
    parts = [_safe_part(part) for part in name.replace("\\", "/").split("/")]
    return "/".join(part for part in parts if part) or "_"


def _safe_part(part: str) -> str:
    part = _FORBIDDEN.sub("_", part).encode("utf-8", "replace").decode().rstrip(". ")
    if not part.strip("."):
        return ""
    if _RESERVED.fullmatch(part):
        part = f"_{part}"
    stem, suffix = posixpath.splitext(part)
    suffix = suffix[:16]
    while len((stem + suffix).encode()) > 200:
        stem = stem[:-1]
    return (stem + suffix).rstrip(". ") or "_"


def _free(name: str, taken: set[str]) -> str:
    """The name, or one with a number where it is taken, capitals beside small letters."""
    stem, suffix = posixpath.splitext(name)
    other, count = name, 1
    while other.casefold() in taken:
        count += 1
        other = f"{stem} ({count}){suffix}"
    taken.add(other.casefold())
    return other


def _upright(width: int, height: int, metadata: Metadata) -> tuple[int, int]:
    return (width, height) if metadata.orientation < 5 else (height, width)


def _nav(count: int) -> str:
    links = "\n".join(
        f'      <li><a href="pages/{n:04}.xhtml">{n}</a></li>' for n in range(1, count + 1)
    )
    return _NAV.format(first="pages/0001.xhtml", links=links)


_CONTAINER: Final = b"""<?xml version="1.0" encoding="UTF-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
  <rootfiles>
    <rootfile full-path="OEBPS/package.opf" media-type="application/oebps-package+xml"/>
  </rootfiles>
</container>
"""
_PAGE: Final = """<?xml version="1.0" encoding="UTF-8"?>
<html xmlns="http://www.w3.org/1999/xhtml">
<head>
  <title>{number}</title>
  <meta name="viewport" content="width={width}, height={height}"/>
  <style>html, body {{ margin: 0; padding: 0; }} img {{ width: 100%; height: 100%; }}</style>
</head>
<body><img src="{image}" alt=""/></body>
</html>
"""
_NAV: Final = """<?xml version="1.0" encoding="UTF-8"?>
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops">
<head><title>Pages</title></head>
<body>
  <nav epub:type="toc"><ol><li><a href="{first}">1</a></li></ol></nav>
  <nav epub:type="page-list" hidden="">
    <ol>
{links}
    </ol>
  </nav>
</body>
</html>
"""
_PACKAGE: Final = """<?xml version="1.0" encoding="UTF-8"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id">
  <metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
    <dc:identifier id="id">urn:uuid:{identity}</dc:identifier>
    <dc:title>{title}</dc:title>
    <dc:language>{language}</dc:language>{creators}
    <meta property="dcterms:modified">{modified}</meta>
    <meta property="rendition:layout">pre-paginated</meta>
    <meta property="rendition:spread">auto</meta>
  </metadata>
  <manifest>
    <item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
    {items}
  </manifest>
  <spine page-progression-direction={direction}>
    {spine}
  </spine>
</package>
"""
