"""Ghosts of un-mixed ink on blank paper."""

from __future__ import annotations

import numpy as np
import pytest

from textclean.inpaint.paper import PaperLast, settled
from textclean.types import Image, Mask


class Ghostly:
    """Leaves a faint stroke where it un-mixes, and un-mixes print well."""

    unmixes = True

    def __init__(self, clean: Image, faint: int) -> None:
        self.clean = clean
        self.faint = faint
        self.opaque: list[Mask] = []

    def __call__(self, image: Image, mask: Mask, see_through: Mask | None = None) -> Image:
        out = image.copy()
        if see_through is None:
            self.opaque.append(mask)
        faint = 0 if see_through is None else self.faint
        out[mask] = np.maximum(self.clean[mask].astype(int) - faint, 0)
        return out


def sheet(spread: float = 0.0) -> tuple[Image, Mask, Mask]:
    """Tinted paper with a printed bar, a pen stroke across both, and where the print is."""
    rng = np.random.default_rng(4)
    paper = np.array([250, 244, 230]) + rng.normal(0, spread, (200, 240, 1))
    page = np.clip(np.rint(np.broadcast_to(paper, (200, 240, 3))), 0, 255).astype(np.uint8)
    printed = np.zeros((200, 240), bool)
    printed[:, 100:112] = True
    page[printed] = 30
    stroke = np.zeros((200, 240), bool)
    stroke[90:106, 20:220] = True
    return page, stroke, printed


def test_ghosts_on_blank_paper_go_and_print_stays() -> None:
    clean, stroke, printed = sheet()
    out = PaperLast(Ghostly(clean, 25))(clean, stroke, stroke)
    away = stroke.copy()
    away[:, 95:117] = False
    assert (out[away] == clean[away]).all()
    # Print and its rims are as they were un-mixed.
    assert (out[stroke & printed] == 5).all()
    assert (out[~stroke] == clean[~stroke]).all()


def test_grain_of_the_paper_is_kept_up() -> None:
    clean, stroke, _ = sheet(spread=2.0)
    out = PaperLast(Ghostly(clean, 25))(clean, stroke, stroke)
    away = np.zeros_like(stroke)
    away[90:106, 20:90] = True
    around = clean[40:80, 20:90].astype(float)
    assert abs(out[away].astype(float).mean() - around.mean()) < 0.5
    assert 0.6 < out[away][:, 0].astype(float).std() / around[..., 0].std() < 1.5


def written(clean: Image, stroke: Mask, light: float) -> Image:
    """The sheet with the stroke of a pen that lets so much light through."""
    page = clean.copy()
    page[stroke] = np.rint(page[stroke] * light)
    return page


@pytest.mark.parametrize(
    ("faint", "light"), [(25, 0.8), (1, 0.2)], ids=["under pale ink", "where nothing can be read"]
)
def test_uneven_paper_is_left_as_it_was_unmixed(faint: int, light: float) -> None:
    clean, stroke, _ = sheet(spread=9.0)
    ghostly = Ghostly(clean, faint)
    page = written(clean, stroke, light)
    assert (PaperLast(ghostly)(page, stroke, stroke) == ghostly(page, stroke, stroke)).all()
    assert not ghostly.opaque


def test_what_a_pen_left_on_uneven_paper_is_filled_anew_away_from_print() -> None:
    clean, stroke, printed = sheet(spread=9.0)
    ghostly = Ghostly(clean, 25)
    out = PaperLast(ghostly)(written(clean, stroke, 0.2), stroke, stroke)
    (anew,) = ghostly.opaque
    assert not (anew & ~stroke).any()
    assert not anew[:, 96:116].any() and anew[:, 20:90][stroke[:, 20:90]].all()
    assert (out[anew] == clean[anew]).all()
    assert (out[stroke & printed] == 5).all()


def test_holes_that_are_not_seen_through_are_left_alone() -> None:
    clean, stroke, _ = sheet()
    ghostly = Ghostly(clean, 25)
    assert (PaperLast(ghostly)(clean, stroke) == ghostly(clean, stroke)).all()


def test_the_same_paper_each_time() -> None:
    clean, stroke, _ = sheet(spread=2.0)
    torn = Ghostly(clean, 25)(clean, stroke)
    assert (settled(torn, stroke, stroke) == settled(torn, stroke, stroke)).all()


def test_nothing_is_known_of_a_page_that_is_all_hole() -> None:
    clean, _, _ = sheet()
    everything = np.ones(clean.shape[:2], bool)
    assert (settled(clean, everything, everything) == clean).all()


def test_pale_print_is_no_ghost() -> None:
    clean, stroke, _ = sheet()
    for row in range(10, 200, 20):  # nothing is darker than this grey
        clean[row : row + 6, 10:230:9] = clean[row : row + 6, 11:230:9] = 170
    clean[:, 100:112] = (250, 244, 230)
    pale = stroke & (clean.max(axis=2) < 180)
    assert pale.sum() > 100
    out = PaperLast(Ghostly(clean, 0))(clean, stroke, stroke)
    assert (out[pale] == clean[pale]).all()


@pytest.mark.parametrize("level", [180, 206])
def test_what_shines_through_is_no_ghost(level: int) -> None:
    clean, stroke, printed = sheet()
    back = np.zeros(stroke.shape, bool)
    back[10::30, :] = back[11::30, :] = back[12::30, :] = back[:, 40::50] = back[:, 41::50] = True
    clean[back & ~printed] = level
    out = PaperLast(Ghostly(clean, 0))(clean, stroke, stroke)
    seen = stroke & back & ~printed
    assert (out[seen] == clean[seen]).all()
