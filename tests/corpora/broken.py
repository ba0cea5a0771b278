"""Makes a small set of broken and hostile files: ``python tests/corpora/broken.py DIR``.

Everything is made from pages that are drawn here; the same names and bytes every time.
"""

from __future__ import annotations

import io
import struct
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pikepdf
from pikepdf import Array, Dictionary, Name
from PIL import Image

_CUTS = (0.0, 0.02, 0.3, 0.7, 0.98)
_FLIPS = 6
_DATE = (2001, 1, 1, 0, 0, 0)


def main() -> None:
    """Write them to the folder that is named."""
    if len(sys.argv) != 2:
        raise SystemExit("usage: broken.py DIR")
    folder = Path(sys.argv[1])
    count = 0
    for name, data in broken_files():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        count += 1
    print(f"{count} files in {folder}")  # noqa: T201


def broken_files() -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each: "kind-of-damage/format-number.suffix".

    Those under "hostile" must be refused; those under "whole" must be read.
    """
    samples = whole_files()
    for name, data in samples.items():
        yield f"whole/{name}", data
        stem, suffix = name.rsplit(".", 1)
        for number, share in enumerate(_CUTS):
            yield f"cut/{stem}-{number}.{suffix}", data[: int(len(data) * share)]
        random = np.random.default_rng(len(data))
        for number in range(_FLIPS):
            yield f"flipped/{stem}-{number}.{suffix}", flipped(data, random)
        yield f"junk-behind/{stem}.{suffix}", data + bytes(random.integers(0, 256, 99).tolist())
    for name, data in hostile_files():
        yield f"hostile/{name}", data


def flipped(data: bytes, random: np.random.Generator) -> bytes:
    """The data with some bits flipped, more often near the start, where headers are."""
    changed = bytearray(data)
    for _ in range(int(random.integers(1, 6))):
        end = len(data) if random.integers(2) else min(len(data), 200)
        changed[int(random.integers(end))] ^= 1 << int(random.integers(8))
    return bytes(changed)


def whole_files() -> dict[str, bytes]:
    """Small sound files of all kinds."""
    y, x = np.mgrid[:48, :40]
    pixels = np.stack([x * 6, y * 5, 255 - x * 3], axis=2).astype(np.uint8)
    color = Image.fromarray(pixels)
    grey, black = color.convert("L"), color.convert("1")

    def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
        out = io.BytesIO()
        image.save(out, kind, **options)
        return out.getvalue()

    found = {
        "rgb.png": saved(color, "PNG", dpi=(300, 300)),
        "palette.png": saved(color.quantize(16), "PNG"),
        "color.jpg": saved(color, "JPEG", quality=80),
        "progressive.jpg": saved(color, "JPEG", progressive=True),
        "restarts.jpg": saved(grey, "JPEG", restart_marker_rows=1),
        "lossless.webp": saved(color, "WEBP", lossless=True),
        "lossy.webp": saved(color, "WEBP"),
        "lzw.tif": saved(color, "TIFF", compression="tiff_lzw"),
        "g4.tif": saved(black, "TIFF", compression="group4"),
        "jpeg.tif": saved(color, "TIFF", compression="jpeg"),
        "rgb.bmp": saved(color, "BMP"),
        "color.jp2": saved(color, "JPEG2000", irreversible=False),
    }
    pages = [found["rgb.png"], found["color.jpg"]]
    return found | {"book.cbz": zipped(pages), "book.cbt": tarred(pages), "book.pdf": pdf_of(pages)}


def zipped(pages: list[bytes]) -> bytes:
    """A comic archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, page in enumerate(pages):
            archive.writestr(zipfile.ZipInfo(f"{number}.png", _DATE), page)
    return out.getvalue()


def tarred(pages: list[bytes]) -> bytes:
    """A comic archive without compression."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for number, page in enumerate(pages):
            entry = tarfile.TarInfo(f"{number}.png")
            entry.size = len(page)
            archive.addfile(entry, io.BytesIO(page))
    return out.getvalue()


def pdf_of(pages: list[bytes], width: int = 40, height: int = 48) -> bytes:
    """A PDF of one scan: the pages' JPEG; and of one page that says a word."""
    with pikepdf.new() as pdf:
        image = pdf.make_stream(
            pages[-1], Type=Name.XObject, Subtype=Name.Image, Width=width, Height=height,
            ColorSpace=Name.DeviceRGB, BitsPerComponent=8, Filter=Name.DCTDecode,
        )  # fmt: skip
        page = pdf.add_blank_page(page_size=(40, 48))
        page.obj.Resources = Dictionary(XObject=Dictionary(Im0=image))
        page.obj.Contents = pdf.make_stream(b"q 40 0 0 48 0 0 cm /Im0 Do Q")
        second = pdf.add_blank_page(page_size=(40, 48))
        font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
        second.obj.Resources = Dictionary(Font=Dictionary(F1=font))
        second.obj.Contents = pdf.make_stream(b"BT /F1 12 Tf 4 20 Td (word) Tj ET")
        out = io.BytesIO()
        pdf.save(out, deterministic_id=True)
    return out.getvalue()


def hostile_files() -> Iterator[tuple[str, bytes]]:
    """Files that lie, point in circles, unpack to far too much, or lead out of their folder."""
    whole = whole_files()
    yield "empty.png", b""
    yield "words.png", b"This is not a picture.\n" * 20
    yield "html.jpg", b"<!DOCTYPE html><html><body>404</body></html>"
    yield from hostile_images(whole)
    yield from hostile_archives(whole["rgb.png"])
    yield from hostile_pdfs(whole["color.jpg"])


