"""What is written beside the cleaned document: masks, patches, layers and the regions."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from textclean.batch.layered import LayerWishes, layered
from textclean.batch.overlay import draw_overlay, encode_png
from textclean.batch.staging import Staging
from textclean.errors import FileAccessError, OptionsError
from textclean.io import save_mask, save_patch
from textclean.io.atomic import file_id
from textclean.io.sniff import kind_of_suffix
from textclean.regions_json import PageRecord, exchange

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from textclean.io import Document
    from textclean.protocols import PageEntry
    from textclean.types import PageResult

WEIGHTS = "_weights"
"""What ends the names of weights among the versions of a result."""


@dataclass(frozen=True, slots=True)
class SidecarPaths:
    """Where to write what is asked for; None = not asked for.

    Pictures of a document of one page go to the path itself when it ends in ``.png`` (or ``.psd``,
    ``.psb``, ``.ora``); otherwise the path is a folder, and each page's picture has the page's name
    in it. The regions go to the path when it ends in ``.json``, otherwise into that folder.

    Attributes:
        mask: PNG, white = removed.
        patch: RGBA PNG, the cleaned pixels alone.
        overlay: PNG, the page with its regions drawn on it.
        regions: Regions file, for the document as a whole.
        psd: PSD or PSB, the page as layers.
        ora: OpenRaster, the same.
        layers: How those two are made.
        regions_format: One of :data:`textclean.regions_json.exchange.FORMATS`. LabelMe has a file
            for each page, as pictures do.

    Raises:
        OptionsError: There is no such format.
    """

    mask: Path | None = None
    patch: Path | None = None
    overlay: Path | None = None
    regions: Path | None = None
    psd: Path | None = None
    ora: Path | None = None
    layers: LayerWishes = field(default_factory=LayerWishes)
    regions_format: str = "textclean"

    def __post_init__(self) -> None:
        if self.regions_format not in exchange.FORMATS:
            raise OptionsError(
                f"there is no format {self.regions_format!r} for regions",
                remedy=f"Known: {', '.join(exchange.FORMATS)}",
            )

    def suffix(self, kind: str) -> str:
        """What the pictures of a kind end in."""
        if kind == "psd" and self.psd is not None:
            return self.layers.suffix(self.psd)
        return ".ora" if kind == "ora" else ".png"


class Sidecars:
    """The files beside one document; they get their names on :meth:`commit`.

    Args:
        paths: Where to write what.
        source: The document.
        options: The options of the run, plain values, for the regions file.
        output: Where the cleaned document goes, or None.
        overwrite: Replace files that are there already.
        chosen: Numbers of the pages that are processed.

    Attributes:
        regions: Where the regions go, or None.

    Raises:
        FileAccessError: A file would land in the input folder, or on an input.
        OptionsError: Two files would have one name.
        OutputExistsError: A file is there already and ``overwrite`` is off.
    """

    def __init__(
        self,
        paths: SidecarPaths,
        source: Document,
        *,
        options: Mapping[str, Any],
        output: Path | None,
        overwrite: bool,
        chosen: Collection[int],
    ) -> None:
        self._source = source
        self._options = options
        self._staging = Staging(
            overwrite=overwrite,
            inputs=[found for path in _inputs(source) if (found := file_id(path))],
            outputs=_outputs(source, output),
        )
        self._pictures: dict[str, dict[int, Path]] = {}
        self._layers = paths.layers
        for kind in ("mask", "patch", "overlay", "psd", "ora"):
            base = getattr(paths, kind)
            if base is not None:
                names = _picture_names(base, source, paths.suffix(kind))
                self._pictures[kind] = {
                    number: self._claim(names[number]) for number in sorted(chosen)
                }
        self.regions: Path | None = None
        self._format = paths.regions_format
        if paths.regions is not None and self._format == "labelme":
            names = _picture_names(paths.regions, source, ".json")
            self._pictures["labelme"] = {
                number: self._claim(names[number]) for number in sorted(chosen)
            }
        elif paths.regions is not None:
            self.regions = self._claim(_regions_name(paths.regions, source, self._format))
        self._pages: list[PageRecord] = []

    def add(self, entry: PageEntry, result: PageResult) -> None:
        """Write a page's pictures, and remember its regions.

        Raises:
            FileAccessError: They cannot be written.
        """
        places = self.places(entry.number)
        for path, data in pictures(entry, result, places, self._layers):
            self._staging.write(path if path in places.values() else self._claim(path), data)
        if self.regions is not None:
            self._pages.append(page_record(result, self._options))

    def places(self, number: int) -> dict[str, Path]:
        """Where a page's pictures go, by kind."""
        return {kind: places[number] for kind, places in self._pictures.items()}

    def commit(self) -> tuple[Path, ...]:
        """Give the files their names; the names."""
        if self.regions is not None:
            text = exchange.document(self._format, self._pages, self._source.path.name)
            self._staging.write(self.regions, text.encode("utf-8", "replace"))
        return self._staging.commit()

    def discard(self) -> None:
        """Remove everything that has no name yet; safe to call twice."""
        self._staging.discard()

    def _claim(self, path: Path) -> Path:
        root = self._source.path
        if root.is_dir() and path.resolve().is_relative_to(root.resolve()):
            raise FileAccessError(
                f"{path} lies in the input folder, where it would be read as a page the next time",
                remedy="Choose a folder outside it",
            )
        return self._staging.claim(path)


