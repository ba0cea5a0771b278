"""Pages from paths, Pillow images and arrays, and back to the same kind."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np
from PIL import Image as PILImage

from textclean.errors import OptionsError, UnsupportedFormatError, UsageError
from textclean.io import open_source
from textclean.io.guard import check_size, decoder_errors
from textclean.io.raster import Raster
from textclean.types import Metadata

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.options import Options
    from textclean.types import Mask, Mode, Page

PathLike: TypeAlias = "str | os.PathLike[str]"
Picture: TypeAlias = "PathLike | PILImage.Image | NDArray[Any]"

_ORIENTATION = 0x0112  # EXIF tag
_PIL_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "I;16")
# What follows height and width in an array's shape, and its type.
_ARRAY_MODES: dict[tuple[tuple[int, ...], str], Mode] = {
    ((), "uint8"): "L",
    ((3,), "uint8"): "RGB",
    ((), "uint16"): "I;16",
    ((3,), "uint16"): "RGB;16",
}


def load_page(picture: Picture, options: Options) -> Page:
    """The page of what a caller gave; its arrays are read-only.

    Raises:
        UsageError: It is no picture, or a document of several pages.
        InputError: It cannot be read, is too large, or of a mode that is not handled.
        FileAccessError: The path cannot be read.
    """
    if isinstance(picture, np.ndarray):
        return _from_array(picture, options.max_pixels)
    if isinstance(picture, PILImage.Image):
        return _from_image(picture, options.max_pixels)
    if not isinstance(picture, str | os.PathLike):
        raise UsageError(
            f"a page cannot be made of a {type(picture).__name__}",
            remedy="Give a path, a Pillow image or a NumPy array",
        )
    with open_source(
        picture,
        max_pixels=options.max_pixels,
        pdf_renderer=options.pdf_renderer,
        pdf_dpi=options.pdf_dpi,
    ) as source:
        if len(source.entries) != 1:
            raise OptionsError(
                f"this is a document of {len(source.entries)} pages, not one page",
                remedy="Use clean_document",
                source=source.name,
            )
        return source.entries[0].load()


def as_given(picture: Picture, page: Page) -> Any:
    """The cleaned page as the same kind as ``picture``."""
    if isinstance(picture, np.ndarray):
        return page.pixels
    if isinstance(picture, PILImage.Image):
        return _to_image(page, picture)
    if page.mode not in _PIL_MODES:
        return page.pixels
    return _to_image(page)


def _from_array(array: NDArray[Any], max_pixels: int) -> Page:
    mode = _ARRAY_MODES.get((array.shape[2:], array.dtype.name)) if array.ndim >= 2 else None
    if mode is None:
        raise UnsupportedFormatError(
            f"the array is {array.dtype} of shape {array.shape}; a page is (H, W) grey or "
            "(H, W, 3) RGB, uint8 or uint16",
            remedy="Convert it, or give a Pillow image, which knows what its channels mean",
        )
    check_size(array.shape[1], array.shape[0], max_pixels)
    # A view: the page freezes its arrays, and this one is the caller's.
    pixels = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("="), copy=False)).view()
    return Raster(pixels, mode).to_page()


def _from_image(image: PILImage.Image, max_pixels: int) -> Page:
    if image.mode not in _PIL_MODES:
        raise UnsupportedFormatError(
            f"the Pillow image has the mode {image.mode}, which is not handled",
            remedy="Convert it, for example with image.convert('RGB')",
        )
    check_size(image.width, image.height, max_pixels)
    with decoder_errors("Pillow image"):
        # Pillow decodes only now what was opened from a file.
        pixels = np.array(image)
        if image.mode == "1":
            pixels &= True  # Pillow's true is a byte of 255, which is no bool to count on
        orientation = image.getexif().get(_ORIENTATION, 1)
    dpi = image.info.get("dpi")
    return Raster(
        pixels,
        cast("Mode", image.mode),
        palette=_palette(image),
        transparent=_transparent(image, pixels),
        metadata=Metadata(
            format=image.format,
            icc=image.info.get("icc_profile"),
            dpi=(float(dpi[0]), float(dpi[1])) if dpi else None,
            orientation=orientation if orientation in range(1, 9) else 1,
        ),
    ).to_page()


def _palette(image: PILImage.Image) -> NDArray[np.uint8] | None:
    """``(N, 3)`` or, with transparent entries, ``(N, 4)``."""
    if image.mode not in ("P", "PA"):
        return None
    if image.palette is not None and image.palette.mode == "RGBA":
        return np.array(image.getpalette("RGBA"), np.uint8).reshape(-1, 4)
    colors = np.array(image.getpalette("RGB") or [0, 0, 0], np.uint8).reshape(-1, 3)
    transparency = image.info.get("transparency")
    if image.mode == "PA" or transparency is None:
        return colors
    alpha = np.full(len(colors), 255, np.uint8)
    if isinstance(transparency, bytes):
        some = np.frombuffer(transparency, np.uint8)[: len(alpha)]
        alpha[: len(some)] = some
    elif 0 <= transparency < len(alpha):
        alpha[transparency] = 0
    return np.column_stack([colors, alpha])


def _transparent(image: PILImage.Image, pixels: NDArray[Any]) -> Mask | None:
    """Pixels of the one colour that the image declares transparent."""
    color = image.info.get("transparency")
    if color is None or image.mode not in ("L", "I;16", "RGB"):
        return None
    same = pixels == np.array(color)
    found: Mask = same.all(axis=2) if same.ndim == 3 else same
    return found


def _to_image(page: Page, given: PILImage.Image | None = None) -> PILImage.Image:
    """A Pillow image of the page's mode, with what the given one or the page's file says."""
    height, width = page.pixels.shape[:2]
    pixels = np.packbits(page.pixels, axis=1) if page.mode == "1" else page.pixels
    data = np.ascontiguousarray(pixels).tobytes()
    if given is not None:
        image = given.copy()
        image.frombytes(data)
        exif = given.getexif()
        if "exif" not in image.info and exif.get(_ORIENTATION, 1) != 1:
            # One that was set by hand stands in no block that a copy takes over.
            image.info["exif"] = exif.tobytes()
        return image
    image = PILImage.frombytes(page.mode, (width, height), data)
    if page.palette is not None:
        image.putpalette(page.palette[:, :3].tobytes(), "RGB")
        if page.palette.shape[1] == 4:
            image.info["transparency"] = page.palette[:, 3].tobytes()
    about = page.metadata
    values = {"icc_profile": about.icc, "exif": about.exif, "dpi": about.dpi}
    image.info.update({name: value for name, value in values.items() if value is not None})
    return image
