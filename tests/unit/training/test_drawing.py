from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from builtin_font import builtin_font
from PIL import Image as PillowImage

from textclean.errors import DependencyError
from textclean.training.drawing import (
    DrawnPage,
    blend,
    draw,
    field,
    fill,
    grown,
    pick,
    ribbon,
    spline,
)
from textclean.training.fonts import Font, Fonts, Manner, Script, find_fonts
from textclean.training.sample import Sample
from textclean.training.sheets import overlay, page_sheet, sheet


def test_a_spline_passes_through_its_points() -> None:
    points = np.array([[0, 0], [30, 10], [50, 60], [10, 80]], np.float32)
    for closed in (False, True):
        curve = spline(points, 1.0, closed=closed)
        nearest = np.hypot(*(curve[:, None] - points[None]).transpose(2, 0, 1)).min(axis=0)
        assert nearest.max() < 1e-3
        steps = np.hypot(*np.diff(curve, axis=0).T)
        assert steps.max() < 2.5


def test_a_ribbon_is_as_wide_as_asked() -> None:
    path = np.stack([np.linspace(10, 90, 40), np.full(40, 50.0)], axis=1).astype(np.float32)
    outline = ribbon(path, 8.0)
    assert outline[:40, 1] == pytest.approx(54)
    assert outline[40:, 1] == pytest.approx(46)
    canvas = np.zeros((100, 100), np.uint8)
    draw(canvas, path, 8.0, 255)
    assert (canvas[:, 50] > 127).sum() == pytest.approx(8, abs=1.5)
    assert (canvas[50, 12:88] == 255).all()


def test_a_stroke_that_crosses_itself_has_no_gaps() -> None:
    turns = np.linspace(0, 4 * np.pi, 80)
    path = np.stack([50 + 20 * np.cos(turns), 50 + 20 * np.sin(turns)], axis=1)
    canvas = np.zeros((100, 100), np.uint8)
    draw(canvas, path.astype(np.float32), 9.0, 255)
    on_path = canvas[np.rint(path[:, 1]).astype(int), np.rint(path[:, 0]).astype(int)]
    assert (on_path > 200).all()


def test_filling_covers_the_polygon() -> None:
    canvas = np.zeros((50, 50), np.uint8)
    fill(canvas, np.array([[10, 10], [39, 10], [39, 29], [10, 29]], np.float32), 255)
    assert (canvas == 255).sum() == pytest.approx(30 * 20, abs=60)


def test_noise_has_its_deviation_and_its_grain() -> None:
    fine = field(np.random.default_rng(0), (400, 400), 4)
    coarse = field(np.random.default_rng(0), (400, 400), 30)
    for noise in (fine, coarse):
        assert abs(noise.mean()) < 0.2
        assert 0.75 < noise.std() < 1.25
    assert np.abs(np.diff(fine, axis=0)).mean() > 4 * np.abs(np.diff(coarse, axis=0)).mean()


def test_picks_follow_their_weights() -> None:
    rng = np.random.default_rng(0)
    drawn = [pick(rng, "abc", (1, 0, 3)) for _ in range(1000)]
    assert drawn.count("b") == 0
    assert 680 < drawn.count("c") < 820
    assert {pick(rng, "abc") for _ in range(60)} == set("abc")


def test_blending_is_linear() -> None:
    image = np.full((1, 3, 3), 200, np.uint8)
    out = blend(image, (0, 100, 255), np.array([[0, 0.5, 1]], np.float32))
    assert out[0].tolist() == [[200] * 3, [100, 150, 228], [0, 100, 255]]


@pytest.mark.parametrize(("radius", "expected"), [(0, 1), (1, 5), (2, 21), (3, 37)])
def test_growing_is_by_a_disk(radius: int, expected: int) -> None:
    mask = np.zeros((21, 21), bool)
    mask[10, 10] = True
    assert grown(mask, radius).sum() == expected


