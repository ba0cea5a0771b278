"""Packs of pixels whose kind is known: what the ink network is trained on.

A pack is a folder:

* ``pack.json``: ``{"format": "ink-1", "count": N, "size": S, "families": [...], "recipe": {...}}``;
* ``shown.npy``: ``(N, S, S, 3)`` uint8 RGB, the page as found;
* ``labels.npy``: ``(N, S, S)`` uint8, see :class:`InkSample`;
* ``family.npy``: ``(N,)`` uint8, place in ``families``;
* ``done.npy``: ``(N,)`` uint8, 1 where a sample has been written.

What a sample shows depends on the recipe, its seed and its number alone, so that a pack may be
written by any number of processes, stopped and taken up again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from textclean.errors import CorruptInputError, FileAccessError, OutputExistsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from textclean.types import Image

FORMAT = "ink-1"
BUBBLE = 0x80
"""Bit of a label: inside a bubble."""

UNKNOWN = 0x7F
"""A label without its bubble bit: nobody can say what the pixel is; not trained, not judged."""


@dataclass(frozen=True, slots=True, eq=False)
class InkSample:
    """A piece of a page, and what each of its pixels is.

    Attributes:
        shown: ``(H, W, 3)`` uint8 RGB.
        labels: ``(H, W)`` uint8: a class of :mod:`textclean.training.drawing` (0 to 5) or
            :data:`UNKNOWN`; :data:`BUBBLE` is added inside bubbles.
        family: Which generator drew it.
    """

    shown: Image
    labels: NDArray[np.uint8]
    family: str = ""


class InkSamples(Protocol):
    """A pack of pieces of pages."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> InkSample: ...


class InkPack:
    """The finished samples of a pack, by number; picklable, for worker processes.

    Args:
        folder: The pack.

    Raises:
        FileAccessError: The folder is no pack, or cannot be read.
        CorruptInputError: Its arrays do not fit its description, or nothing is in it yet.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        about = _about(self.folder)
        self.size = int(about["size"])
        self.families: tuple[str, ...] = tuple(about["families"])
        self.recipe: dict[str, Any] = about["recipe"]
        self._arrays = _open_arrays(self.folder, int(about["count"]), self.size, "r")
        self._numbers = np.flatnonzero(self._arrays["done"])
        if not len(self._numbers):
            raise CorruptInputError(
                f"the pack {self.folder} holds no finished sample",
                remedy="Write it to the end first",
            )

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, index: int) -> InkSample:
        number = int(self._numbers[index])
        arrays = self._arrays
        return InkSample(
            shown=np.array(arrays["shown"][number]),
            labels=np.array(arrays["labels"][number]),
            family=self.families[int(arrays["family"][number])],
        )

    def __getstate__(self) -> dict[str, Any]:
        # A worker process maps the files itself; the arrays would travel as copies.
        return {"folder": self.folder}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["folder"])  # type: ignore[misc]


class InkPackWriter:
    """Writes samples into a pack, in any order, from any number of processes.

    Args:
        folder: The pack; made if it is not there, taken up again if it is and fits.
        count: How many samples it is for.
        size: Side of a sample in pixels.
        families: Names of the families.
        recipe: What the samples are made from, as plain values; kept with the pack.

    Raises:
        OutputExistsError: There is another pack, or something else, at that place.
    """

    def __init__(
        self,
        folder: str | Path,
        count: int,
        size: int,
        families: Sequence[str],
        recipe: dict[str, Any] | None = None,
    ) -> None:
        self.folder = Path(folder)
        self.families = tuple(families)
        about = {
            "format": FORMAT,
            "count": count,
            "size": size,
            "families": list(families),
            "recipe": json.loads(json.dumps(recipe or {})),
        }
        if (self.folder / "pack.json").exists():
            if _about(self.folder) != about:
                raise OutputExistsError(
                    f"there is a pack of another recipe at {self.folder}",
                    remedy="Name another folder, or repeat the call it was begun with",
                )
        else:
            _create(self.folder, about)
        self._arrays = _open_arrays(self.folder, count, size, "r+")

    def missing(self) -> list[int]:
        """The numbers of the samples that are not written yet."""
        return [int(number) for number in np.flatnonzero(self._arrays["done"] == 0)]

    def write(self, number: int, sample: InkSample) -> None:
        """Write a sample; it counts as done only once all of it is in place."""
        arrays = self._arrays
        arrays["shown"][number] = sample.shown
        arrays["labels"][number] = sample.labels
        arrays["family"][number] = self.families.index(sample.family)
        arrays["done"][number] = 1


def _create(folder: Path, about: dict[str, Any]) -> None:
    if folder.exists() and any(folder.iterdir()):
        raise OutputExistsError(
            f"{folder} is not empty and not a pack", remedy="Name an empty or a new folder"
        )
    folder.mkdir(parents=True, exist_ok=True)
    for name, shape in _shapes(about["count"], about["size"]).items():
        np.lib.format.open_memmap(folder / f"{name}.npy", "w+", np.uint8, shape).flush()
    (folder / "pack.json").write_text(json.dumps(about, indent=1))


def _shapes(count: int, size: int) -> dict[str, tuple[int, ...]]:
    square = (count, size, size)
    return {"shown": (*square, 3), "labels": square, "family": (count,), "done": (count,)}


def _about(folder: Path) -> dict[str, Any]:
    try:
        about: dict[str, Any] = json.loads((folder / "pack.json").read_text())
        if about["format"] != FORMAT:
            raise ValueError(f"format {about['format']}, not {FORMAT}")
        if missing := {"count", "size", "families", "recipe"} - set(about):
            raise ValueError(f"it has no {sorted(missing)[0]}")
    except OSError as error:
        raise FileAccessError(
            f"{folder} is not a pack of ink samples: {error.strerror}", remedy="Write one first"
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptInputError(f"{folder} is not a sound pack of ink samples: {error}") from None
    return about


def _open_arrays(folder: Path, count: int, size: int, mode: Any) -> dict[str, NDArray[np.uint8]]:
    arrays: dict[str, NDArray[np.uint8]] = {}
    for name, shape in _shapes(count, size).items():
        path = folder / f"{name}.npy"
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
