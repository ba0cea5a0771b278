"""Documents that Hypothesis can draw: pages of every mode and packing, in every kind of file."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from hypothesis import strategies as st
from io_samples import add_page, exif, noise, pdf_image, rgb_profile, save_pdf
from pikepdf import Array, Dictionary, Name
from PIL import Image, PngImagePlugin, TiffImagePlugin

from textclean.io.scanlines import encode_scanlines

if TYPE_CHECKING:
    from pathlib import Path

    import pikepdf
    from numpy.typing import NDArray

    from textclean.types import Mask

MODES = {
    "png": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16", "RGB;16", "RGBA;16"),
    "tiff": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16", "CMYK"),
    "bmp": ("1", "L", "P", "RGB"),
    "webp": ("RGB", "RGBA"),
    "jpeg": ("L", "RGB", "CMYK"),
}
PDF_IMAGES = ("flate-1", "flate-L", "flate-RGB", "flate-P", "dct-L", "dct-RGB", "g4", "jpx", "text")
TIFF_PACKINGS = ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "zstd")
SUFFIX = {"png": ".png", "tiff": ".tif", "bmp": ".bmp", "webp": ".webp", "jpeg": ".jpg"}
KINDS = ("folder", "cbz", "pdf", "tiff")
COMIC_INFO = b"""<?xml version="1.0"?>
<ComicInfo><Series>Drawn</Series><Pages><Page Image="0" Type="FrontCover"/></Pages></ComicInfo>"""
LIGHT = 150
"""Paper is lighter than this, so that the fake detector takes only the marks for text."""


@dataclass(frozen=True)
class PageSpec:
    """A page that can be drawn.

    Attributes:
        format: A key of ``MODES``.
        mode: One of its modes.
        width: Pixels across.
        height: Pixels down.
        seed: Of the paper's grain.
        colors: Palette entries.
        ink: Whether there is a dark mark on it.
        alpha: Whether a palette has transparent entries.
        profile: Whether it has an ICC profile.
        dpi: Resolution, or None.
        orientation: EXIF orientation.
        packing: A number that chooses compression, level, quality and the like.
        note: A text chunk, or "".
        pdf: How it is stored in a PDF.
    """

    format: str
    mode: str
    width: int
    height: int
    seed: int
    colors: int
    ink: bool
    alpha: bool
    profile: bool
    dpi: int | None
    orientation: int
    packing: int
    note: str
    pdf: str


@dataclass(frozen=True)
class DocumentSpec:
    """A document of drawn pages.

    Attributes:
        kind: One of ``KINDS``.
        pages: Its pages.
        extras: Whether it holds files that are no pages, notes, bookmarks.
    """

    kind: str
    pages: tuple[PageSpec, ...]
    extras: bool


@st.composite
def pages(draw: st.DrawFn, formats: tuple[str, ...] = tuple(MODES)) -> PageSpec:
    format_ = draw(st.sampled_from(formats))
    return PageSpec(
        format=format_,
        mode=draw(st.sampled_from(MODES[format_])),
        width=draw(st.integers(1, 72)),
        height=draw(st.integers(1, 72)),
        seed=draw(st.integers(0, 2**16)),
        colors=draw(st.integers(2, 256)),
        ink=draw(st.booleans()),
        alpha=draw(st.booleans()),
        profile=draw(st.booleans()),
        dpi=draw(st.none() | st.integers(36, 1200)),
        orientation=draw(st.integers(1, 8)),
        packing=draw(st.integers(0, 9)),
        note=draw(st.sampled_from(("", "scanned", "größer"))),
        pdf=draw(st.sampled_from(PDF_IMAGES)),
    )


@st.composite
def documents(draw: st.DrawFn, kinds: tuple[str, ...] = KINDS) -> DocumentSpec:
    kind = draw(st.sampled_from(kinds))
    formats = ("tiff",) if kind == "tiff" else tuple(MODES)
    drawn = draw(st.lists(pages(formats), min_size=1, max_size=3))
    return DocumentSpec(kind, tuple(drawn), draw(st.booleans()))


def write_document(spec: DocumentSpec, folder: Path) -> Path:
    """Write the document into a folder; its path."""
    path = folder / f"in.{spec.kind}" if spec.kind != "folder" else folder / "in"
    if spec.kind == "pdf":
        return save_pdf(path, lambda pdf: _fill_pdf(spec, pdf))
    if spec.kind == "tiff":
        path.write_bytes(_tiff_of(spec.pages))
        return path
    files = {
        f"part {n % 2}/page {n}{SUFFIX[page.format]}": image_file(page)
        for n, page in enumerate(spec.pages)
    }
    if spec.extras:
        files |= {"ComicInfo.xml": COMIC_INFO, "notes/read me.txt": b"kept"}
    if spec.kind == "cbz":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.comment = b"drawn" if spec.extras else b""
            for name, data in files.items():
                archive.writestr(name, data)
        return path
    for name, data in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


def ink_of(spec: PageSpec) -> Mask:
    """``(H, W)`` bool: where the mark is."""
    mark = np.zeros((spec.height, spec.width), bool)
    if spec.ink:
        mark[spec.height // 3 : spec.height // 3 + 4, spec.width // 4 : spec.width // 2 + 1] = True
        mark[spec.height // 3 : spec.height // 2 + 1, spec.width // 3 : spec.width // 3 + 3] = True
    return mark


def samples_of(spec: PageSpec, mode: str) -> NDArray[Any]:
    """Native samples: light grain, and the mark."""
    shape, mark = (spec.height, spec.width), ink_of(spec)
    base = mode.removesuffix(";16")
    if base == "1":
        return ~mark & (noise(*shape, seed=spec.seed) > 8)
    if base == "P":
        # The first half of the palette is light, the last entry is ink.
        index = noise(*shape, seed=spec.seed, top=max(1, spec.colors - 1))
        return np.where(mark, spec.colors - 1, index).astype(np.uint8)
    channels = {"I": 1}.get(base, len(base))
    wide = mode.endswith(";16")
    grain = noise(*shape, channels, seed=spec.seed, top=256 - LIGHT) + LIGHT
    if base == "CMYK":
        grain = (255 - grain) // 4
        grain[mark] = (0, 0, 0, 240)
    else:
        color = channels - (base in ("LA", "RGBA"))
        grain[..., :color][mark] = 20
    samples = grain.astype(np.uint16 if wide else np.uint8)
    if wide:
        low = noise(*shape, channels, seed=spec.seed + 3).astype(np.uint16)
        samples = samples * np.uint16(256) + low
    return samples[..., 0] if channels == 1 else samples


def palette_of(spec: PageSpec) -> NDArray[np.uint8]:
    """``(N, 3)`` uint8: light colours, the last one dark."""
    table = (noise(spec.colors, 3, seed=spec.seed + 1, top=256 - LIGHT) + LIGHT).astype(np.uint8)
    table[-1] = (10, 12, 20)
    return table


def image_file(spec: PageSpec) -> bytes:
    """The page as an image file of its format."""
    samples = samples_of(spec, spec.mode)
    if spec.mode in ("RGB;16", "RGBA;16"):
        order = [2, 1, 0, 3][: samples.shape[2]]
        return cv2.imencode(".png", samples[..., order])[1].tobytes()
    out = io.BytesIO()
    pillow_image(spec, samples).save(out, spec.format.upper(), **_options(spec))
    return out.getvalue()


def pillow_image(spec: PageSpec, samples: NDArray[Any]) -> Image.Image:
    """The page as a Pillow image."""
    if spec.mode in ("1", "I;16"):
        return Image.fromarray(samples)
    image = Image.frombytes(spec.mode, (spec.width, spec.height), samples.tobytes())
    if spec.mode == "P":
        image.putpalette(palette_of(spec).tobytes())
    return image


def _options(spec: PageSpec) -> dict[str, Any]:
    """What the file's writer is told."""
    options: dict[str, Any] = {}
    if spec.profile and spec.format != "bmp" and spec.mode in ("RGB", "RGBA"):
        options["icc_profile"] = rgb_profile()
    if spec.dpi and spec.format != "webp":
        options["dpi"] = (spec.dpi, spec.dpi)
    if spec.format in ("png", "webp", "jpeg"):
        options["exif"] = exif(spec.orientation)
    return options | _packing(spec)


