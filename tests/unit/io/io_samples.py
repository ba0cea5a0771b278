"""Small pages and documents made on the spot, and a way to clean a part of them."""

from __future__ import annotations

import io
import zlib
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pikepdf
from pikepdf import Array, Dictionary, Name
from PIL import Image, ImageCms

from textclean.io import open_sink, open_source
from textclean.native import merge, stored, upright

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from textclean.types import Mask, Page

WIDTH, HEIGHT = 61, 43


def noise(*shape: int, seed: int = 0, top: int = 256, dtype: Any = np.uint8) -> NDArray[Any]:
    """Random samples: nothing that a codec could guess."""
    return np.random.default_rng(seed).integers(0, top, shape).astype(dtype)


def smooth(*shape: int, seed: int = 0) -> NDArray[np.uint8]:
    """A soft picture, so that JPEG keeps it recognizable."""
    small = noise(6, 8, *shape[2:], seed=seed)
    return np.asarray(Image.fromarray(small).resize(shape[1::-1], Image.Resampling.BICUBIC))


def picture(mode: str, width: int = WIDTH, height: int = HEIGHT, seed: int = 0) -> Image.Image:
    """A random Pillow image of a mode."""
    if mode == "1":
        return Image.fromarray(noise(height, width, seed=seed) > 127)
    if mode == "P":
        image = Image.frombytes("P", (width, height), noise(height, width, seed=seed).tobytes())
        image.putpalette(noise(768, seed=seed + 1).tobytes())
        return image
    if mode == "I;16":
        return Image.fromarray(noise(height, width, seed=seed, top=65536, dtype=np.uint16))
    channels = len(mode)
    shape = (height, width) if channels == 1 else (height, width, channels)
    return Image.frombytes(mode, (width, height), noise(*shape, seed=seed).tobytes())


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    """An image file."""
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


@cache  # a profile carries the second it was made in
def rgb_profile() -> bytes:
    """An ICC profile."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def exif(orientation: int) -> bytes:
    """An EXIF block without its "Exif" mark."""
    block = Image.Exif()
    block[274] = orientation
    block[305] = "a scanner"
    return block.tobytes().removeprefix(b"Exif\0\0")


def block_mask(height: int, width: int) -> Mask:
    """A mask in the middle, with holes in it."""
    mask = np.zeros((height, width), bool)
    mask[height // 4 : height // 2 + 1, width // 4 : width // 2 + 1] = True
    mask[height // 3 : height // 3 + 1] = False
    mask[height // 2, width // 2] = True
    return mask


def cleaned(page: Page, mask: Mask, value: int = 255) -> Page:
    """The page filled with one grey under a mask that is as stored."""
    orientation = page.metadata.orientation
    return merge(page, np.full_like(page.rgb, value), upright(mask, orientation))


def changed_outside(before: Page, after: Page, mask: Mask) -> int:
    """Pixels that differ outside a mask that is as stored."""
    assert before.mode == after.mode
    assert before.pixels.dtype == after.pixels.dtype
    differ = before.pixels != after.pixels
    if differ.ndim == 3:
        differ = differ.any(axis=2)
    return int((differ & ~mask).sum())


def clean_document(src: Path, dst: Path, numbers: set[int], **options: Any) -> list[str]:
    """Clean some pages of a document and keep the others; the sink's warnings."""
    with open_source(src, **options) as source, open_sink(source, dst) as sink:
        for entry in source.entries:
            if entry.number not in numbers:
                sink.keep(entry)
                continue
            page = entry.load()
            mask = stored(block_mask(*page.rgb.shape[:2]), page.metadata.orientation)
            sink.write(entry, cleaned(page, mask), mask)
        sink.commit()
        return list(sink.warnings)


def pages_of(path: Path, **options: Any) -> list[Page]:
    """All pages of a document."""
    with open_source(path, **options) as source:
        return [entry.load() for entry in source.entries]


def left_behind(folder: Path) -> list[str]:
    """Names of temporary files below a folder."""
    return [path.name for path in folder.rglob("*") if path.name.endswith(".tmp")]


# --- PDF ----------------------------------------------------------------------------------------


def pdf_image(pdf: pikepdf.Pdf, data: bytes, filters: Any, space: Any, **rest: Any) -> Any:
    """An image XObject; ``rest`` are further keys of its dictionary."""
    keys: dict[str, Any] = {"Width": WIDTH, "Height": HEIGHT, "BitsPerComponent": 8} | rest
    keys |= {"Filter": filters} if filters is not None else {}
    keys |= {"ColorSpace": space} if space is not None else {}
    return pdf.make_stream(data, Type=Name.XObject, Subtype=Name.Image, **keys)


def flate_image(pdf: pikepdf.Pdf, samples: NDArray[np.uint8]) -> Any:
    """An 8-bit grey or RGB image XObject."""
    space = Name.DeviceGray if samples.ndim == 2 else Name.DeviceRGB
    height, width = samples.shape[:2]
    data = zlib.compress(samples.tobytes())
    return pdf_image(pdf, data, Name.FlateDecode, space, Width=width, Height=height)


def add_page(
    pdf: pikepdf.Pdf,
    content: bytes,
    xobjects: dict[str, Any],
    size: tuple[float, float],
    **keys: Any,
) -> Any:
    """A page with a content stream."""
    page = pdf.add_blank_page()
    page.obj.MediaBox = Array([0, 0, *size])
    page.obj.Contents = pdf.make_stream(content)
    page.obj.Resources = Dictionary(XObject=Dictionary(**xobjects))
    for key, value in keys.items():
        page.obj[f"/{key}"] = value
    return page


def add_image_page(pdf: pikepdf.Pdf, image: Any, **keys: Any) -> Any:
    """A page that is one image, an inch for 100 pixels."""
    width, height = int(image.Width) * 0.72, int(image.Height) * 0.72
    content = f"q {width} 0 0 {height} 0 0 cm /Im0 Do Q".encode()
    return add_page(pdf, content, {"Im0": image}, (width, height), **keys)


def save_pdf(path: Path, fill: Callable[[pikepdf.Pdf], object], **options: Any) -> Path:
    """Write a PDF whose pages ``fill`` adds."""
    with pikepdf.new() as pdf:
        fill(pdf)
        pdf.save(path, **options)
    return path


def raw_streams(path: Path) -> dict[tuple[str, ...], bytes]:
    """The stored bytes of all streams, by what tells them apart."""
    found: dict[tuple[str, ...], bytes] = {}
    with pikepdf.open(path) as pdf:
        for thing in pdf.objects:
            if isinstance(thing, pikepdf.Stream):
                key = (str(thing.get("/Tag", "")), str(thing.get("/Type", "")))
                found[(*key, str(len(found)) if not key[0] else "")] = thing.read_raw_bytes()
    return found
