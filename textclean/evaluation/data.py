"""Ground truth on disk: pairs of pages with and without text, grouped into sets.

Two layouts are read:

* :func:`load_sets`: a folder with ``comics/``, ``screentone/``, ``manga/`` and ``documents/``:
  ``NAME_lettered.*`` + ``NAME_cleanbubbles.*`` + ``NAME_textmask.png`` (+ ``NAME_regions.json``
  with ``{"ignore": [[x0, y0, x1, y1], ...]}``), or ``NAME_annotated.*`` + ``NAME_clean.*`` +
  ``NAME_mask.png`` (+ ``NAME_class.png``: 0 = paper and print, else translucent ink); and
  ``art/`` with pages ``EnnPmm`` that have no text, of which ten never trained on are measured;
* :func:`load_pairs`: that of SCUT-EnsText: ``all_images/`` and ``all_labels/`` with the same file
  names, optionally ``mask/``.

Listing reads no pixels; :meth:`Pair.load` does.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from textclean.errors import CorruptInputError, FileAccessError, InputError
from textclean.evaluation.pictures import difference, read, text_side, unreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from textclean.types import Box, Image, Mask

PairKind = Literal["lettering", "annotations", "textless"]

GROUPS = ("comics", "screentone", "manga", "documents")
VALIDATION_PAGES = frozenset({"E04P07", "E06P06", "E06P07", "E12P04", "E13P02"})
VALIDATION_EPISODES = frozenset({"E14", "E15", "E16", "E17"})
ART = "art"
TEXTLESS_PAGES = 10
# Credits, lettered in the art, and a cover that is blank without its title.
NOT_TEXTLESS = frozenset({"E14P07", "E15P00", "E15P09", "E16P07", "E17P08"})
IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"})
LOSSLESS_DIFFERENCE = 6
JPEG_DIFFERENCE = 25

_LAYOUTS: tuple[tuple[PairKind, str, str, str], ...] = (
    ("lettering", "lettered", "cleanbubbles", "textmask"),
    ("annotations", "annotated", "clean", "mask"),
)


@dataclass(frozen=True, slots=True, eq=False)
class PairImages:
    """The pixels of a pair.

    Attributes:
        lettered: ``(H, W, 3)`` uint8 RGB, read-only: the page as it comes.
        clean: ``(H, W, 3)`` uint8 RGB, read-only: the truth.
        text: ``(H, W)`` bool: the true text (or annotation) pixels.
        see_through: ``(H, W)`` bool: pixels of translucent ink, or None when there are none.
    """

    lettered: Image
    clean: Image
    text: Mask
    see_through: Mask | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """A page with its truth, not loaded yet.

    Attributes:
        name: Unique in its group.
        group: Folder it is from: one of :data:`GROUPS`, or the name of a pairs folder.
        kind: What is to be removed; nothing from a "textless" page, which is its own truth.
        lettered: File with the text.
        clean: File without it.
        text: File with the text pixels, or None: pixels that differ by more than 6 levels (25
            when one of the two is a JPEG).
        classes: File with the classes of ink, 0 = none, or None.
        ignore: Boxes in which nothing is judged.
    """

    name: str
    group: str
    kind: PairKind
    lettered: Path
    clean: Path
    text: Path | None = None
    classes: Path | None = None
    ignore: tuple[Box, ...] = ()

    @property
    def key(self) -> str:
        """Group and name: unique in a run."""
        return f"{self.group}/{self.name}"

    @property
    def is_see_through(self) -> bool:
        """Whether translucent ink lies over what must survive, all over the hole."""
        return self.kind == "annotations" and self.classes is not None

    def load(self) -> PairImages:
        """Read the files.

        Raises:
            FileAccessError: A file cannot be read.
            CorruptInputError: A file is damaged, or the sizes differ.
        """
        lettered = read(self.lettered, "RGB")
        clean = lettered if self.clean == self.lettered else read(self.clean, "RGB")
        self._same_size(lettered, clean, self.clean)
        if self.text is None:
            text = difference(lettered, clean) > self._threshold()
        else:
            text = read(self.text, "L") >= 128
            self._same_size(lettered, text, self.text)
            if self.group not in GROUPS:
                text = text_side(text, lettered, clean)
        see_through = None
        if self.classes is not None:
            see_through = read(self.classes, "L") > 0
            self._same_size(lettered, see_through, self.classes)
        return PairImages(lettered, clean, text, see_through)

    def _threshold(self) -> int:
        lossy = {".jpg", ".jpeg"} & {self.lettered.suffix.lower(), self.clean.suffix.lower()}
        return JPEG_DIFFERENCE if lossy else LOSSLESS_DIFFERENCE

    def _same_size(self, page: Image, other: Image | Mask, path: Path) -> None:
        if page.shape[:2] != other.shape[:2]:
            raise CorruptInputError(
                f"{other.shape[1]}x{other.shape[0]} pixels, but its page {self.lettered.name} has "
                f"{page.shape[1]}x{page.shape[0]}",
                remedy="A pair is compared pixel by pixel: both must have the same size",
                source=str(path),
            )


@dataclass(frozen=True, slots=True)
class EvalSet:
    """Pairs whose figures are averaged; sets may share pairs.

    Attributes:
        name: Short name, for tables and JSON.
        title: What it is, one line.
        pairs: Its pairs, by name.
        profile: Profile that a cleaner gets for them.
    """

    name: str
    title: str
    pairs: tuple[Pair, ...]
    profile: str


def is_validation(name: str) -> bool:
    """Whether a page of the comics and screentone sets was kept out of all training."""
    return name[:6] in VALIDATION_PAGES or name[:3] in VALIDATION_EPISODES


# (name, folder, title, profile, which of the folder's pairs)
_SETS: tuple[tuple[str, str, str, str, Callable[[str], bool]], ...] = (
    ("manga-bj", "manga", "printed manga, grey JPEG", "manga", lambda n: n.startswith("bj_")),
    ("manga-vector", "manga", "vector manga", "manga", lambda n: not n.startswith("bj_")),
    ("comics", "comics", "colour comics, all pages", "comic", lambda _: True),
    (
        "comics-e16-17",
        "comics",
        "colour comics, episodes 16 and 17",
        "comic",
        lambda n: n[:3] in ("E16", "E17"),
    ),
    ("comics-validation", "comics", "colour comics never trained on", "comic", is_validation),
    (
        "comics-trained",
        "comics",
        "colour comics whose art may have trained the weights",
        "comic",
        lambda n: not is_validation(n),
    ),
    ("screentone", "screentone", "black-and-white halftone", "manga", lambda _: True),
    ("documents", "documents", "scans with pen and highlighter", "annotations", lambda _: True),
    ("textless", ART, "art without text, never trained on", "comic", lambda _: True),
)

SET_NAMES = tuple(entry[0] for entry in _SETS)


def load_sets(root: Path) -> tuple[EvalSet, ...]:
    """The sets found under ``root``, in a fixed order; sets without pairs are left out.

    Raises:
        FileAccessError: ``root`` is no folder that can be read.
        InputError: None of the known folders is in it, or a page lacks its truth.
    """
    _check_folder(root)
    found = {group: _list_group(root / group) for group in GROUPS if (root / group).is_dir()}
    found[ART] = _list_textless(root / ART) if (root / ART).is_dir() else ()
    if not any(found.values()):
        raise InputError(
            f"there is no ground truth: none of the folders {', '.join((*GROUPS, ART))} with pages",
            remedy="Give the folder that holds them, or compare any folder of pairs with --pairs",
            source=str(root),
        )
    sets = []
    for name, group, title, profile, belongs in _SETS:
        pairs = tuple(pair for pair in found.get(group, ()) if belongs(pair.name))
        if pairs:
            sets.append(EvalSet(name, title, pairs, profile))
    return tuple(sets)


def load_pairs(root: Path, *, profile: str = "manga") -> EvalSet:
    """A folder of pairs in SCUT-EnsText's layout as one set, named after the folder.

    ``all_images/X`` is compared with ``all_labels/X``; the suffixes may differ. ``mask/X`` or
    ``masks/X`` says where the text is, in white or in black: the side on which the two pictures
    differ more is the text. Without it, the text is where they differ.

    Raises:
        FileAccessError: A folder is missing or cannot be read.
        InputError: No pictures, or one without a label.
    """
    _check_folder(root)
    images = _by_stem(root / "all_images")
    labels = _by_stem(root / "all_labels")
    masks: dict[str, Path] = {}
    for folder in ("mask", "masks"):
        if (root / folder).is_dir():
            masks.update(_by_stem(root / folder))
    if not images:
        raise InputError("there are no pictures in all_images/", source=str(root))
    if missing := sorted(set(images) - set(labels)):
        raise InputError(
            f"{len(missing)} pictures have no label, first {missing[0]!r}",
            remedy="all_labels/ must hold a picture of the same name for each in all_images/",
            source=str(root),
        )
    name = root.resolve().name
    pairs = tuple(
        Pair(stem, name, "lettering", path, labels[stem], masks.get(stem))
        for stem, path in sorted(images.items(), key=lambda item: _natural(item[0]))
    )
    return EvalSet(name, f"pairs of {name}", pairs, profile)


def unique_pairs(sets: Iterable[EvalSet]) -> list[tuple[Pair, str]]:
    """Each pair once with its set's profile, in order of first appearance."""
    seen: dict[str, tuple[Pair, str]] = {}
    for group in sets:
        for pair in group.pairs:
            seen.setdefault(pair.key, (pair, group.profile))
    return list(seen.values())


