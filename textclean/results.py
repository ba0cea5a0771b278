"""What can be made of a result, and results from the files that a run has written.

:class:`textclean.types.PageResult` has methods of the same names.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from textclean import native, regions_json
from textclean.errors import FileAccessError, MaskError, OptionsError, RegionsFileError
from textclean.io import read_image, read_mask
from textclean.io.atomic import OutputFile
from textclean.io.picture_forms import NAMES
from textclean.io.picture_png import encode_png
from textclean.io.picture_write import encode_picture
from textclean.io.pictures import encoded
from textclean.io.raster import Raster
from textclean.io.sniff import kind_of_suffix
from textclean.layers import encode_ora, encode_psd, stack_of
from textclean.layers.build import upright_regions
from textclean.lettering.pdf import layered_pdf
from textclean.lettering.preview import letter
from textclean.lettering.texts import read_texts
from textclean.types import Metadata, PageResult

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from textclean.lettering.preview import Preview
    from textclean.regions_json import PageRecord
    from textclean.types import Page, Region

    PathLike = str | os.PathLike[str]


def to_psd(
    result: PageResult, path: PathLike, *, per_region: bool = False, overwrite: bool = False
) -> None:
    """Write the page as layers: OpenRaster for ".ora", a PSB for ".psb", else a PSD.

    Raises:
        UsageError: The result does not know its original.
        TooLargeError: The page has more pixels a side than the format allows.
        FileAccessError: The file cannot be written.
        OutputExistsError: It is there already and ``overwrite`` is off.
    """
    stack = stack_of(result, per_region=per_region)
    suffix = Path(path).suffix.lower()
    data = encode_ora(stack) if suffix == ".ora" else encode_psd(stack, large=suffix == ".psb")
    _write(path, data, overwrite)


def save(result: PageResult, path: PathLike, *, overwrite: bool = False) -> None:
    """Write the cleaned page in the format that the name asks for, or as layers.

    PNG, WebP, TIFF and BMP lose nothing that they have a place for; JPEG is of quality 95. A name
    that ends in ".psd", ".psb" or ".ora" makes a file of layers. Without a known extension it is
    PNG, or TIFF for CMYK and bitonal pages.

    Raises:
        OptionsError: The name is that of a format that pages are not written as.
        TextcleanError: As in :func:`to_psd`.
    """
    if Path(path).suffix.lower() in (".psd", ".psb", ".ora"):
        to_psd(result, path, overwrite=overwrite)
        return
    page = result.page
    raster = Raster(page.pixels, page.mode, page.palette, metadata=page.metadata)
    kind = kind_of_suffix(Path(path).name)
    if kind is not None and kind not in NAMES:
        raise OptionsError(
            f"{path} is named as {kind.upper()}, which a page is not written as",
            remedy=f"Choose {', '.join(NAMES.values())}, PSD or ORA",
        )
    data = encoded(raster) if kind is None else encode_picture(raster, kind)
    _write(path, data, overwrite)


def overlay(
    result: PageResult, texts: Mapping[int, str] | Sequence[str], font: PathLike | None = None
) -> Preview:
    """Set texts into the safe areas of the cleaned page.

    Args:
        result: The result.
        texts: By number of the region, from 1, or one for each region in reading order.
        font: A font file; None = Pillow's own, which has Latin letters only.

    Returns:
        The texts as a layer; its method ``over(result.page.rgb)`` lays them on the page.

    Raises:
        TextcleanError: The font cannot be read.
    """
    numbered = dict(texts) if hasattr(texts, "keys") else dict(enumerate(texts, start=1))
    path = None if font is None else Path(font)
    return letter(result.page.size, upright_regions(result), numbered, path)


def write_preview(
    page: PathLike,
    regions: PathLike,
    texts: PathLike,
    output: PathLike,
    *,
    font: PathLike | None = None,
    transparent: bool = False,
    number: int | None = None,
    overwrite: bool = False,
) -> Preview:
    """Set the texts of a file into a cleaned page, and write it as PNG or PDF.

    Args:
        page: The cleaned page.
        regions: Its regions file.
        texts: See :func:`textclean.lettering.texts.read_texts`.
        output: Ends in ".png", or in ".pdf" for a page with the texts in a layer of their own.
        font: As in :func:`overlay`.
        transparent: The texts alone, as PNG.
        number: Which page of the regions file it is.
        overwrite: Whether an existing output may be replaced.

    Raises:
        TextcleanError: A file cannot be read or written, or does not fit the others.
    """
    suffix = Path(output).suffix.lower()
    if suffix not in (".png", ".pdf") or (transparent and suffix == ".pdf"):
        raise OptionsError(
            f"{output} is to be a {'transparent picture' if transparent else 'PNG or a PDF'}",
            remedy="Name it .png" if transparent else "Name it .png or .pdf",
        )
    shown = read_image(page)
    record = record_of(read_regions(regions), Path(page).name, number)
    found = regions_for(record, shown)
    wanted = read_texts(Path(texts), record.number or 1)
    if beyond := sorted(set(wanted) - set(range(1, len(found) + 1))):
        raise OptionsError(
            f"there is a text for region {beyond[0]}, and the page has {len(found)} regions",
            source=str(texts),
        )
    preview = letter(shown.size, found, wanted, None if font is None else Path(font))
    about = Metadata(icc=shown.metadata.icc, dpi=shown.metadata.dpi)
    if suffix == ".pdf":
        data = layered_pdf(shown.rgb, preview.layer, about.dpi)
    elif transparent:
        data = encode_png(Raster(preview.layer, "RGBA", metadata=about))
    else:
        data = encode_png(Raster(preview.over(shown.rgb), "RGB", metadata=about))
    _write(output, data, overwrite)
    return preview


def from_files(
    original: PathLike, cleaned: PathLike, regions: PathLike, mask: PathLike | None = None
) -> PageResult:
    """A result from what a run has written: its page before and after, and its regions.

    Args:
        original: The page as it was.
        cleaned: The page as it is now.
        regions: The regions file; of several pages, the one with the original's name counts.
        mask: What ``--mask-out`` wrote; None = wherever the two pages differ.

    Raises:
        TextcleanError: A file cannot be read, or they do not belong together.
    """
    before, after = read_image(original), read_image(cleaned)
    if before.pixels.shape != after.pixels.shape or before.mode != after.mode:
        raise MaskError(
            f"{original} and {cleaned} differ in size or mode, so one is not the other cleaned"
        )
    turn = before.metadata.orientation
    if mask is None:
        changed = before.pixels != after.pixels
        where = changed.any(axis=2) if changed.ndim == 3 else changed
    else:
        where = native.stored(read_mask(mask, before.size), turn)
    record = record_of(read_regions(regions), Path(original).name)
    page = replace(after, name=before.name, metadata=before.metadata)
    return PageResult(
        page,
        np.ascontiguousarray(where),
        record.regions,
        residual=record.residual,
        versions=dict(record.versions),
        original=before,
    )


def read_regions(path: PathLike) -> tuple[PageRecord, ...]:
    """The pages of a regions file.

    Raises:
        FileAccessError: It cannot be read.
        RegionsFileError: It does not follow the schema.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise FileAccessError(
            f"the regions file {path} cannot be read: {error.strerror or error}"
        ) from None
    return regions_json.parse(data, source=str(path))


