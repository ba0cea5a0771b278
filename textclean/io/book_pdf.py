"""Pages put into a new PDF, each as one image of the page's size, written as they come.

What is compressed already is not compressed again: a JPEG's bytes stand there as DCT, a PNG's as
Flate, a one-strip Group 4 TIFF's as CCITT. Everything else is stored without loss. Only one page
is in memory at a time (ISO 32000-1, 7.5 and 8.9).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, BinaryIO, Final

from textclean.io.book_images import PdfImage, pdf_image
from textclean.io.images import decode_image

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textclean.io.document import About
    from textclean.types import Metadata

DEFAULT_DPI: Final = 96.0
"""Resolution of a page whose file tells none, as web browsers have it."""

_LARGEST, _SMALLEST = 14400.0, 3.0  # points; annex C
_CATALOG, _PAGES, _INFO = 1, 2, 3


class PdfBook:
    """Writes a PDF.

    Attributes:
        suffix: Of the file's name.
        warnings: What did not come out as it was, one line each.
    """

    suffix = ".pdf"

    def __init__(self, file: BinaryIO, *, max_pixels: int) -> None:
        """Write to ``file``, from its start."""
        self._file = file
        self._max_pixels = max_pixels
        self._offsets: dict[int, int] = {}
        self._next = 4
        self._pages: list[int] = []
        self._profiles: dict[bytes, int] = {}
        self._digest = hashlib.sha256()
        self.warnings: list[str] = []
        self._guessed = 0
        self._put(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")

    def add(self, name: str, data: bytes) -> None:
        """Append a page.

        Args:
            name: The page's name, for nothing but messages.
            data: An image file.

        Raises:
            InputError: It cannot be decoded.
        """
        raster = decode_image(data, self._max_pixels)
        image = pdf_image(data, raster)
        size = self._points(raster.metadata, image.width, image.height)
        soft = self._image(image.soft_mask) if image.soft_mask is not None else None
        picture = self._image(image, soft)
        matrix = _matrix(raster.metadata.orientation, *size)
        content = f"q {' '.join(map(_decimal, matrix))} cm /Im0 Do Q".encode()
        stream = self._object(f"<< /Length {len(content)} >>", content)
        self._pages.append(
            self._object(
                f"<< /Type /Page /Parent {_PAGES} 0 R /MediaBox [0 0 "
                f"{_decimal(size[0])} {_decimal(size[1])}] /Contents {stream} 0 R "
                f"/Resources << /XObject << /Im0 {picture} 0 R >> >> >>"
            )
        )

    def finish(self, about: About) -> None:
        """Write what binds the pages together."""
        kids = " ".join(f"{number} 0 R" for number in self._pages)
        self._object(f"<< /Type /Pages /Count {len(self._pages)} /Kids [{kids}] >>", number=_PAGES)
        turned = " /ViewerPreferences << /Direction /R2L >>" if about.right_to_left else ""
        language = f" /Lang {_text(about.language)}" if about.language else ""
        self._object(f"<< /Type /Catalog /Pages {_PAGES} 0 R{turned}{language} >>", number=_CATALOG)
        told = {"Title": about.title, "Author": ", ".join(about.creators), "Producer": "textclean"}
        info = " ".join(f"/{key} {_text(value)}" for key, value in told.items() if value)
        self._object(f"<< {info} >>", number=_INFO)
        self._trailer()
        if self._guessed:
            self.warnings.append(
                f"PDF: {self._guessed} page{'s' * (self._guessed > 1)} without a resolution: "
                f"{DEFAULT_DPI:.0f} dpi were assumed"
            )

    def _points(self, metadata: Metadata, width: int, height: int) -> tuple[float, float]:
        """Width and height of the page, upright, in points."""
        across, down = metadata.dpi or (0.0, 0.0)
        size = (width * 72 / across, height * 72 / down) if across and down else (0.0, 0.0)
        if not all(_SMALLEST <= side <= _LARGEST for side in size):
            self._guessed += 1
            longest = max(width, height)
            dpi = max(DEFAULT_DPI, longest * 72 / _LARGEST)
            size = width * 72 / dpi, height * 72 / dpi
        return size if metadata.orientation < 5 else size[::-1]

    def _image(self, image: PdfImage, soft: int | None = None) -> int:
        keys: dict[str, str] = {
            "Type": "/XObject",
            "Subtype": "/Image",
            "Width": str(image.width),
            "Height": str(image.height),
            "BitsPerComponent": str(image.bits),
            "ColorSpace": self._space(image),
            "Filter": f"/{image.filter}",
            "Length": str(len(image.data)),
        }
        keys |= image.keys
        if soft is not None:
            keys["SMask"] = f"{soft} 0 R"
        return self._object(_dictionary(keys), image.data)

    def _space(self, image: PdfImage) -> str:
        if image.icc is None:
            base = image.space
        else:
            base = f"[/ICCBased {self._profile(image.icc, image.space)} 0 R]"
        if image.palette is None:
            return base
        return f"[/Indexed {base} {len(image.palette) // 3 - 1} <{image.palette.hex()}>]"

    def _profile(self, icc: bytes, space: str) -> int:
        """A profile that several pages share is stored once."""
        key = hashlib.sha256(icc).digest()
        if key not in self._profiles:
            components = {"/DeviceGray": 1, "/DeviceRGB": 3, "/DeviceCMYK": 4}[space]
            keys = {"N": str(components), "Alternate": space, "Length": str(len(icc))}
            self._profiles[key] = self._object(_dictionary(keys), icc)
        return self._profiles[key]

    def _object(self, body: str, stream: bytes | None = None, number: int | None = None) -> int:
        if number is None:
            number = self._next
            self._next += 1
        self._offsets[number] = self._file.tell()
        self._put(f"{number} 0 obj\n{body}\n".encode("latin-1"))
        if stream is not None:
            self._put(b"stream\n")
            self._put(stream)
            self._put(b"\nendstream\n")
        self._put(b"endobj\n")
        return number

    def _trailer(self) -> None:
        start = self._file.tell()
        rows = [b"0000000000 65535 f \n"]
        rows += [f"{self._offsets[n]:010} 00000 n \n".encode() for n in range(1, self._next)]
        identity = self._digest.hexdigest()[:32]
        self._put(b"xref\n0 %d\n" % len(rows) + b"".join(rows))
        self._put(
            f"trailer\n<< /Size {self._next} /Root {_CATALOG} 0 R /Info {_INFO} 0 R "
            f"/ID [<{identity}> <{identity}>] >>\nstartxref\n{start}\n%%EOF\n".encode()
        )

    def _put(self, data: bytes) -> None:
        self._file.write(data)
        self._digest.update(data)


def _matrix(orientation: int, width: float, height: float) -> tuple[float, ...]:
    """Maps the unit square of an image as stored to the upright page of this size."""
    w, h = width, height
    return {
        1: (w, 0.0, 0.0, h, 0.0, 0.0),
        2: (-w, 0.0, 0.0, h, w, 0.0),
        3: (-w, 0.0, 0.0, -h, w, h),
        4: (w, 0.0, 0.0, -h, 0.0, h),
        5: (0.0, -h, -w, 0.0, w, h),
        6: (0.0, -h, w, 0.0, 0.0, h),
        7: (0.0, h, w, 0.0, 0.0, 0.0),
        8: (0.0, h, -w, 0.0, w, 0.0),
    }[orientation]


def _decimal(value: float) -> str:
    text = f"{value:.4f}".rstrip("0").rstrip(".")
    return "0" if text in ("", "-0") else text


def _dictionary(keys: Mapping[str, str]) -> str:
    return "<< " + " ".join(f"/{key} {value}" for key, value in keys.items()) + " >>"


def _text(value: str) -> str:
    """A text string: UTF-16 with its mark, in hexadecimal digits."""
    return "<" + (b"\xfe\xff" + value.encode("utf-16-be", "replace")).hex() + ">"
