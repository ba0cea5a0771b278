"""Pixels as a format of pictures has them: fewer bits, no palette, no alpha, told line by line."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from textclean.errors import UnsupportedFormatError
from textclean.io.exif import exif_dpi, exif_orientation, with_facts
from textclean.io.notes import note
from textclean.io.picture_png import exif_with, without_key
from textclean.io.raster import Raster
from textclean.io.thumbnails import without_exif_thumbnail
from textclean.native import upright

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.types import Metadata, Mode

NAMES: Final = {"png": "PNG", "webp": "WebP", "tiff": "TIFF", "jpeg": "JPEG", "bmp": "BMP"}
"""What each format is called in messages."""

_EVERY: Final = ("1", "L", "P", "LA", "RGB", "RGBA")
# Modes without their depth that a format has; what it lacks becomes a richer one.
_MODES: Final = {
    "png": (*_EVERY, "I"),
    "tiff": (*_EVERY, "I", "CMYK"),
    "bmp": ("1", "L", "P", "RGB", "RGBA"),
    "webp": ("RGB", "RGBA"),
    "jpeg": ("L", "RGB", "CMYK"),
}  # fmt: skip
_WIDE: Final = frozenset({"png", "tiff"})
_SIDES: Final = {"webp": 16_383, "jpeg": 65_500}
_SPACES: Final = {"L": b"GRAY", "1": b"GRAY", "I": b"GRAY", "LA": b"GRAY", "CMYK": b"CMYK"}
_MOST_EXIF: Final = 65_527


def fitted(raster: Raster, to: str) -> Raster:
    """The raster with a mode, depth and metadata that a format has; what is lost is noted.

    Args:
        raster: Any pixels.
        to: "png", "webp", "tiff", "jpeg" or "bmp".

    Raises:
        UnsupportedFormatError: It has no place for the colours (CMYK) or the size.
    """
    require_size(raster.pixels.shape[1], raster.pixels.shape[0], to)
    raster = _with_depth(without_key(raster), to)
    raster = _with_mode(raster, to)
    if to == "bmp" and raster.metadata.orientation != 1:
        turned = np.ascontiguousarray(upright(raster.pixels, raster.metadata.orientation))
        raster = replace(raster, pixels=turned, metadata=_turned(raster.metadata))
    return replace(raster, metadata=_about(raster, to))


def require_size(width: int, height: int, to: str) -> None:
    """Refuse a page of more pixels a side than a format has.

    Raises:
        UnsupportedFormatError: It is one.
    """
    most = _SIDES.get(to)
    if most is not None and max(width, height) > most:
        raise UnsupportedFormatError(
            f"the page is {width} x {height} pixels, and a {NAMES[to]} holds at most {most:,} a "
            "side",
            remedy="Choose PNG or TIFF",
        )


def _with_depth(raster: Raster, to: str) -> Raster:
    if not raster.mode.endswith(";16") or to in _WIDE:
        return raster
    note(f"{NAMES[to]}: of 16 bits a sample 8 are left")
    base = raster.mode.removesuffix(";16")
    mode: Any = "L" if base == "I" else base
    pixels = ((raster.pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
    return replace(raster, pixels=pixels, mode=mode)


def _with_mode(raster: Raster, to: str) -> Raster:
    base = raster.mode.removesuffix(";16")
    clear = base == "P" and raster.palette is not None and raster.palette.shape[1] == 4
    if base in _MODES[to] and not (clear and to != "png") and (to, base) != ("bmp", "RGBA"):
        return _without_full_alpha(raster) if to == "webp" else raster
    if base == "CMYK":
        raise UnsupportedFormatError(
            f"a CMYK page cannot be stored as {NAMES[to]}", remedy="Choose TIFF, JPEG or PDF"
        )
    samples, mode = _plain(raster)
    # A BMP without anything opaque is taken for one without alpha.
    if mode in ("LA", "RGBA") and (to == "jpeg" or (to == "bmp" and not samples[..., -1].any())):
        note(f"{NAMES[to]}: transparency is lost, the page is laid over white")
        samples, mode = _over_white(samples)
    if mode not in _MODES[to] and samples.ndim == 2:
        samples, mode = np.repeat(samples[..., None], 3, axis=2), "RGB"
    elif mode not in _MODES[to] and mode == "LA":
        samples, mode = samples[..., [0, 0, 0, 1]], "RGBA"
    fit = Raster(np.ascontiguousarray(samples), mode, metadata=raster.metadata)
    return _without_full_alpha(fit) if to == "webp" else fit


def _plain(raster: Raster) -> tuple[NDArray[Any], Mode]:
    """Samples of 8 bits a palette's colours, or black and white, come to."""
    if raster.mode == "1":
        return raster.pixels.astype(np.uint8) * np.uint8(255), "L"
    if raster.mode == "P" and raster.palette is not None:
        colors = raster.palette[np.minimum(raster.pixels, len(raster.palette) - 1)]
        return colors, "RGBA" if colors.shape[2] == 4 else "RGB"
    return raster.pixels, raster.mode


def _over_white(samples: NDArray[Any]) -> tuple[NDArray[Any], Mode]:
    alpha = samples[..., -1:].astype(np.uint32)
    colors = samples[..., :-1]
    laid = ((colors * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    return (laid[..., 0], "L") if laid.shape[2] == 1 else (laid, "RGB")


def _without_full_alpha(raster: Raster) -> Raster:
    """A WebP is read without an alpha channel that is opaque everywhere."""
    if raster.mode != "RGBA" or not (raster.pixels[..., 3] == 255).all():
        return raster
    return replace(raster, pixels=np.ascontiguousarray(raster.pixels[..., :3]), mode="RGB")


def _turned(metadata: Metadata) -> Metadata:
    """What is said of pixels that are upright now."""
    dpi = metadata.dpi
    if dpi is not None and metadata.orientation >= 5:
        dpi = dpi[::-1]
    return replace(metadata, dpi=dpi, orientation=1)


def _about(raster: Raster, to: str) -> Metadata:
    """The metadata that the format has a place for, without small pictures of the page."""
    metadata = raster.metadata
    space = _SPACES.get(raster.mode.removesuffix(";16"), b"RGB ")
    icc = metadata.icc
    if icc is not None and icc[16:20] != space:
        note(f"{NAMES[to]}: the colour profile is not one for {raster.mode} pixels and is left out")
        icc = None
    return replace(metadata, icc=icc, exif=_exif(metadata, to))


def _exif(metadata: Metadata, to: str) -> bytes | None:
    """An EXIF block, for formats that have one; it says which way up, and how large."""
    block = metadata.exif
    if to in ("tiff", "bmp"):
        if block is not None:
            note(f"{NAMES[to]}: EXIF is left out, except for resolution and orientation")
        return None
    if block is not None:
        block = without_exif_thumbnail(block.removeprefix(b"Exif\0\0"))
        # Some decoders turn the pixels themselves, and only EXIF tells how large a WebP is.
        turned = exif_orientation(block) != metadata.orientation
        if turned or (to == "webp" and metadata.dpi and exif_dpi(block) is None):
            block = with_facts(block, metadata.orientation, metadata.dpi)
        if block is None or (to == "jpeg" and len(block) > _MOST_EXIF):
            note(f"{NAMES[to]}: EXIF that is damaged or too long is left out")
            block = None
    if block is None and (metadata.orientation != 1 or (to == "webp" and metadata.dpi)):
        block = exif_with(metadata.orientation, metadata.dpi)
    return block
