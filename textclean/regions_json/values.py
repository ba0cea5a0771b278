"""Readers of plain JSON values that say where a wrong one stands.

Each takes a value and its place in the file, such as ``pages[0].regions[2].score``, and gives the
value back as the type its name says, or raises :class:`~textclean.errors.RegionsFileError`.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, TypeVar

from textclean.errors import RegionsFileError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")
REMEDY = "See textclean/regions.schema.json, or write a file with: textclean detect"


def decoded(text: str | bytes) -> object:
    """The value in a JSON text; a byte-order mark is allowed, NaN and Infinity are not."""

    def refuse(constant: str) -> object:
        raise RegionsFileError(f"{constant} is not a number in JSON", remedy=REMEDY)

    try:
        plain = text.decode("utf-8-sig") if isinstance(text, bytes) else text
        return json.loads(plain, parse_constant=refuse)
    except UnicodeDecodeError as error:
        raise RegionsFileError(
            f"the file is not UTF-8 text (byte {error.start})", remedy=REMEDY
        ) from None
    except json.JSONDecodeError as error:
        raise RegionsFileError(
            f"the file is not JSON: {error.msg} in line {error.lineno}, column {error.colno}",
            remedy=REMEDY,
        ) from None
    except (RecursionError, ValueError) as error:
        # Nested too deeply, or a number of thousands of digits.
        raise RegionsFileError(f"the file cannot be read: {error}", remedy=REMEDY) from None


def wrong(place: str, what: str) -> RegionsFileError:
    """The error for a value that is not what its place wants."""
    return RegionsFileError(f"{place or 'the file'} is {what}", remedy=REMEDY)


def at(place: str, key: str) -> str:
    """The place of a key of an object."""
    return f"{place}.{key}" if place else key


def mapping(value: object, place: str) -> dict[str, Any]:
    """An object."""
    if not isinstance(value, dict):
        raise wrong(place, f"{_shown(value)}, not an object")
    return value


def items(value: object, place: str) -> list[Any]:
    """A list."""
    if not isinstance(value, list):
        raise wrong(place, f"{_shown(value)}, not a list")
    return value


def string(value: object, place: str) -> str:
    """Text."""
    if not isinstance(value, str):
        raise wrong(place, f"{_shown(value)}, not text")
    return value


def boolean(value: object, place: str) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise wrong(place, f"{_shown(value)}, not true or false")
    return value


def number(value: object, place: str) -> float:
    """A finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise wrong(place, f"{_shown(value)}, not a number")
    try:
        found = float(value)
    except OverflowError:
        found = math.inf
    if not math.isfinite(found):
        raise wrong(place, "a number that is too large")
    return found


def whole(value: object, place: str) -> int:
    """A whole number, 0 or more."""
    found = number(value, place)
    if found < 0 or not found.is_integer():
        raise wrong(place, f"{_shown(value)}, not a whole number of 0 or more")
    return int(found)


def extent(value: object, place: str) -> int:
    """A whole number, 1 or more."""
    found = whole(value, place)
    if found < 1:
        raise wrong(place, f"{found}, not 1 or more")
    return found


def share(value: object, place: str) -> float:
    """A number from 0 to 1."""
    found = number(value, place)
    if not 0.0 <= found <= 1.0:
        raise wrong(place, f"{found:g}, not between 0 and 1")
    return found


def nonnegative(value: object, place: str) -> float:
    """A number, 0 or more."""
    found = number(value, place)
    if found < 0.0:
        raise wrong(place, f"{found:g}, which is negative")
    return found


def names(value: object, place: str) -> dict[str, str]:
    """An object whose values are text."""
    return {key: string(item, at(place, key)) for key, item in mapping(value, place).items()}


def one_of(allowed: tuple[T, ...]) -> Callable[[object, str], T]:
    """A reader of one of a few values."""

    def reader(value: object, place: str) -> T:
        for choice in allowed:
            if value == choice:
                return choice
        raise wrong(place, f"{_shown(value)}, not one of {', '.join(map(str, allowed))}")

    return reader


def optional(
    holder: Mapping[str, Any], key: str, place: str, reader: Callable[[object, str], T]
) -> T | None:
    """What a reader makes of a key's value; None when it is missing or null."""
    value = holder.get(key)
    return None if value is None else reader(value, at(place, key))


def with_default(
    holder: Mapping[str, Any], key: str, place: str, reader: Callable[[object, str], T], default: T
) -> T:
    """Like :func:`optional`, with a default in place of None."""
    value = optional(holder, key, place, reader)
    return default if value is None else value


def _shown(value: object) -> str:
    """A value for a message, in JSON and not too long."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else text[:37] + "..."
