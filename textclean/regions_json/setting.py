"""How text was set, as JSON and back; see :class:`textclean.types.Lettering`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, get_args

from textclean.regions_json import values as read
from textclean.types import Align, Lettering

if TYPE_CHECKING:
    from collections.abc import Callable

    Reader = Callable[[object, str], Any]


def written(lettering: Lettering | None) -> dict[str, Any] | None:
    """Plain values."""
    if lettering is None:
        return None
    outline = lettering.outline_color
    return {
        "font_size": lettering.font_size,
        "stroke_width": lettering.stroke_width,
        "rotation": lettering.rotation,
        "slant": lettering.slant,
        "align": lettering.align,
        "line_count": lettering.line_count,
        "line_spacing": lettering.line_spacing,
        "color": list(lettering.color),
        "outline_color": None if outline is None else list(outline),
        "background_color": list(lettering.background_color),
    }


def color(value: object, place: str) -> tuple[int, int, int]:
    """Three levels from 0 to 255."""
    levels = [read.whole(level, place) for level in read.items(value, place)]
    if len(levels) != 3 or max(levels) > 255:
        raise read.wrong(place, f"{levels}, not three levels from 0 to 255")
    return levels[0], levels[1], levels[2]


def parsed(value: object, place: str) -> Lettering:
    """The values back; all but the spacing and the outline's colour must be there.

    Raises:
        RegionsFileError: One is missing or is not what its place wants.
    """
    found = read.mapping(value, place)
    wanted = {name: _wanted(found, name, place, reader) for name, reader in _READERS.items()}
    return Lettering(
        **wanted,
        line_spacing=read.optional(found, "line_spacing", place, read.nonnegative),
        outline_color=read.optional(found, "outline_color", place, color),
    )


def _wanted(found: dict[str, Any], name: str, place: str, reader: Reader) -> Any:
    if found.get(name) is None:
        raise read.wrong(place, f'lettering without "{name}"')
    return reader(found[name], read.at(place, name))


def _angle(value: object, place: str) -> float:
    degrees = read.number(value, place)
    if abs(degrees) > 180:
        raise read.wrong(place, f"{degrees:g}, not an angle from -180 to 180")
    return degrees


_READERS: Final[dict[str, Reader]] = {
    "font_size": read.nonnegative,
    "stroke_width": read.nonnegative,
    "rotation": _angle,
    "slant": _angle,
    "align": read.one_of(get_args(Align)),
    "line_count": read.extent,
    "color": color,
    "background_color": color,
}
