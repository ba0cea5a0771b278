"""The texts that a translator hands over: JSON or CSV, by region."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textclean.errors import CorruptInputError, FileAccessError

if TYPE_CHECKING:
    from collections.abc import Mapping

_ID = re.compile(r"(?:p(?P<page>\d+)-)?r?(?P<number>\d+)", re.IGNORECASE)
_REMEDY = (
    'Write {"p1-r1": "text", ...}, or a list of texts in reading order, or a CSV file with the '
    "columns id and text; ids are those of the regions file"
)


def read_texts(path: str | Path, page: int = 1) -> dict[int, str]:
    """Number of the region on a page, from 1, and its text.

    Args:
        path: A JSON file (an object of ids and texts, a list of texts, or a regions file whose
            ``text`` was translated) or a CSV file (id and text; a line of headings may stand
            first).
        page: Number of the page: ids of other pages are passed over.

    Raises:
        FileAccessError: It cannot be read.
        CorruptInputError: It is neither, or holds something else.
    """
    file = Path(path)
    try:
        data = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise FileAccessError(
            f"the texts {file} cannot be read: {error.strerror or error}"
        ) from None
    except UnicodeDecodeError:
        raise _wrong(file, "is not UTF-8 text") from None
    if file.suffix.lower() in (".csv", ".tsv"):
        return _of_rows(data, "\t" if file.suffix.lower() == ".tsv" else ",", file, page)
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _wrong(file, f"is not JSON: {error}") from None
    return _of_json(value, file, page)


def number_of(name: object, page: int) -> int | None:
    """The region that an id or a number means; None for one of another page.

    Raises:
        ValueError: It is neither.
    """
    match = _ID.fullmatch(str(name).strip())
    if match is None:
        raise ValueError(name)
    return None if match["page"] and int(match["page"]) != page else int(match["number"])


def _of_json(value: Any, file: Path, page: int) -> dict[int, str]:
    if isinstance(value, dict) and "pages" in value:
        pages = value["pages"]
        if not isinstance(pages, list):
            raise _wrong(file, 'has "pages" that are no list')
        rows: list[Any] = []
        for index, item in enumerate(pages, start=1):
            if isinstance(item, dict) and (item.get("number") or index) == page:
                rows += item.get("regions") or []
        value = rows
    if isinstance(value, list):
        numbered = enumerate(value, start=1)
        named = {n: t.get("text") if isinstance(t, dict) else t for n, t in numbered}
        return _checked(named, file, page)
    if isinstance(value, dict):
        return _checked(value, file, page)
    raise _wrong(file, "holds no texts")


def _of_rows(data: str, delimiter: str, file: Path, page: int) -> dict[int, str]:
    rows = [row for row in csv.reader(io.StringIO(data), delimiter=delimiter) if any(row)]
    name, text = 0, 1
    if rows and not _ID.fullmatch(rows[0][0].strip()):
        head = [title.strip().lower() for title in rows[0]]
        if "text" not in head or not {"id", "order"} & {*head}:
            raise _wrong(file, "has no columns id and text")
        name, text = head.index("id" if "id" in head else "order"), head.index("text")
        rows = rows[1:]
    if any(len(row) <= max(name, text) for row in rows):
        raise _wrong(file, "has a row without a text")
    return _checked({row[name]: row[text] for row in rows}, file, page)


def _checked(values: Mapping[Any, Any], file: Path, page: int) -> dict[int, str]:
    found = {}
    for name, text in values.items():
        if text is None:
            continue
        if not isinstance(text, str):
            raise _wrong(file, f"has something else than a text for {name}")
        try:
            number = number_of(name, page)
        except ValueError:
            raise _wrong(file, f"has a text for {name!r}, which is no region's id") from None
        if number is not None:
            found[number] = text
    return found


def _wrong(file: Path, what: str) -> CorruptInputError:
    return CorruptInputError(f"the file of texts {what}", remedy=_REMEDY, source=str(file))
