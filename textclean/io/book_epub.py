"""Pages put into an EPUB of fixed layout (EPUB 3.3, W3C)."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final
from xml.sax.saxutils import escape, quoteattr

from textclean.io.archive_zip import ZipWriter
from textclean.io.books import SUFFIXES
from textclean.io.images import decode_image
from textclean.io.picture_png import encode_png
from textclean.io.sniff import HEAD_BYTES, sniff
from textclean.native import to_rgb

if TYPE_CHECKING:
    from textclean.io.document import About
    from textclean.types import Metadata

_SHOWN: Final = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}
_MODIFIED: Final = "1980-01-01T00:00:00Z"


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