def test_a_page_knows_what_changed() -> None:
    clean = np.full((8, 8, 3), 100, np.uint8)
    shown = clean.copy()
    shown[2, 3, 1] = 107
    shown[5, 5] = 106
    page = DrawnPage(clean, shown, np.zeros((8, 8), np.uint8), np.zeros((8, 8), bool), "x")
    assert np.argwhere(page.changed()).tolist() == [[2, 3]]
    part = page.crop((3, 2, 7, 4))
    assert part.clean.shape == (2, 4, 3)
    assert np.argwhere(part.changed()).tolist() == [[0, 0]]


def test_fonts_are_found_and_sorted_by_what_they_write(tmp_path: Path) -> None:
    font = builtin_font(tmp_path)
    (tmp_path / "broken.ttf").write_bytes(b"no font")
    (tmp_path / "script").mkdir()
    (tmp_path / "script" / "handwriting.ttf").write_bytes(font.read_bytes())
    fonts = find_fonts([tmp_path])
    assert [Path(face.path).name for face in fonts.faces] == ["builtin.ttf", "handwriting.ttf"]
    assert [face.manner for face in fonts.faces] == ["print", "hand"]
    assert fonts.scripts() == ("latin",)
    rng = np.random.default_rng(0)
    assert {fonts.choose(rng, ("hand",)).manner for _ in range(20)} == {"hand"}
    assert fonts.choose(rng, ("brush",)) in fonts.faces


def test_a_script_comes_before_a_manner() -> None:
    latin = Font("a", frozenset({"latin"}), "brush")
    both = Font("b", frozenset({"latin", "japanese"}), "print")
    fonts = Fonts((latin, both))
    rng = np.random.default_rng(0)
    assert all(fonts.choose(rng, ("brush",), "japanese") is both for _ in range(20))
    assert fonts.scripts() == ("latin", "japanese")


def test_handwriting_is_the_last_to_take_the_place_of_print() -> None:
    def face(name: str, script: Script, manner: Manner) -> Font:
        return Font(f"/{name}/{name}.ttf", frozenset({script}), manner)

    hand, comic = face("hand", "chinese", "hand"), face("comic", "chinese", "comic")
    brush = face("brush", "korean", "brush")
    fonts, rng = Fonts((hand, comic, brush)), np.random.default_rng(0)
    assert {fonts.choose(rng, ("print",), "chinese") for _ in range(20)} == {comic}
    assert {fonts.choose(rng, ("hand",), "chinese") for _ in range(20)} == {hand}
    assert fonts.choose(rng, ("print",), "korean") == brush  # there is no other


def test_no_font_is_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(DependencyError, match="no font"):
        find_fonts([tmp_path])


def _sample() -> Sample:
    picture = np.full((40, 50, 3), 200, np.uint8)
    hole = np.zeros((40, 50), bool)
    hole[10:20, 10:30] = True
    see = hole.copy()
    see[10:15] = False
    return Sample(picture, picture, hole, see, smooth=picture, family="a")


def test_overlays_tell_hole_from_see_through() -> None:
    picture = overlay(_sample())
    assert picture[12, 20, 0] > picture[12, 20, 1] + 50
    assert picture[17, 20, 1] > picture[17, 20, 0] + 50
    assert picture[30, 30].tolist() == [200, 200, 200]


def test_sheets_show_every_sample_at_full_size(tmp_path: Path) -> None:
    sheet([_sample()] * 5, tmp_path / "sheet.png", columns=2)
    with PillowImage.open(tmp_path / "sheet.png") as picture:
        assert picture.width >= 2 * 4 * 50
        assert picture.height >= 3 * 40
    with pytest.raises(ValueError, match="at least one"):
        sheet([], tmp_path / "none.png")


def test_page_sheets_colour_the_labels(tmp_path: Path) -> None:
    clean = np.zeros((30, 30, 3), np.uint8)
    labels = np.zeros((30, 30), np.uint8)
    labels[15:, :] = 2
    page = DrawnPage(clean, clean, labels, np.zeros((30, 30), bool), "x")
    page_sheet([page], tmp_path / "pages.png", columns=1)
    with PillowImage.open(tmp_path / "pages.png") as picture:
        pixels = np.asarray(picture)
    assert pixels[25, 49, 2] == 255
    assert pixels[25, 10].max() == 0
