"""Which format an output has and what it is called: from names, and a look at the input's start."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from textclean.errors import OptionsError
from textclean.io.archive_tar import is_compressed_tar, is_tar
from textclean.io.atomic import is_folder
from textclean.io.epub import is_epub
from textclean.io.sniff import HEAD_BYTES, IMAGE_KINDS, kind_of_suffix, sniff

TARGETS: Final = {
    "cbz": ".cbz", "cb7": ".cb7", "epub": ".epub", "pdf": ".pdf", "tiff": ".tiff", "folder": "",
}  # fmt: skip
"""Formats that any document can be converted to, and the extension of each."""

PICTURES: Final = {"png": ".png", "webp": ".webp", "jpeg": ".jpg", "bmp": ".bmp"}
"""Formats that a picture can be converted to besides; of a document of pages each becomes one."""

_FORMATS: Final = {
    ".cbz": "cbz", ".zip": "cbz", ".cb7": "cb7", ".7z": "cb7", ".epub": "epub", ".pdf": "pdf",
    ".tif": "tiff", ".tiff": "tiff",
}  # fmt: skip
_NOT_WRITTEN: Final = {".cbr": "RAR", ".rar": "RAR", ".cbt": "tar", ".tar": "tar"}
_ARCHIVES: Final = frozenset({"zip", "rar", "7z", "tar"})
# Formats of documents that are, or may be, one picture.
_ONE_PICTURE: Final = frozenset({"image", "tiff"})


def kind_of(path: Path, head: bytes) -> str | None:
    """The kind of a file by its content: what :func:`sniff` tells, "epub" or "tar".

    Args:
        path: The file.
        head: Its first bytes.
    """
    kind = sniff(head)
    if kind == "zip" and is_epub(path, head):
        return "epub"
    if kind is None and is_tar(head):
        return "tar"
    if kind in (None, "gzip", "xz") and is_compressed_tar(head, path):
        return "tar"
    return kind


def own_format(kind: str | None) -> str:
    """The format in which a document comes back when no other is asked for.

    Args:
        kind: What :func:`kind_of` tells, or "folder".

    Returns:
        A key of :data:`TARGETS`, or "image" for a picture of any other kind.
    """
    if kind in _ARCHIVES:
        return "cbz"
    return kind if kind in TARGETS and kind is not None else "image"


def default_suffix(source: Path, to: str | None = None) -> str:
    """The extension of an output that is named after its input.

    Args:
        source: The input's name.
        to: The format that is asked for, or None for the input's.

    Returns:
        The extension; "" for a folder of pages.
    """
    if to is not None:
        is_picture = kind_of_suffix(source.name) in IMAGE_KINDS
        return (TARGETS | (PICTURES if is_picture else {})).get(checked(to), "")
    suffix = source.suffix.lower()
    return ".cbz" if suffix in _NOT_WRITTEN or suffix in (".cb7", ".7z") else source.suffix


def resolve(
    source: Path, kind: str | None, output: str | os.PathLike[str], to: str | None = None
) -> tuple[Path, str | None]:
    """The output's own name, and the format to convert to; None = the input's format is kept.

    A file that is to go to an existing folder keeps its name in it. A name that ends in a slash
    stands for a folder of pages when the input is a comic, an e-book or a PDF, and so does any when
    such an input is to become pictures. Otherwise the extension decides.

    Args:
        source: The input.
        kind: What :func:`kind_of` tells of it, or "folder".
        output: What the caller named.
        to: A key of :data:`TARGETS` or :data:`PICTURES`, or None.

    Raises:
        OptionsError: The name is that of a format that the input does not become.
    """
    target, own = Path(output), own_format(kind)
    slash = os.fspath(output).endswith(("/", os.sep))
    if to is None and slash and own not in ("image", "tiff"):
        to = "folder"
    to_folder = to == "folder" or (to in PICTURES and own not in _ONE_PICTURE)
    inside = kind != "folder" or to is not None
    if inside and not to_folder and (is_folder(target) or slash):
        stem = source.resolve().name if kind == "folder" else source.stem
        keeps = to is None and default_suffix(source) == source.suffix
        suffix = PICTURES.get(to or "") or default_suffix(source, to)
        target = target / (source.name if keeps else stem + suffix)
    chosen = checked(to) if to is not None else _by_name(source, kind, target)
    if to is not None:
        _refuse_other_name(target, chosen, to_folder=to_folder)
    return target, None if chosen in (own, kind) else chosen


def checked(to: str) -> str:
    """The name of a format.

    Raises:
        OptionsError: It is none that is written.
    """
    known = TARGETS | PICTURES
    if to not in known:
        raise OptionsError(f"the format is {to!r}", remedy=f"Known: {', '.join(known)}")
    return to


def _by_name(source: Path, kind: str | None, target: Path) -> str:
    """The format that the output's extension asks for."""
    own = own_format(kind)
    suffix = target.suffix.lower()
    if suffix == source.suffix.lower() and own != "folder" and suffix not in _NOT_WRITTEN:
        # The input may be something else than its own name says, and so may the output.
        return _FORMATS.get(suffix, own) if own == "cbz" else own
    if is_folder(target) and own == "folder":
        return own
    if suffix in _NOT_WRITTEN and own != "folder":
        return _not_written(source, own, target)
    if suffix in _FORMATS:
        return _FORMATS[suffix]
    named = kind_of_suffix(target.name)
    if named not in (None, kind) and own != "folder" and named is not None:
        if named in PICTURES and own in _ONE_PICTURE:
            return named
        raise _other_format(source, target, named, picture=own in _ONE_PICTURE)
    return own


def _not_written(source: Path, own: str, target: Path) -> str:
    """A ZIP that calls itself CBR may go on doing so; real RARs and tars are not written."""
    if target.suffix.lower() == source.suffix.lower() and _is_zip(source):
        return own
    raise OptionsError(
        f"the output {target} is named as {_NOT_WRITTEN[target.suffix.lower()]}, which is not "
        "written",
        remedy=f"Name it {target.with_suffix('.cbz').name}",
    )


def _other_format(source: Path, target: Path, named: str, *, picture: bool) -> OptionsError:
    name = source.suffix if picture or source.suffix else ".cbz"
    others = "PDF, CBZ, CB7, EPUB, TIFF or a folder"
    if picture:
        others = "PNG, WebP, TIFF, JPEG, BMP, PDF or CBZ"
    elif named in PICTURES:
        others += f"; --to {named} makes each page one, in a folder"
    return OptionsError(
        f"the output {target} is named as {named.upper()}, but the input is another format and "
        "is not converted to that",
        remedy=f"Name it {target.with_suffix(default_suffix(Path('a' + name))).name}, or ask for "
        f"{others}",
    )


def _refuse_other_name(target: Path, chosen: str, *, to_folder: bool) -> None:
    if is_folder(target):
        return
    suffix = target.suffix.lower()
    named = _FORMATS.get(suffix) or (kind_of_suffix(target.name) if chosen != "folder" else None)
    if named is not None and named != chosen:
        raise OptionsError(
            f"the output {target} is named as {named.upper()}, but {chosen.upper()} was asked for",
            remedy="Leave one of them out",
        )
    if named is not None and to_folder:
        raise OptionsError(
            f"the output {target} is named as one {named.upper()}, and the input is a document of "
            "pages",
            remedy=f"Name a folder: {target.with_suffix('')}/",
        )


def _is_zip(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return sniff(file.read(HEAD_BYTES)) == "zip"
    except OSError:
        return False