def _list_group(folder: Path) -> tuple[Pair, ...]:
    files = _by_stem(folder)
    pairs = []
    for stem, path in files.items():
        for kind, before, after, mask in _LAYOUTS:
            if not stem.endswith(f"_{before}"):
                continue
            name = stem.removesuffix(f"_{before}")
            if f"{name}_{after}" not in files:
                raise InputError(
                    f"the page has no truth {name}_{after}.*", source=str(path), page=name
                )
            pairs.append(
                Pair(
                    name=name,
                    group=folder.name,
                    kind=kind,
                    lettered=path,
                    clean=files[f"{name}_{after}"],
                    text=files.get(f"{name}_{mask}"),
                    classes=files.get(f"{name}_class"),
                    ignore=_read_ignore(folder / f"{name}_regions.json"),
                )
            )
    return tuple(sorted(pairs, key=lambda pair: _natural(pair.name)))


def _list_textless(folder: Path) -> tuple[Pair, ...]:
    """Ten pages without text, evenly spread over those of the validation episodes."""
    pages = [
        Pair(name, folder.name, "textless", path, path)
        for name, path in sorted(_by_stem(folder).items())
        if name[:3] in VALIDATION_EPISODES and name not in NOT_TEXTLESS
    ]
    if len(pages) <= TEXTLESS_PAGES:
        return tuple(pages)
    last = TEXTLESS_PAGES - 1
    return tuple(pages[round(i * (len(pages) - 1) / last)] for i in range(TEXTLESS_PAGES))


