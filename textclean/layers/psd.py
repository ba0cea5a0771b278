"""Photoshop documents, written with the file structures of psd-tools.

Its low-level structures are used rather than its image objects: those would render the merged
picture anew, and through floating point.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from textclean.errors import TooLargeError
from textclean.layers.stack import Group

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray
    from psd_tools.psd import PSD
    from psd_tools.psd.image_resources import ImageResources
    from psd_tools.psd.layer_and_mask import ChannelDataList, LayerAndMaskInformation, LayerRecord

    from textclean.layers.stack import Layer, Stack

MAX_PSD: Final = 30_000
"""Pixels that a side of a PSD may have."""

MAX_PSB: Final = 300_000
"""Pixels that a side of a PSB, the large form, may have."""

_Records = list[tuple["LayerRecord", "ChannelDataList"]]


def encode_psd(stack: Stack, *, large: bool = False) -> bytes:
    """A PSD of these layers, run-length encoded.

    Args:
        stack: The layers.
        large: Write a PSB, the form for more than 30,000 pixels a side.

    Raises:
        TooLargeError: The page has more pixels a side than the format allows.
    """
    from psd_tools.constants import ColorMode, Compression
    from psd_tools.psd import PSD
    from psd_tools.psd.header import FileHeader
    from psd_tools.psd.image_data import ImageData

    refuse_large(stack.size, large=large)
    width, height = stack.size
    mode = {"L": ColorMode.GRAYSCALE, "RGB": ColorMode.RGB, "CMYK": ColorMode.CMYK}[stack.space]
    planes = list(_planes(stack.merged, stack.alpha, stack))
    header = FileHeader(
        version=2 if large else 1,
        channels=len(planes),
        height=height,
        width=width,
        depth=stack.depth,
        color_mode=mode,
    )
    merged = ImageData(compression=Compression.RLE)
    merged.set_data([plane.tobytes() for plane in planes], header)
    document = PSD(
        header=header,
        image_resources=_resources(stack),
        layer_and_mask_information=_layers(stack, header.version),
        image_data=merged,
    )
    return _written(document)


def refuse_large(size: tuple[int, int], *, large: bool) -> None:
    """Refuse a page of more pixels a side than the format holds.

    Args:
        size: Width and height.
        large: Whether it is to be a PSB.

    Raises:
        TooLargeError: It is one.
    """
    most = MAX_PSB if large else MAX_PSD
    if max(size) <= most:
        return
    helps = "Cut it into pieces with --split"
    if not large and max(size) <= MAX_PSB:
        helps = "Write a PSB with --psb, or cut it into pieces with --split"
    raise TooLargeError(
        f"the page is {size[0]} x {size[1]} pixels, and a {'PSB' if large else 'PSD'} holds at "
        f"most {most:,} a side",
        remedy=helps,
    )


def _written(document: PSD) -> bytes:
    out = io.BytesIO()
    document.write(out)
    return out.getvalue()


def _planes(
    colors: NDArray[Any], alpha: NDArray[Any] | None, stack: Stack
) -> Iterable[NDArray[Any]]:
    """Channels as the file stores them: big-endian, CMYK with 0 = full ink."""
    if stack.space == "CMYK":
        colors = np.iinfo(colors.dtype).max - colors
    order = colors.dtype.newbyteorder(">")
    for index in range(colors.shape[2]):
        yield np.ascontiguousarray(colors[..., index], order)
    if alpha is not None:
        yield np.ascontiguousarray(alpha, order)


def _layers(stack: Stack, version: int) -> LayerAndMaskInformation:
    """The section of layers; those of 16 bits stand in a block of their own, as in Photoshop."""
    from psd_tools.constants import Tag
    from psd_tools.psd.layer_and_mask import (
        ChannelImageData,
        GlobalLayerMaskInfo,
        LayerAndMaskInformation,
        LayerInfo,
        LayerRecords,
    )
    from psd_tools.psd.tagged_blocks import TaggedBlocks

    records = _records(stack, version)
    content = {
        # Negative: the first extra channel of the merged picture is its transparency.
        "layer_count": -len(records) if stack.alpha is not None else len(records),
        "layer_records": LayerRecords([record for record, _ in records]),
        "channel_image_data": ChannelImageData([channels for _, channels in records]),
    }
    blocks = TaggedBlocks()
    info = LayerInfo()
    if stack.depth == 16:
        blocks.set_data(Tag.LAYER_16, **content)
    else:
        info = LayerInfo(**content)
    return LayerAndMaskInformation(
        layer_info=info, global_layer_mask_info=GlobalLayerMaskInfo(), tagged_blocks=blocks
    )


def _records(stack: Stack, version: int) -> _Records:
    """Records from the bottom; a group is a closing mark, its layers and its own record."""
    from psd_tools.constants import SectionDivider

    records: _Records = []
    for item in stack.items:
        if isinstance(item, Group):
            end = _record("</Layer group>", divider=SectionDivider.BOUNDING_SECTION_DIVIDER)
            folder = _record(item.name, item.visible, divider=SectionDivider.OPEN_FOLDER)
            records.append(_without_pixels(end, stack))
            records += [_layer(layer, stack, version) for layer in item.layers]
            records.append(_without_pixels(folder, stack))
        else:
            records.append(_layer(item, stack, version))
    for number, (record, _) in enumerate(records, start=1):
        _set_id(record, number)
    return records


def _without_pixels(record: LayerRecord, stack: Stack) -> tuple[LayerRecord, ChannelDataList]:
    """A record with channels of no pixels, which readers expect of groups, too."""
    from psd_tools.constants import ChannelID
    from psd_tools.psd.layer_and_mask import ChannelData, ChannelDataList, ChannelInfo

    numbers = range(-1, stack.merged.shape[2])
    record.channel_info = [ChannelInfo(id=ChannelID(number), length=2) for number in numbers]
    return record, ChannelDataList([ChannelData() for _ in numbers])


def _layer(layer: Layer, stack: Stack, version: int) -> tuple[LayerRecord, ChannelDataList]:
    from psd_tools.constants import ChannelID, Compression, ProtectedFlags, Tag
    from psd_tools.psd.layer_and_mask import ChannelData, ChannelDataList, ChannelInfo

    record = _record(layer.name, layer.visible)
    record.left, record.top, record.right, record.bottom = layer.box
    height, width = layer.pixels.shape[:2]
    planes = list(_planes(layer.pixels, layer.alpha, stack))
    numbers = list(range(layer.pixels.shape[2]))
    if layer.alpha is not None:  # transparency comes first
        planes.insert(0, planes.pop())
        numbers.insert(0, ChannelID.TRANSPARENCY_MASK)
    channels = []
    for plane in planes:
        data = ChannelData(compression=Compression.RLE)
        data.set_data(plane.tobytes(), width, height, stack.depth, version)
        channels.append(data)
    record.channel_info = [
        ChannelInfo(id=ChannelID(number), length=len(data.data) + 2)
        for number, data in zip(numbers, channels, strict=True)
    ]
    if layer.locked:
        record.flags.transparency_protected = True
        record.tagged_blocks.set_data(Tag.PROTECTED_SETTING, int(ProtectedFlags.COMPLETE))
    return record, ChannelDataList(channels)


def _record(name: str, visible: bool = True, *, divider: int | None = None) -> LayerRecord:
    """A record under its name: once in the old character set, once in Unicode."""
    from psd_tools.constants import BlendMode, SectionDivider, Tag
    from psd_tools.psd.layer_and_mask import LayerRecord

    record = LayerRecord(name=name.encode("macroman", "replace").decode("macroman"))
    record.flags.visible = visible
    record.tagged_blocks.set_data(Tag.UNICODE_LAYER_NAME, name)
    if divider is not None:
        record.flags.pixel_data_irrelevant = True
        if divider != SectionDivider.BOUNDING_SECTION_DIVIDER:
            record.blend_mode = BlendMode.PASS_THROUGH
        record.tagged_blocks.set_data(
            Tag.SECTION_DIVIDER_SETTING,
            kind=SectionDivider(divider),
            signature=b"8BIM",
            blend_mode=record.blend_mode,
        )
    return record


def _set_id(record: LayerRecord, number: int) -> None:
    from psd_tools.constants import Tag

    record.tagged_blocks.set_data(Tag.LAYER_ID, number)


def _resources(stack: Stack) -> ImageResources:
    """Version, profile and resolution."""
    from psd_tools.constants import Resource
    from psd_tools.psd.image_resources import (
        ImageResource,
        ImageResources,
        ResoulutionInfo,
        VersionInfo,
    )

    version = VersionInfo(has_composite=True, writer="textclean", reader="textclean")
    found: dict[Any, Any] = {Resource.VERSION_INFO: version}
    if stack.icc is not None:
        found[Resource.ICC_PROFILE] = stack.icc
    if stack.dpi is not None:
        across, down = (max(1, round(value * 65536)) for value in stack.dpi)
        found[Resource.RESOLUTION_INFO] = ResoulutionInfo(
            horizontal=across, horizontal_unit=1, width_unit=1,
            vertical=down, vertical_unit=1, height_unit=1,
        )  # fmt: skip
    return ImageResources(
        [(key, ImageResource(key=key, data=value)) for key, value in found.items()]
    )
