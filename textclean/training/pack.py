"""Packs: training samples made ahead of time, in plain arrays that are read through the page cache.

A pack is a folder:

* ``pack.json``: ``{"format": 1, "count": N, "size": S, "families": [...], "recipe": {...}}``;
* ``target.npy``, ``shown.npy``, ``smooth.npy`` and, unless left out, ``projection.npy``:
  ``(N, S, S, 3)`` uint8;
* ``mask.npy``: ``(N, S, S)`` uint8, bit 0 the hole, bit 1 the see-through pixels;
* ``family.npy``: ``(N,)`` uint8, place in ``families``;
* ``done.npy``: ``(N,)`` uint8, 1 where a sample has been written.

What a sample shows depends on the recipe, its seed and its number alone, so that a pack may be
written by any number of processes, stopped and taken up again.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from textclean.errors import CorruptInputError, FileAccessError, OutputExistsError
from textclean.training.drawing import chance
from textclean.training.sample import Sample

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from textclean.types import Image

FORMAT = 1
_HOLE, _SEE_THROUGH = 1, 2
_PICTURES = ("target", "shown", "smooth", "projection")


class Pack:
    """The finished samples of a pack, by number.

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

    def __getitem__(self, index: int) -> Sample:
        number = int(self._numbers[index])
        arrays = self._arrays
        mask = arrays["mask"][number]
        pictures = {name: np.array(arrays[name][number]) for name in _PICTURES if name in arrays}
        return Sample(
            target=pictures["target"],
            shown=pictures["shown"],
            hole=(mask & _HOLE) > 0,
            see_through=(mask & _SEE_THROUGH) > 0,
            projection=pictures.get("projection"),
            smooth=pictures["smooth"],
            family=self.families[int(arrays["family"][number])],
        )

    def __getstate__(self) -> dict[str, Any]:
        # A worker process maps the files itself; the arrays would travel as copies.
        return {"folder": self.folder}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["folder"])  # type: ignore[misc]


class PackWriter:
    """Writes samples into a pack, in any order, from any number of processes.

    Args:
        folder: The pack; made if it is not there, taken up again if it is and fits.
        count: How many samples it is for.
        size: Side of a sample in pixels.
        families: Names of the families.
        recipe: What the samples are made from, as plain values; kept with the pack.
        projection: Whether the pack holds projections.

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
        *,
        projection: bool = True,
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
            _create(self.folder, about, projection)
        self._arrays = _open_arrays(self.folder, count, size, "r+")

    def missing(self) -> list[int]:
        """The numbers of the samples that are not written yet."""
        return [int(number) for number in np.flatnonzero(self._arrays["done"] == 0)]

    def write(self, number: int, sample: Sample) -> None:
        """Write a sample; it counts as done only once all of it is in place.

        Raises:
            ValueError: The sample lacks a picture that the pack holds.
        """
        arrays = self._arrays
        for name in _PICTURES:
            if name in arrays:
                picture = getattr(sample, name)
                if picture is None:
                    raise ValueError(f"the sample has no {name}, which the pack holds")
                arrays[name][number] = picture
        arrays["mask"][number] = sample.hole * _HOLE + sample.see_through * _SEE_THROUGH
        arrays["family"][number] = self.families.index(sample.family)
        arrays["done"][number] = 1


def _create(folder: Path, about: dict[str, Any], projection: bool) -> None:
    if folder.exists() and any(folder.iterdir()):
        raise OutputExistsError(
            f"{folder} is not empty and not a pack", remedy="Name an empty or a new folder"
        )
    folder.mkdir(parents=True, exist_ok=True)
    for name, shape in _shapes(about["count"], about["size"]).items():
        if name == "projection" and not projection:
            continue
        np.lib.format.open_memmap(folder / f"{name}.npy", "w+", np.uint8, shape).flush()
    (folder / "pack.json").write_text(json.dumps(about, indent=1))


def _shapes(count: int, size: int) -> dict[str, tuple[int, ...]]:
    pictures = dict.fromkeys(_PICTURES, (count, size, size, 3))
    return {**pictures, "mask": (count, size, size), "family": (count,), "done": (count,)}


def _about(folder: Path) -> dict[str, Any]:
    try:
        about: dict[str, Any] = json.loads((folder / "pack.json").read_text())
        if about["format"] != FORMAT:
            raise ValueError(f"format {about['format']}")
    except OSError as error:
        raise FileAccessError(
            f"{folder} is not a pack of training samples: {error.strerror}",
            remedy="Write one first",
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptInputError(
            f"the description of the pack {folder} is damaged: {error}"
        ) from None
    return about


def _open_arrays(folder: Path, count: int, size: int, mode: Any) -> dict[str, NDArray[np.uint8]]:
    arrays: dict[str, NDArray[np.uint8]] = {}
    for name, shape in _shapes(count, size).items():
        path = folder / f"{name}.npy"
        if name == "projection" and not path.exists():
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


def augment(sample: Sample, rng: np.random.Generator, size: int) -> Sample:
    """A piece of a sample, ``size`` pixels a side, mirrored, turned, recoloured at will.

    Mirroring, right angles, inversion and exchange of channels change nothing that the task
    depends on. Inversion is left out where ink is see-through: light does not add to print.

    Raises:
        ValueError: The sample is smaller than ``size``.
    """
    height, width = sample.hole.shape
    if min(height, width) < size:
        raise ValueError(f"the sample is {width} x {height} pixels, less than {size}")
    y, x = _corner(sample.hole, rng, size)
    flips = int(rng.integers(8))
    invert = not sample.see_through.any() and chance(rng, 0.2)
    channels = rng.permutation(3) if chance(rng, 0.3) else np.arange(3)

    def cut(array: NDArray[Any]) -> NDArray[Any]:
        part = array[y : y + size, x : x + size]
        part = part[::-1] if flips & 1 else part
        part = part[:, ::-1] if flips & 2 else part
        return np.ascontiguousarray(part.swapaxes(0, 1) if flips & 4 else part)

    def recolored(picture: Image) -> Image:
        part = cut(picture)[..., channels]
        return np.ascontiguousarray(255 - part if invert else part)

    return replace(
        sample,
        target=recolored(sample.target),
        shown=recolored(sample.shown),
        hole=cut(sample.hole),
        see_through=cut(sample.see_through),
        projection=None if sample.projection is None else recolored(sample.projection),
        smooth=None if sample.smooth is None else recolored(sample.smooth),
    )


def _corner(hole: NDArray[np.bool_], rng: np.random.Generator, size: int) -> tuple[int, int]:
    """The top left of a window: of a few tries the first with a fair share of the hole."""
    height, width = hole.shape
    best, most = (0, 0), -1.0
    for _ in range(6):
        y, x = int(rng.integers(height - size + 1)), int(rng.integers(width - size + 1))
        share = float(hole[y : y + size, x : x + size].mean())
        if share > most:
            best, most = (y, x), share
        if most > 0.05:
            break
    return best