def _packing(spec: PageSpec) -> dict[str, Any]:
    """What of it is about how the pixels are packed, and text."""
    number = spec.packing
    if spec.format == "png":
        notes = PngImagePlugin.PngInfo()
        if spec.note:
            notes.add_text("Comment", spec.note)
            notes.add_itxt("Titel", spec.note, lang="de", zip=number > 4)
        alpha = noise(spec.colors, seed=spec.seed + 2).tobytes()
        clear = {"transparency": alpha} if spec.mode == "P" and spec.alpha else {}
        return {"compress_level": number, "pnginfo": notes} | clear
    if spec.format == "tiff":
        packing = TIFF_PACKINGS[number % len(TIFF_PACKINGS)]
        if spec.mode == "1" and number > 4:
            packing = "group4"
        tags = {274: spec.orientation} | ({270: spec.note} if spec.note.isascii() else {})
        return {"compression": packing, "tiffinfo": tags}
    if spec.format == "webp":
        lossless = number % 3 > 0
        return {"lossless": lossless, "exact": lossless, "method": 0, "quality": 80}
    if spec.format == "jpeg":
        sampling = {"subsampling": number % 3} if spec.mode == "RGB" else {}
        restarts = {"restart_marker_blocks": 2} if number % 4 == 1 else {}
        comment = {"comment": spec.note.encode()} if spec.note else {}
        quality = {"quality": 60 + 4 * number, "progressive": number % 2 == 0}
        return quality | sampling | restarts | comment
    return {}