def _read_ignore(path: Path) -> tuple[Box, ...]:
    if not path.exists():
        return ()
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
        boxes = [tuple(int(value) for value in box) for box in content["ignore"]]
    except OSError as error:
        raise unreadable(path, error) from None
    except (ValueError, TypeError, KeyError) as error:
        raise CorruptInputError(
            f"this is not a list of boxes under 'ignore' ({type(error).__name__}: {error})",
            source=str(path),
        ) from None
    if bad := [box for box in boxes if len(box) != 4]:
        raise CorruptInputError(f"{bad[0]} is no box x0, y0, x1, y1", source=str(path))
    return tuple((x0, y0, x1, y1) for x0, y0, x1, y1 in boxes)


def _by_stem(folder: Path) -> dict[str, Path]:
    try:
        return {
            path.stem: path
            for path in sorted(folder.iterdir())
            if path.suffix.lower() in IMAGE_SUFFIXES
        }
    except OSError as error:
        raise unreadable(folder, error) from None


def _natural(name: str) -> list[tuple[int, str]]:
    """Sort key that orders 2 before 10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


def _check_folder(root: Path) -> None:
    if not root.is_dir():
        raise FileAccessError(
            "there is no such folder" if not root.exists() else "this is not a folder",
            source=str(root),
        )
