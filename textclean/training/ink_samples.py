"""Packs of pixels whose kind is known: what the ink network is trained on.

A pack is a folder as :mod:`textclean.training.pack_files` describes it, with

* ``shown.npy``: ``(N, S, S, 3)`` uint8 RGB, the page as found;
* ``labels.npy``: ``(N, S, S)`` uint8, see :class:`InkSample`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from textclean.training.pack_files import Layout, PackFiles, PackFilesWriter

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from textclean.types import Image

LAYOUT = Layout(format="ink-1", samples="ink samples", pictures=("shown",), planes=("labels",))

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


class InkPack(PackFiles):
    """The finished samples of a pack, by number; picklable, for worker processes.

    Args:
        folder: The pack.

    Raises:
        FileAccessError: The folder is no pack, or cannot be read.
        CorruptInputError: Its arrays do not fit its description, or nothing is in it yet.
    """

    layout = LAYOUT

    def __getitem__(self, index: int) -> InkSample:
        arrays, family = self.row(index)
        return InkSample(arrays["shown"], arrays["labels"], family)


class InkPackWriter(PackFilesWriter):
    """Writes samples into a pack; see :class:`textclean.training.pack_files.PackFilesWriter`."""

    layout = LAYOUT

    def write(self, number: int, sample: InkSample) -> None:
        """Write a sample; it counts as done only once all of it is in place."""
        self.put(number, sample.family, {"shown": sample.shown, "labels": sample.labels})