def _tiff_of(specs: tuple[PageSpec, ...]) -> bytes:
    """A TIFF whose pages are each packed in their own way."""
    out = io.BytesIO()
    with TiffImagePlugin.AppendingTiffWriter(out) as writer:
        for spec in specs:
            image = pillow_image(spec, samples_of(spec, spec.mode))
            image.save(writer, "TIFF", **_options(spec))
            writer.newFrame()
    return out.getvalue()


def _fill_pdf(spec: DocumentSpec, pdf: pikepdf.Pdf) -> None:
    for page in spec.pages:
        _add_pdf_page(page, pdf)
    if spec.extras:
        pdf.docinfo["/Title"] = "drawn"
        with pdf.open_outline() as outline:
            outline.root.append(_bookmark(pdf))
        note = Dictionary(
            Type=Name.Annot, Subtype=Name.Link, Rect=Array([0, 0, 5, 5]), Border=Array([0, 0, 0])
        )
        pdf.pages[0].obj.Annots = Array([pdf.make_indirect(note)])


def _bookmark(pdf: pikepdf.Pdf) -> Any:
    from pikepdf import OutlineItem

    return OutlineItem("the first page", 0)


def _add_pdf_page(spec: PageSpec, pdf: pikepdf.Pdf) -> None:
    font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
    turned = {"Rotate": 90 * (spec.orientation % 4)}
    if spec.pdf == "text":
        words = b"BT /F1 12 Tf 8 20 Td (Word) Tj ET" if spec.ink else b""
        content = b"0.9 0.95 1 rg 4 4 40 30 re f 0.1 g " + words
        page = add_page(pdf, content, {}, (56, 40), **turned)
    else:
        image = _pdf_image(spec, pdf)
        # Half a point a pixel; under the image the words that a scanner recognized.
        size = (max(spec.width / 2, 3), max(spec.height / 2, 3))
        words = b"BT 3 Tr /F1 4 Tf 1 1 Td (hidden) Tj ET " if spec.note else b""
        content = words + f"q {size[0]} 0 0 {size[1]} 0 0 cm /Im0 Do Q".encode()
        page = add_page(pdf, content, {"Im0": image}, size, **turned)
    page.obj.Resources.Font = Dictionary(F1=font)


def _pdf_image(spec: PageSpec, pdf: pikepdf.Pdf) -> Any:
    codec, _, mode = spec.pdf.partition("-")
    size = {"Width": spec.width, "Height": spec.height}
    if codec == "g4":
        return _g4_image(spec, pdf, size)
    samples = samples_of(spec, mode or "RGB")
    space: Any = Name.DeviceGray if mode in ("1", "L") else Name.DeviceRGB
    if codec in ("dct", "jpx"):
        out = io.BytesIO()
        kind = {"dct": "JPEG", "jpx": "JPEG2000"}[codec]
        options = {"quality": 85} if codec == "dct" else {"irreversible": False}
        Image.fromarray(samples).save(out, kind, **options)
        name = Name.DCTDecode if codec == "dct" else Name.JPXDecode
        return pdf_image(pdf, out.getvalue(), name, space, **size)
    if mode == "P":
        table = pdf.make_stream(palette_of(spec).tobytes())
        space = Array([Name.Indexed, Name.DeviceRGB, spec.colors - 1, table])
    bits, step = (1, 1) if mode == "1" else (8, 3 if mode == "RGB" else 1)
    rows = np.packbits(samples, axis=1) if bits == 1 else samples.reshape(spec.height, -1)
    parms = Dictionary(Predictor=15, Colors=step, Columns=spec.width, BitsPerComponent=bits)
    data = encode_scanlines(rows, step, filtered=spec.packing > 4)
    keys = size | {"BitsPerComponent": bits, "DecodeParms": parms}
    return pdf_image(pdf, data, Name.FlateDecode, space, **keys)


def _g4_image(spec: PageSpec, pdf: pikepdf.Pdf, size: dict[str, int]) -> Any:
    out = io.BytesIO()
    picture = Image.fromarray(samples_of(spec, "1"))
    picture.save(out, "TIFF", compression="group4", tiffinfo={278: spec.height})
    with Image.open(out) as tiff:
        tags = tiff.tag_v2
        at, length = tags[273][0], tags[279][0]
        black_is_1 = tags[262] == 1
    parms = Dictionary(K=-1, Columns=spec.width, Rows=spec.height, BlackIs1=black_is_1)
    data = out.getvalue()[at : at + length]
    keys = size | {"BitsPerComponent": 1, "DecodeParms": parms}
    return pdf_image(pdf, data, Name.CCITTFaxDecode, Name.DeviceGray, **keys)