def png_chunk(kind: bytes, data: bytes) -> bytes:
    """A PNG chunk."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, stream: bytes, *more: bytes) -> bytes:
    """A grey PNG that says it is of some size."""
    head = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    end = png_chunk(b"IDAT", stream) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(more) + end


def hostile_images(whole: dict[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """Images."""
    little, zeros = zlib.compress(bytes(100)), zlib.compress(bytes(64 << 20), 9)
    yield "large.png", png(60_000, 60_000, little)
    yield "short.png", png(400, 400, little)
    yield "nothing.png", png(0, 0, little)
    yield "twice.png", png(40, 48, little) + whole["rgb.png"]
    yield "chunk-length.png", whole["rgb.png"][:33] + b"\xff\xff\xff\xf0IDAT" + bytes(50)
    yield "profile-bomb.png", png(400, 400, little, png_chunk(b"iCCP", b"x\0\0" + zeros))
    jpeg = whole["color.jpg"]
    at = jpeg.index(b"\xff\xc0")
    yield "large.jpg", jpeg[: at + 5] + b"\xff\xdc\xff\xdc" + jpeg[at + 9 :]
    yield "components.jpg", jpeg[: at + 9] + b"\xff" + jpeg[at + 10 :]
    yield "only-header.jpg", jpeg[: jpeg.index(b"\xff\xda")]
    yield "circle.tif", b"II*\0\x08\0\0\0\0\0\x08\0\0\0"
    yield "itself.tif", b"II*\0\x08\0\0\0\x01\0" + struct.pack("<HHII", 330, 4, 1, 8) + bytes(4)
    yield "many-tags.tif", b"II*\0\x08\0\0\0\xff\xff" + bytes(400)
    tags = [(256, 60000), (257, 60000), (258, 8), (259, 1), (262, 1), (273, 8), (277, 1), (279, 9)]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    yield "large.tif", b"II*\0\x08\0\0\0" + struct.pack("<H", len(tags)) + entries + bytes(4)
    huge = struct.pack("<HHII", 273, 4, 0xFFFFFFF0, 8)
    yield "count.tif", b"II*\0\x08\0\0\0\x01\0" + huge + bytes(4)
    yield "large.bmp", whole["rgb.bmp"][:18] + struct.pack("<ii", 2**30, 2**30) + bytes(200)
    yield "negative.bmp", whole["rgb.bmp"][:18] + struct.pack("<ii", -5, -(2**31)) + bytes(200)
    webp = whole["lossless.webp"]
    yield "length.webp", webp[:16] + b"\xff\xff\xff\x7f" + webp[20:]


def hostile_archives(page: bytes) -> Iterator[tuple[str, bytes]]:
    """Archives."""

    def archive(*entries: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
            for name, data in entries:
                known = isinstance(name, zipfile.ZipInfo)
                made.writestr(name if known else zipfile.ZipInfo(name, _DATE), data)
        return out.getvalue()

    yield "parent.cbz", archive(("../../1.png", page))
    yield "absolute.cbz", archive(("/etc/1.png", page))
    yield "drive.cbz", archive(("C:\\1.png", page))
    link = zipfile.ZipInfo("1.png", _DATE)
    link.external_attr = 0o120777 << 16
    yield "link.cbz", archive((link, b"/etc/passwd"))
    yield "bomb.cbz", archive(("1.png", bytes(40 << 20)))
    yield "no-pages.cbz", archive(("readme.txt", b"no pages"))
    sound = archive(("1.png", page))
    # The directory tells another size than the entry has.
    at = sound.rindex(b"PK\x01\x02") + 24
    yield "size.cbz", sound[:at] + struct.pack("<I", 10) + sound[at + 4 :]
    yield "directory.cbz", sound[: sound.rindex(b"PK\x01\x02")] + sound[-22:]
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        entry = tarfile.TarInfo("1.png")
        entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(entry)
    yield "link.cbt", out.getvalue()
    yield "header.cb7", b"7z\xbc\xaf\x27\x1c\0\x04" + b"\xff" * 24
    yield "header.cbr", b"Rar!\x1a\x07\x01\0" + b"\xff" * 40


def hostile_pdfs(jpeg: bytes) -> Iterator[tuple[str, bytes]]:
    """PDF files; a damaged page tree, and images that lie."""
    yield "only-header.pdf", b"%PDF-1.7\n%%EOF\n"
    loop = (
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
        b"2 0 obj<</Type/Pages/Count 1/Kids[2 0 R]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF"
    )
    yield "loop.pdf", loop
    with pikepdf.new() as pdf:
        image = pdf.make_stream(
            zlib.compress(bytes(64 << 20), 9), Type=Name.XObject, Subtype=Name.Image, Width=90_000,
            Height=90_000, ColorSpace=Name.DeviceGray, BitsPerComponent=8, Filter=Name.FlateDecode,
        )  # fmt: skip
        page = pdf.add_blank_page(page_size=(14_000, 14_000))
        page.obj.Resources = Dictionary(XObject=Dictionary(Im0=image))
        page.obj.Contents = pdf.make_stream(b"q 14000 0 0 14000 0 0 cm /Im0 Do Q")
        page.obj.MediaBox = Array([0, 0, 14_000, 14_000])
        out = io.BytesIO()
        pdf.save(out, deterministic_id=True)
    yield "large.pdf", out.getvalue()


if __name__ == "__main__":
    main()