def record_of(pages: Sequence[PageRecord], name: str, number: int | None = None) -> PageRecord:
    """What a regions file says of one page: the only one, or that of a number or name.

    Raises:
        RegionsFileError: It says nothing of that page.
    """
    if number is not None:
        found = [page for page in pages if page.number == number]
    elif len(pages) == 1:
        found = list(pages)
    else:
        found = [page for page in pages if Path(page.name).name == name]
    if len(found) != 1:
        raise RegionsFileError(
            f"the regions file has {len(found)} pages "
            + (f"numbered {number}" if number is not None else f"named {name}"),
            remedy="Say which with --page",
        )
    return found[0]


def regions_for(record: PageRecord, page: Page) -> list[Region]:
    """The regions of a record, in pixels of a page as it is seen.

    Raises:
        RegionsFileError: They were made for a page of another size.
    """
    height, width = page.pixels.shape[:2]
    if record.size is not None and record.size != (width, height):
        raise RegionsFileError(
            f"the regions were made for a page of {record.size[0]} x {record.size[1]} pixels, and "
            f"this one has {width} x {height}",
            remedy="Use the file that was written for this page",
        )
    nothing = np.zeros((height, width), bool)
    return upright_regions(PageResult(page, nothing, record.regions))


def _write(path: PathLike, data: bytes, overwrite: bool) -> None:
    output = OutputFile(Path(path), overwrite=overwrite)
    try:
        output.file.write(data)
        output.commit()
    except BaseException:
        output.discard()
        raise
