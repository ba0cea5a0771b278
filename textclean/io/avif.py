"""AVIF: read by Pillow; written lossless where that can be done, or lossy when that is allowed."""

from __future__ import annotations

import io
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image, features

from textclean.errors import CorruptInputError, MissingExtraError, UnsupportedFormatError
from textclean.io.exif import exif_dpi, exif_orientation
from textclean.io.guard import check_size, decoder_errors
from textclean.io.notes import LOSSLESS_NOW, note
from textclean.io.raster import LOSSLESS, Raster
from textclean.io.thumbnails import without_exif_thumbnail
from textclean.io.xmp import without_thumbnails
from textclean.types import Metadata

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from textclean.types import Mode

LOSSY_QUALITY: Final = 92
"""Quality at which AVIF is encoded again where that is allowed."""

_INSTALL: Final = "pip install 'textclean[avif]'"
_HIGH_DEPTH = 0x40


def decode(data: bytes, max_pixels: int) -> Raster:
    """Decode an AVIF of 8 bits.

    Raises:
        CorruptInputError: Damaged or truncated.
        MissingExtraError: Pillow is too old or was built without AVIF.
        TooLargeError: More than ``max_pixels``.
        UnsupportedFormatError: Animated, or of more than 8 bits.
    """
    image = _open(data)
    check_size(image.width, image.height, max_pixels)
    _refuse_unhandled(data, image)
    with _decoding():
        image.load()
        pixels = np.array(image)
    mode: Mode = "RGBA" if image.mode == "RGBA" else "RGB"
    if image.mode != mode:
        raise UnsupportedFormatError(f"the AVIF decodes to mode {image.mode}")
    return Raster(pixels=pixels, mode=mode, metadata=_metadata(image))


def encode(original: bytes, pixels: NDArray[Any], *, allow_lossy: bool = False) -> bytes:
    """The AVIF with other pixels of the same mode and size.

    Args:
        original: The AVIF that the page was decoded from.
        pixels: ``(H, W, 3)`` or ``(H, W, 4)`` uint8, as :func:`decode` gives it.
        allow_lossy: Whether it may come back lossy, of :data:`LOSSY_QUALITY`.

    Returns:
        An AVIF: lossless, or lossy with the original's profile, EXIF and XMP.

    Raises:
        MissingExtraError: A lossless one needs the extra package.
        UnsupportedFormatError: A lossless one would lose the metadata.
    """
    image = _open(original)
    about = {key: image.info[key] for key in ("icc_profile", "exif", "xmp") if image.info.get(key)}
    if "exif" in about:
        about["exif"] = without_exif_thumbnail(about["exif"])
    if "xmp" in about:
        about["xmp"] = without_thumbnails(about["xmp"])[0]
    if not allow_lossy:
        return _lossless(pixels, about)
    out = io.BytesIO()
    height, width, channels = pixels.shape
    new = Image.frombytes("RGBA" if channels == 4 else "RGB", (width, height), pixels.tobytes())
    new.save(out, "AVIF", quality=LOSSY_QUALITY, subsampling="4:4:4", max_threads=1, **about)
    return out.getvalue()


def _lossless(pixels: NDArray[Any], about: dict[str, Any]) -> bytes:
    if about:
        raise UnsupportedFormatError(
            "the AVIF carries a colour profile, EXIF or XMP, which a lossless AVIF would lose",
            remedy="--allow-lossy keeps them and changes pixels everywhere a little; or convert "
            "the page to PNG first",
        )
    try:
        import imagecodecs
    except ImportError:
        raise MissingExtraError(
            "writing an AVIF so that nothing outside the mask changes needs imagecodecs",
            remedy=f"{_INSTALL}; or let it be lossy with --allow-lossy",
        ) from None
    note(LOSSLESS_NOW.format("AVIF"))
    return bytes(imagecodecs.avif_encode(np.ascontiguousarray(pixels), level=100, numthreads=1))


def _open(data: bytes) -> Any:
    """The image, not decoded yet; without the check on Pillow's global limit."""
    if not features.check("avif"):
        raise MissingExtraError("reading AVIF needs Pillow 11.3 or later", remedy=_INSTALL)
    from PIL import AvifImagePlugin

    with _decoding():
        return AvifImagePlugin.AvifImageFile(io.BytesIO(data))


@contextmanager
def _decoding() -> Iterator[None]:
    """Turn what Pillow raises on bad data into our errors: here, it raises one more kind."""
    try:
        with decoder_errors("AVIF image"):
            yield
    except RuntimeError as error:
        raise CorruptInputError(
            f"the AVIF image is damaged or cut off ({error})", remedy="Get the file again"
        ) from None


def _refuse_unhandled(data: bytes, image: Any) -> None:
    if getattr(image, "n_frames", 1) > 1:
        raise UnsupportedFormatError(
            "the AVIF is animated; only still pages are cleaned",
            remedy="Save the frame that you want as a file of its own",
        )
    # The AV1 configuration box says whether samples have more than 8 bits (AV1-ISOBMFF, 2.3.3).
    at = data.find(b"av1C")
    if at >= 0 and at + 7 <= len(data) and data[at + 6] & _HIGH_DEPTH:
        raise UnsupportedFormatError(
            "the AVIF has 10 or 12 bits a sample, of which Pillow keeps 8",
            remedy="Convert it to a 16-bit PNG first: avifdec page.avif page.png "
            "(apt install libavif-bin)",
        )


def _metadata(image: Any) -> Metadata:
    exif = image.info.get("exif") or None
    return Metadata(
        format="AVIF",
        icc=image.info.get("icc_profile") or None,
        exif=exif,
        dpi=exif_dpi(exif),
        orientation=exif_orientation(exif),
        extra={LOSSLESS: True},
    )
