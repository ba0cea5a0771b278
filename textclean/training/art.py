"""Real textless art and real lettering layers, read from folders and cut to training pages.

The folders hold ``EnnPmm.webp`` pages of art and ``EnnPmm_LANG_all.webp`` / ``..._nolet.webp``
transparent layers: bubbles with and without their text. What differs between the two layers is
exactly the text.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np
from PIL import Image as PillowImage

from textclean.errors import FileAccessError
from textclean.training.drawing import chance, log_uniform, pick
from textclean.training.halftones import grey_look, halftone_look

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from textclean.types import Image

Split = Literal["train", "validation"]

_VALIDATION_EPISODES = frozenset({14, 15, 16, 17})
_VALIDATION_PAGES = frozenset({"E04P07", "E06P06", "E06P07", "E12P04", "E13P02"})
# Pages of that series whose art holds text: credits, badges, a title.
_TEXT_PAGES = frozenset({
    "E02P06", "E03P08", "E04P00", "E04P08", "E05P05", "E06P10", "E07P06", "E09P08",
    "E10P06", "E11P07", "E12P08", "E13P07", "E14P07", "E15P09", "E16P07", "E17P08",
})  # fmt: skip
_PAGE = re.compile(r"E(\d\d)P(\d\d)")
_CACHED = 160


def is_validation(name: str) -> bool:
    """Whether a page (by file or page name) may never be trained on."""
    found = _PAGE.match(Path(name).name)
    if found is None:
        return False
    return int(found[1]) in _VALIDATION_EPISODES or found[0] in _VALIDATION_PAGES


@dataclass(slots=True)
class ArtFolder:
    """Pages of art without text; decoded when first asked for, then kept.

    Attributes:
        folder: Where the pages are.
        split: Which of the pages are used; pages that are not named as above are trained on.
        lettering: Folder of the lettering layers, or None.
    """

    folder: Path
    split: Split = "train"
    lettering: Path | None = None
    names: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()
    _kept: OrderedDict[str, NDArray[np.uint8]] = field(default_factory=OrderedDict)

    def __post_init__(self) -> None:
        self.names = self._listed(self.folder)
        if not self.names:
            raise FileAccessError(
                f"there is no {self.split} page in the art folder {self.folder}",
                remedy="Give a folder of .webp, .png or .jpg pages without text",
            )
        if self.lettering is not None:
            known = {Path(name).stem for name in self.names}
            files = self._listed(self.lettering)
            self.layers = tuple(
                name.replace("_all.", "_*.")
                for name in files
                if "_all." in name
                and name.replace("_all.", "_nolet.") in files
                and name.split("_")[0] in known
            )

    def _listed(self, folder: Path) -> tuple[str, ...]:
        try:
            found = sorted(path.name for path in folder.iterdir())
        except OSError as error:
            raise FileAccessError(f"cannot list {folder}: {error.strerror}") from None
        wanted = self.split == "validation"
        pictures = (n for n in found if n.lower().endswith((".webp", ".png", ".jpg", ".jpeg")))
        return tuple(
            name
            for name in pictures
            if is_validation(name) == wanted and name.split(".")[0][:6] not in _TEXT_PAGES
        )

    def page(self, name: str) -> Image:
        """``(H, W, 3)`` uint8 RGB, read-only."""
        return self._read(self.folder / name, "RGB")

    def layer(self, name: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """A pair of ``(H, W, 4)`` uint8 RGBA layers: with text and without."""
        assert self.lettering is not None
        full = self._read(self.lettering / name.replace("_*.", "_all."), "RGBA")
        return full, self._read(self.lettering / name.replace("_*.", "_nolet."), "RGBA")

    def _read(self, path: Path, mode: str) -> NDArray[np.uint8]:
        key = str(path)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        try:
            with PillowImage.open(path) as image:
                pixels = np.asarray(image.convert(mode))
        except OSError as error:
            raise FileAccessError(f"cannot read the picture {path}: {error}") from None
        pixels.flags.writeable = False
        self._kept[key] = pixels
        if len(self._kept) > _CACHED:
            self._kept.popitem(last=False)
        return pixels


def art_crop(rng: np.random.Generator, art: ArtFolder, size: tuple[int, int]) -> Image:
    """A piece of a page at a scale of 0.6 to 1.6, flipped and turned by right angles at will."""
    scale = 1.0 if chance(rng, 0.5) else log_uniform(rng, 0.6, 1.6)
    turned = chance(rng, 0.5)
    height, width = size[::-1] if turned else size
    need = (int(np.ceil(height / scale)), int(np.ceil(width / scale)))
    page = _large_enough(rng, art, need)
    box = min(need[0], page.shape[0]), min(need[1], page.shape[1])
    best: Image | None = None
    for _ in range(4):  # blank corners teach nothing: keep the busiest of a few
        y = int(rng.integers(page.shape[0] - box[0] + 1))
        x = int(rng.integers(page.shape[1] - box[1] + 1))
        piece = page[y : y + box[0], x : x + box[1]]
        if best is None or piece[::4, ::4].std() > best[::4, ::4].std():
            best = piece
        if best[::4, ::4].std() > 25:
            break
    assert best is not None
    if best.shape[:2] != (height, width):
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        best = cv2.resize(best, (width, height), interpolation=method).astype(np.uint8)
    best = best.transpose(1, 0, 2) if turned else best
    best = best[:, ::-1] if chance(rng, 0.5) else best
    return np.ascontiguousarray(best[::-1] if chance(rng, 0.5) else best)


def _large_enough(rng: np.random.Generator, art: ArtFolder, need: tuple[int, int]) -> Image:
    page = art.page(pick(rng, art.names))
    for _ in range(8):
        if page.shape[0] >= need[0] and page.shape[1] >= need[1]:
            break
        page = art.page(pick(rng, art.names))
    return page


def color_art(rng: np.random.Generator, art: ArtFolder, size: tuple[int, int]) -> Image:
    """Art as it is, now and then with its channels exchanged or inverted."""
    piece = art_crop(rng, art, size)
    if chance(rng, 0.25):
        piece = piece[..., rng.permutation(3)]
    return 255 - piece if chance(rng, 0.08) else np.ascontiguousarray(piece)


def grey_art(rng: np.random.Generator, art: ArtFolder, size: tuple[int, int]) -> Image:
    """Art in greys, with a random share of each channel and a random contrast."""
    piece = art_crop(rng, art, size)
    return grey_look(rng, piece)(piece)


def halftone_art(rng: np.random.Generator, art: ArtFolder, size: tuple[int, int]) -> Image:
    """Art as a black-and-white comic: its lines in black, its greys through a screen."""
    piece = art_crop(rng, art, size)
    return halftone_look(rng, piece)(piece)
