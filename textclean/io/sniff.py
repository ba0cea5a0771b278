"""What a file is, by its first bytes; names and extensions are not trusted."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Final

HEAD_BYTES: Final = 1024
"""How many bytes from the start of a file :func:`sniff` may look at."""

IMAGE_KINDS: Final = frozenset({"png", "jpeg", "webp", "tiff", "bmp", "jp2", "avif", "jxl"})
"""Page formats that are read and written."""

FOREIGN_IMAGES: Final = {
    "gif": "GIF",
    "heif": "HEIF",
    "ico": "Windows icon",
    "pnm": "Netpbm (PBM, PGM, PPM)",
    "pcx": "PCX",
}
"""Page formats that are recognized only to be refused by name."""

FOREIGN_DOCUMENTS: Final = {
    "rar": "RAR (CBR)",
    "7z": "7-Zip (CB7)",
    "gzip": "gzip",
    "xz": "xz",
    "psd": "Photoshop",
    "ps": "PostScript",
    "djvu": "DjVu",
}
"""Document formats that are recognized only to be refused by name."""

_SUFFIXES: Final = {
    ".png": "png",
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
    ".jpe": "jpeg",
    ".jfif": "jpeg",
    ".webp": "webp",
    ".tif": "tiff",
    ".tiff": "tiff",
    ".bmp": "bmp",
    ".dib": "bmp",
    ".gif": "gif",
    ".avif": "avif",
    ".heic": "heif",
    ".heif": "heif",
    ".jxl": "jxl",
    ".pbm": "pnm",
    ".pgm": "pnm",
    ".pnm": "pnm",
    ".ppm": "pnm",
    ".pcx": "pcx",
    ".jp2": "jp2",
    ".j2k": "jp2",
    ".jpx": "jp2",
    ".pdf": "pdf",
    ".zip": "zip",
    ".cbz": "zip",
}

_PREFIXES: Final = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"II+\x00", "tiff"),
    (b"MM\x00+", "tiff"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"\xff\x0a", "jxl"),
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "jxl"),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "jp2"),
    (b"\xff\x4f\xff\x51", "jp2"),
    (b"\x00\x00\x01\x00", "ico"),
    (b"Rar!\x1a\x07", "rar"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"\x1f\x8b", "gzip"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"8BPS", "psd"),
    (b"%!PS", "ps"),
    (b"AT&TFORM", "djvu"),
)

# A size or a comment follows; "P5 is ..." may begin a text.
_NETPBM: Final = re.compile(rb"P[1-6]\s+[#\d]|P7\s+(#|WIDTH|HEIGHT|DEPTH|MAXVAL|TUPLTYPE)")
_BMP_HEADERS: Final = frozenset({12, 16, 40, 52, 56, 64, 108, 124})


def sniff(head: bytes) -> str | None:
    """The kind of file that starts with ``head``, or None when it is nothing known.

    Args:
        head: The first :data:`HEAD_BYTES` bytes, or all of a shorter file.

    Returns:
        A member of :data:`IMAGE_KINDS`, a key of :data:`FOREIGN_IMAGES` or
        :data:`FOREIGN_DOCUMENTS`, "zip", "pdf", or None.
    """
    for prefix, kind in _PREFIXES:
        if head.startswith(prefix):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if _NETPBM.match(head):
        return "pnm"
    if head[:1] == b"\n" and head[1:2] in b"\0\2\3\4\5" and head[2:3] == b"\1":
        return "pcx"
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return "bmp"
    if head[4:8] == b"ftyp":
        return _iso_brand(head)
    # The PDF header may be preceded by junk, within the first 1024 bytes (ISO 32000-1, annex H).
    return "pdf" if b"%PDF-" in head[:HEAD_BYTES] else None


def kind_of_suffix(name: str) -> str | None:
    """The kind that the extension of a file name stands for, or None."""
    return _SUFFIXES.get(PurePosixPath(name).suffix.lower())


def is_page(name: str, head: bytes) -> bool:
    """Whether a file among others is a page: an image by its content or by its extension.

    A file that only claims to be an image counts: it is a damaged page, to be reported, and not
    a bystander. Hidden files and folders and the resource forks that macOS adds do not count.
    """
    path = PurePosixPath(name)
    if any(part.startswith(".") or part == "__MACOSX" for part in path.parts):
        return False
    images = IMAGE_KINDS | FOREIGN_IMAGES.keys()
    kind = sniff(head)
    return kind in images or (kind is None and kind_of_suffix(name) in images)


def _iso_brand(head: bytes) -> str | None:
    brand = head[8:12]
    # AV1 images may call themselves images in general, and themselves among the compatible brands.
    listed = head[16 : int.from_bytes(head[:4], "big")]
    if brand in (b"avif", b"avis") or (brand in (b"mif1", b"miaf") and b"avif" in listed):
        return "avif"
    if brand in (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1"):
        return "heif"
    return None
