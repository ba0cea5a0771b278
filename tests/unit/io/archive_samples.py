"""Small archives of every kind, made on the spot."""

from __future__ import annotations

import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from typing import TYPE_CHECKING

from textclean.io import sevenzip_spec as sz
from textclean.io.sevenzip_writer import _number, _property

if TYPE_CHECKING:
    from pathlib import Path


def make_tar(path: Path, entries: dict[str, bytes], mode: str = "w", **options: object) -> Path:
    """A tar; ``options`` as for :func:`tarfile.open`."""
    with tarfile.open(path, mode, **options) as file:  # type: ignore[call-overload]
        for name, data in entries.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            file.addfile(info, io.BytesIO(data))
    return path


def make_7z(
    path: Path,
    entries: dict[str, bytes],
    *,
    method: bytes = b"\x21",
    properties: bytes = b"\x10",
    attributes: int | None = None,
    sizes: list[int] | None = None,
) -> Path:
    """A 7z whose entries are packed together, as 7-Zip does, with LZMA2 or what is told."""
    raw = b"".join(entries.values())
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 20}]
    packed = lzma.compress(raw, lzma.FORMAT_RAW, filters=filters)
    told = sizes or [len(data) for data in entries.values()]
    coder = bytes([0x20 | len(method)]) + method + bytes([len(properties)]) + properties
    header = bytes([sz.HEADER, sz.MAIN, sz.PACK]) + _number(0) + _number(1)
    header += bytes([sz.SIZE]) + _number(len(packed)) + bytes([sz.END, sz.UNPACK, sz.FOLDER, 1, 0])
    header += b"\1" + coder + bytes([sz.SIZES]) + _number(sum(told)) + bytes([sz.END])
    header += bytes([sz.SUBSTREAMS, sz.COUNTS]) + _number(len(told))
    if len(told) > 1:
        header += bytes([sz.SIZE]) + b"".join(map(_number, told[:-1]))
    sums = (zlib.crc32(data) for data in entries.values())
    header += bytes([sz.CRC, 1]) + b"".join(struct.pack("<I", crc) for crc in sums)
    header += bytes([sz.END, sz.END, sz.FILES]) + _number(len(told))
    names = b"".join(name.encode("utf-16-le") + b"\0\0" for name in entries)
    header += _property(sz.NAMES, b"\0" + names)
    if attributes is not None:
        values = struct.pack("<I", attributes) * len(told)
        header += _property(sz.ATTRIBUTES, b"\1\0" + values)
    header += bytes([sz.END, sz.END])
    start = struct.pack("<QQI", len(packed), len(header), zlib.crc32(header))
    mark = sz.SIGNATURE + b"\0\4" + struct.pack("<I", zlib.crc32(start)) + start
    path.write_bytes(mark + packed + header)
    return path


def make_rar(
    path: Path,
    entries: dict[str, bytes] | list[tuple[str, bytes]],
    *,
    method: int = 0,
    sizes: dict[str, int] | None = None,
    link: str | None = None,
) -> Path:
    """A RAR 5, stored; with another method it only says that it is packed."""
    out = b"Rar!\x1a\x07\x01\0" + _rar_block(b"\1\0\0")
    for name, data in entries.items() if isinstance(entries, dict) else entries:
        size = (sizes or {}).get(name, len(data))
        extra = b""
        if link is not None:
            target = link.encode()
            record = b"\5\1\0" + _vint(len(target)) + target
            extra = _vint(len(record)) + record
        raw = name.encode()
        body = b"\2" + _vint(2 | bool(extra))
        body += (_vint(len(extra)) if extra else b"") + _vint(len(data)) + _vint(4)
        body += _vint(size) + _vint(0o100644) + struct.pack("<I", zlib.crc32(data))
        body += _vint(method << 7) + _vint(1) + _vint(len(raw)) + raw + extra
        out += _rar_block(body) + data
    path.write_bytes(out + _rar_block(b"\5\0\0"))
    return path


def make_epub(
    path: Path,
    pages: dict[str, bytes],
    *,
    fixed: bool = True,
    words: str = "",
    direction: str = "rtl",
    svg: bool = False,
    rest: dict[str, bytes] | None = None,
) -> Path:
    """An EPUB whose documents are in the folder above that of the images."""
    items, spine = [], []
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("mimetype", "application/epub+zip")
        file.writestr(
            "META-INF/container.xml",
            '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
            '<rootfile full-path="O/p.opf"/></rootfiles></container>',
        )
        for number, (name, data) in enumerate(pages.items()):
            tag = f'<img src="img/{name}"/>'
            if svg:
                tag = f'<svg><image xlink:href="img/{name}"/></svg>'
            file.writestr(
                f"O/{number}.xhtml",
                f"<html><head><title>nothing</title></head><body>&nbsp;{words}{tag}</body></html>",
            )
            file.writestr(f"O/img/{name}", data)
            items.append(f'<item id="d{number}" href="{number}.xhtml" media-type="x/html"/>')
            items.append(f'<item id="i{number}" href="img/{name}" media-type="image/png"/>')
            spine.append(f'<itemref idref="d{number}"/>')
        layout = '<meta property="rendition:layout">pre-paginated</meta>' if fixed else ""
        file.writestr(
            "O/p.opf",
            '<package xmlns="http://www.idpf.org/2007/opf"><metadata '
            'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>A &amp; B</dc:title>'
            f"{layout}</metadata><manifest>{''.join(items)}</manifest>"
            f'<spine page-progression-direction="{direction}">{"".join(spine)}</spine></package>',
        )
        for name, data in (rest or {}).items():
            file.writestr(name, data)
    return path


def _vint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _rar_block(body: bytes) -> bytes:
    sized = _vint(len(body)) + body
    return struct.pack("<I", zlib.crc32(sized)) + sized
