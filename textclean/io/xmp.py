"""The pictures of a document in its XMP metadata."""

from __future__ import annotations

import re
from typing import Final

_XAP: Final = "http://ns.adobe.com/xap/1.0/"


def without_thumbnails(xmp: bytes) -> tuple[bytes, int]:
    """An XMP packet without the pictures of the document in it.

    The rest stays byte for byte, so that nothing of an unknown kind is lost.

    Returns:
        The packet, and how many lists of pictures went.
    """
    encoding = _encoding(xmp)
    try:
        text = xmp.decode(encoding)
    except UnicodeDecodeError:
        return xmp, 0
    count = 0
    for prefix in set(re.findall(rf"xmlns:([\w.-]+)\s*=\s*['\"]{re.escape(_XAP)}['\"]", text)):
        text, found = _without_element(text, f"{prefix}:Thumbnails")
        count += found
    return (text.encode(encoding), count) if count else (xmp, 0)


def _without_element(text: str, name: str) -> tuple[str, int]:
    """The text without all elements of a name and the space before them, and their number."""
    opening = re.compile(rf"<{re.escape(name)}(?:[\s/][^<>]*)?>")
    closing = re.compile(rf"</{re.escape(name)}\s*>")
    kept, at, count = [], 0, 0
    while start := opening.search(text, at):
        end = start if start.group().endswith("/>") else closing.search(text, start.end())
        if end is None:
            break
        kept.append(text[at : start.start()].rstrip())
        at, count = end.end(), count + 1
    return "".join([*kept, text[at:]]), count


def _encoding(xmp: bytes) -> str:
    if xmp.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if xmp[:2] in (b"<\0", b"\0<"):
        return "utf-16-le" if xmp[:1] == b"<" else "utf-16-be"
    return "utf-8"
