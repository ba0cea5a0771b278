"""How packs of training samples lie on disk, whatever the samples are of.

A pack is a folder of plain arrays of ``N`` rows, read through the page cache, and a description:

* ``pack.json``: ``{"format": F, "count": N, "size": S, "families": [...], "recipe": {...}}``;
* ``NAME.npy``: ``(N, S, S)`` or ``(N, S, S, 3)`` uint8, what a :class:`Layout` names;
* ``family.npy``: ``(N,)`` uint8, place in ``families``;
* ``done.npy``: ``(N,)`` uint8, 1 where a sample has been written.

What a sample shows depends on the recipe, its seed and its number alone, so that a pack may be
written by any number of processes, stopped and taken up again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from textclean.errors import CorruptInputError, FileAccessError, OutputExistsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Arrays = dict[str, NDArray[np.uint8]]


@dataclass(frozen=True, slots=True)
class Layout:
    """What the packs of a kind hold.

    Attributes:
        format: Tells them from packs of other kinds and versions.
        samples: What they are packs of, for messages.
        pictures: Arrays of three channels.
        planes: Arrays of one.
        optional: Those that a pack may be made without.
    """

    format: int | str
    samples: str
    pictures: tuple[str, ...]
    planes: tuple[str, ...]
    optional: frozenset[str] = frozenset()

    def shapes(self, count: int, size: int) -> dict[str, tuple[int, ...]]:
        """The shape of each array of a pack."""
        return {
            **dict.fromkeys(self.pictures, (count, size, size, 3)),
            **dict.fromkeys(self.planes, (count, size, size)),
            "family": (count,),
            "done": (count,),
        }


class PackFiles:
    """The finished rows of a pack; picklable, for worker processes.

    Attributes:
        layout: What the packs of its kind hold.
    """

    layout: Layout

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        about = _about(self.folder, self.layout)
        self.size = int(about["size"])
        self.families: tuple[str, ...] = tuple(about["families"])
        self.recipe: dict[str, Any] = about["recipe"]
        self._arrays = _open_arrays(self.folder, self.layout, int(about["count"]), self.size, "r")
        self._numbers = np.flatnonzero(self._arrays["done"])
        if not len(self._numbers):
            raise CorruptInputError(
                f"the pack {self.folder} holds no finished sample",
                remedy="Write it to the end first",
            )

    def __len__(self) -> int:
        return len(self._numbers)

    def row(self, index: int) -> tuple[Arrays, str]:
        """Copies of the arrays of a finished sample, and its family."""
        number = int(self._numbers[index])
        arrays = {
            name: np.array(array[number])
            for name, array in self._arrays.items()
            if name not in ("family", "done")
        }
        return arrays, self.families[int(self._arrays["family"][number])]

    def __getstate__(self) -> dict[str, Any]:
        # A worker process maps the files itself; the arrays would travel as copies.
        return {"folder": self.folder}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["folder"])  # type: ignore[misc]


class PackFilesWriter:
    """Writes rows of a pack, in any order, from any number of processes.

    Attributes:
        layout: What the packs of its kind hold.

    Args:
        folder: The pack; made if it is not there, taken up again if it is and fits.
        count: How many samples it is for.
        size: Side of a sample in pixels.
        families: Names of the families.
        recipe: What the samples are made from, as plain values; kept with the pack.
        without: Optional arrays that it is made without.

    Raises:
        OutputExistsError: There is another pack, or something else, at that place.
    """

    layout: Layout

    def __init__(
        self,
        folder: str | Path,
        count: int,
        size: int,
        families: Sequence[str],
        recipe: dict[str, Any] | None = None,
        *,
        without: frozenset[str] = frozenset(),
    ) -> None:
        self.folder = Path(folder)
        self.families = tuple(families)
        about = {
            "format": self.layout.format,
            "count": count,
            "size": size,
            "families": list(families),
            "recipe": json.loads(json.dumps(recipe or {})),
        }
        if (self.folder / "pack.json").exists():
            if _about(self.folder, self.layout) != about:
                raise OutputExistsError(
                    f"there is a pack of another recipe at {self.folder}",
                    remedy="Name another folder, or repeat the call it was begun with",
                )
        else:
            _create(self.folder, self.layout, about, without)
        self._arrays = _open_arrays(self.folder, self.layout, count, size, "r+")

    def missing(self) -> list[int]:
        """The numbers of the samples that are not written yet."""
        return [int(number) for number in np.flatnonzero(self._arrays["done"] == 0)]

    def holds(self, name: str) -> bool:
        """Whether the pack has an array of that name."""
        return name in self._arrays

    def put(self, number: int, family: str, rows: Arrays) -> None:
        """Write a row; it counts as done only once all of it is in place."""
        for name, row in rows.items():
            self._arrays[name][number] = row
        self._arrays["family"][number] = self.families.index(family)
        self._arrays["done"][number] = 1


def _create(folder: Path, layout: Layout, about: dict[str, Any], without: frozenset[str]) -> None:
    if folder.exists() and any(folder.iterdir()):
        raise OutputExistsError(
            f"{folder} is not empty and not a pack", remedy="Name an empty or a new folder"
        )
    folder.mkdir(parents=True, exist_ok=True)
    for name, shape in layout.shapes(about["count"], about["size"]).items():
        if name not in without:
            np.lib.format.open_memmap(folder / f"{name}.npy", "w+", np.uint8, shape).flush()
    (folder / "pack.json").write_text(json.dumps(about, indent=1))


def _about(folder: Path, layout: Layout) -> dict[str, Any]:
    try:
        about: dict[str, Any] = json.loads((folder / "pack.json").read_text())
        if about["format"] != layout.format:
            raise ValueError(f"format {about['format']}, not {layout.format}")
        if missing := {"count", "size", "families", "recipe"} - set(about):
            raise ValueError(f"it has no {sorted(missing)[0]}")
    except OSError as error:
        raise FileAccessError(
            f"{folder} is not a pack of {layout.samples}: {error.strerror}",
            remedy="Write one first",
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptInputError(
            f"{folder} is not a sound pack of {layout.samples}: {error}"
        ) from None
    return about


def _open_arrays(folder: Path, layout: Layout, count: int, size: int, mode: Any) -> Arrays:
    arrays: Arrays = {}
    for name, shape in layout.shapes(count, size).items():
        path = folder / f"{name}.npy"
        if name in layout.optional and not path.exists():
            continue
        try:
            array = np.load(path, mmap_mode=mode, allow_pickle=False)
        except (OSError, ValueError) as error:
            raise CorruptInputError(f"cannot read {path} of the pack: {error}") from None
        if array.shape != shape or array.dtype != np.uint8:
            raise CorruptInputError(
                f"{path} of the pack holds {array.dtype} {array.shape}, not uint8 {shape}"
            )
        arrays[name] = array
    return arrays