def pictures(
    entry: PageEntry, result: PageResult, places: Mapping[str, Path], layers: LayerWishes
) -> Iterator[tuple[Path, bytes]]:
    """The pictures beside a page, and where each goes.

    Args:
        entry: The page.
        result: What came of it.
        places: Where they are asked for, by kind.
        layers: How pictures with layers are made; there may be more than one to a place.
    """
    orientation = result.page.metadata.orientation
    makers: Mapping[str, Callable[[], bytes]] = {
        "mask": lambda: save_mask(result.mask, orientation),
        "patch": lambda: save_patch(result.page, result.mask),
        "overlay": lambda: encode_png(draw_overlay(result)),
        "labelme": lambda: exchange.labelme(PageRecord.of(result)).encode("utf-8", "replace"),
    }
    for kind, place in places.items():
        if kind in makers:
            yield place, makers[kind]()
        else:
            yield from layered(entry, result, place, layers)


def page_record(result: PageResult, options: Mapping[str, Any]) -> PageRecord:
    """What the regions file says of a page.

    Args:
        result: The page.
        options: The options of the run, plain values.
    """
    weights = {
        name.removesuffix(WEIGHTS): value
        for name, value in result.versions.items()
        if name.endswith(WEIGHTS)
    }
    return PageRecord.of(result, options=options, weights=weights)


def _outputs(source: Document, output: Path | None) -> list[Path]:
    """Resolved paths that the cleaned document takes."""
    if output is None:
        return []
    if not source.path.is_dir():
        return [output.resolve()]
    folder = output.resolve()
    return [folder / entry.name for entry in source.entries]


def _inputs(source: Document) -> list[Path]:
    if not source.path.is_dir():
        return [source.path]
    return [source.path / entry.name for entry in source.entries]


def _regions_name(base: Path, source: Document, kind: str) -> Path:
    suffix = exchange.SUFFIXES[kind]
    if base.name.lower().endswith((".json", suffix)):
        return base
    path = source.path.resolve()
    return base / f"{path.name if path.is_dir() else path.stem}{suffix}"


def _picture_names(base: Path, source: Document, suffix: str) -> dict[int, Path]:
    """Where each page's picture goes."""
    entries = source.entries
    if base.suffix.lower() == suffix:
        if len(entries) == 1:
            return {entries[0].number: base}
        raise OptionsError(
            f"{base} names one picture, and {source.name} has {len(entries)} pages",
            remedy="Name a folder",
        )
    names: dict[int, Path] = {}
    taken: set[str] = set()
    for entry in entries:
        for name in _candidates(entry, suffix):
            # Some file systems do not tell capitals from small letters.
            if name.lower() not in taken:
                break
        taken.add(name.lower())
        names[entry.number] = base / name
    return names


def _candidates(entry: PageEntry, suffix: str) -> Iterator[str]:
    """Names for a page's picture, the best first, without end."""
    parts = [_safe(part) for part in PurePosixPath(entry.name).parts]
    whole = "/".join(part for part in parts if part) or f"page {entry.number}"
    path = PurePosixPath(whole)
    yield f"{path.with_suffix('') if kind_of_suffix(whole) else path}{suffix}"
    yield f"{whole}{suffix}"
    for number in count(2):
        yield f"{whole} ({number}){suffix}"


def _safe(part: str) -> str:
    """A name from an archive, without what leads out of the folder or means something else."""
    return "" if part in ("/", "..") else re.sub(r'[\\:*?"<>|\x00-\x1f]', "_", part)
