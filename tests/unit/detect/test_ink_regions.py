from __future__ import annotations

import cv2
import numpy as np
import pytest

from textclean.detect.ink_regions import MIN_MEAN, annotation_regions, propose_regions
from textclean.ink_map import InkMap
from textclean.mask.morphology import dilate, rasterize
from textclean.types import Image, Mask, Region

SHAPE = (600, 800)


def paper() -> Image:
    return np.full((*SHAPE, 3), 255, np.uint8)


def ink_map(level: int = 240, **planes: Mask) -> InkMap:
    names = ("nothing", "lettering", "pen", "highlighter", "stamp", "print", "bubble")
    values = np.zeros((7, *SHAPE), np.uint8)
    for name, mask in planes.items():
        values[names.index(name)][mask] = level
    values[0] = 255 - values[1:6].max(axis=0)
    return InkMap(values)


def write(
    image: Image,
    text: str,
    at: tuple[int, int],
    scale: float = 1.0,
    thickness: int = 2,
    color: tuple[int, int, int] = (0, 0, 0),
    turned: float = 0.0,
) -> Mask:
    """Letter ``image`` in place; the pixels of the lettering."""
    layer = np.zeros(SHAPE, np.uint8)
    cv2.putText(layer, text, at, cv2.FONT_HERSHEY_SIMPLEX, scale, 255, thickness)
    if turned:
        matrix = cv2.getRotationMatrix2D(at, turned, 1.0)
        layer = cv2.warpAffine(layer, matrix, SHAPE[::-1], flags=cv2.INTER_NEAREST)
    image[layer > 0] = color
    return layer > 0


def around(mask: Mask, margin: int = 4) -> np.ndarray:
    ys, xs = np.nonzero(mask)
    x0, y0, x1, y1 = (
        xs.min() - margin, ys.min() - margin, xs.max() + margin, ys.max() + margin
    )  # fmt: skip
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32)


def holds(region: Region, mask: Mask) -> bool:
    return bool(rasterize([region.polygon], SHAPE)[mask].mean() > 0.98)


def test_nothing_is_proposed_where_nothing_is_seen():
    assert propose_regions(ink_map(), (), paper()) == ()


def test_lettering_in_detected_regions_is_left_to_them():
    image = paper()
    text = write(image, "detected", (100, 100))
    polygon = around(text, 1)
    for region in (
        Region(polygon, lines=(polygon,)),
        Region(polygon),
        Region(polygon, action="keep"),
    ):
        assert propose_regions(ink_map(lettering=text), (region,), image) == ()
    (found,) = propose_regions(ink_map(lettering=text), (), image)
    assert holds(found, text)


def test_missed_lettering_beside_a_detected_region_is_proposed_alone():
    image = paper()
    known, missed = write(image, "known", (60, 100)), write(image, "missed", (450, 400))
    regions = (Region(around(known)),)
    (found,) = propose_regions(ink_map(lettering=known | missed), regions, image)
    assert holds(found, missed) and not rasterize([found.polygon], SHAPE)[known].any()
    assert found.kind == "free" and found.score == pytest.approx(240 / 255, abs=1e-3)
    assert 15 <= found.font_size <= 30


@pytest.mark.parametrize("in_bubble", [True, False])
def test_the_rest_of_a_line_that_was_cut_short_is_proposed_in_a_bubble(in_bubble):
    """The network's letters run together; of a balloon nothing is to be left, of art nothing to go.

    Nor are the tips of letters that stick out of a line proposed.
    """
    image = paper()
    text = write(image, "WHOLELINES", (100, 200), thickness=3)
    run = dilate(text, 4)
    polygon = around(text, -1)
    polygon[[1, 2], 0] -= 40
    bubble = {"bubble": dilate(run, 30)} if in_bubble else {}
    ink = ink_map(lettering=run, **bubble)
    found = propose_regions(ink, (Region(polygon, lines=(polygon,)),), image)
    assert len(found) == in_bubble
    rest = text & ~rasterize([polygon], SHAPE)
    rest[:, : int(polygon[1, 0]) + 8] = False
    assert not found or holds(found[0], rest)


def test_a_lone_mark_on_art_must_be_surer_than_a_word():
    image = np.random.default_rng(0).integers(0, 256, (*SHAPE, 3)).astype(np.uint8)
    eye = write(image, "O", (100, 100))
    speech = Region(around(write(image, "usual", (400, 400), scale=0.8)), font_size=20.0)
    level = round(255 * 0.85)
    assert propose_regions(ink_map(level, lettering=eye), (speech,), image) == ()
    assert propose_regions(ink_map(round(255 * 0.93), lettering=eye), (speech,), image)
    word = write(image, "Oh no", (100, 300))
    assert propose_regions(ink_map(level, lettering=word), (speech,), image)


def test_lines_of_one_block_make_one_region_and_a_far_block_another():
    image = paper()
    first = write(image, "three lines", (80, 100))
    second, third = write(image, "of text in", (80, 135)), write(image, "one block", (80, 170))
    far = write(image, "elsewhere", (420, 480))
    ink = ink_map(lettering=first | second | third | far)
    block, other = propose_regions(ink, (), image)
    assert holds(block, first | second | third) and holds(other, far)
    assert block.direction == "horizontal" and len(block.lines) == 3
    lines = [rasterize([line], SHAPE) for line in block.lines]
    for line, text in zip(lines, (first, second, third), strict=True):
        assert line[text].mean() > 0.98


def test_columns_are_lines_from_the_right():
    image = paper()
    columns = [
        np.logical_or.reduce([write(image, "HE"[i % 2], (x, 100 + 26 * i)) for i in range(6)])
        for x in (300, 330)
    ]
    (found,) = propose_regions(ink_map(lettering=columns[0] | columns[1]), (), image)
    assert found.direction == "vertical" and len(found.lines) == 2
    assert rasterize([found.lines[0]], SHAPE)[columns[1]].mean() > 0.98


def test_dots_and_accents_join_their_glyphs():
    image = paper()
    text = write(image, "ij!", (200, 200), scale=3, thickness=8)
    (found,) = propose_regions(ink_map(lettering=text), (), image)
    assert holds(found, text)


@pytest.mark.parametrize(
    ("how", "kind"),
    [
        ({"scale": 1.0}, "free"),
        ({"scale": 4.0, "thickness": 14}, "sfx"),  # loud
        ({"scale": 1.0, "turned": 20.0}, "sfx"),  # slanted
    ],
)
def test_loud_and_slanted_lettering_is_a_sound_effect(how, kind):
    image = paper()
    text = write(image, "BANG", (250, 300), **how)
    usual = Region(around(write(image, "usual words", (60, 60))))
    (found,) = propose_regions(ink_map(lettering=text), (usual,), image)
    assert found.kind == kind and holds(found, text)


def test_lettering_on_art_is_a_sound_effect():
    image = np.random.default_rng(0).integers(0, 256, (*SHAPE, 3)).astype(np.uint8)
    text = write(image, "crack", (250, 300))
    (found,) = propose_regions(ink_map(lettering=text), (), image)
    assert found.kind == "sfx"


def test_a_slanted_polygon_follows_the_lettering():
    image = paper()
    text = write(image, "SWOOOSH", (150, 400), scale=2, thickness=5, turned=30.0)
    (found,) = propose_regions(ink_map(lettering=text), (), image)
    area = rasterize([found.polygon], SHAPE)
    upright = rasterize([around(text, 0)], SHAPE)
    assert area[text].mean() > 0.98 and area.sum() < 0.6 * upright.sum()


def test_specks_and_faint_things_are_dropped():
    image = paper()
    specks = np.zeros(SHAPE, bool)
    specks[::40, ::40] = specks[1::40, ::40] = True
    assert propose_regions(ink_map(lettering=specks), (), image) == ()
    small = np.zeros(SHAPE, bool)
    small[100:108, 100:108] = True
    assert propose_regions(ink_map(lettering=small), (), image) == ()
    text = write(image, "faint", (100, 100))
    faint = ink_map(120, lettering=text)
    faint.planes[1][np.nonzero(text)[0][0], np.nonzero(text)[1][0]] = 200  # one sure pixel
    assert propose_regions(faint, (), image) == ()


def test_a_huge_effect_does_not_swallow_small_lettering_beside_it():
    image = paper()
    huge = write(image, "BOOM", (80, 400), scale=6, thickness=22)
    small = write(image, "a small line", (150, 445))
    found = propose_regions(ink_map(lettering=huge | small), (), image)
    assert len(found) == 2
    assert sorted(region.kind for region in found) == ["free", "sfx"]


def test_regions_stay_on_the_page():
    image = paper()
    text = write(image, "edge", (770, 598), scale=1.5, thickness=3)
    (found,) = propose_regions(ink_map(lettering=text), (), image)
    assert found.polygon.min() >= 0
    assert (found.polygon.max(axis=0) <= (SHAPE[1] - 1, SHAPE[0] - 1)).all()


def stroke(points: list[tuple[int, int]], width: int = 3, closed: bool = False) -> Mask:
    canvas = np.zeros(SHAPE, np.uint8)
    cv2.polylines(canvas, [np.array(points, np.int32)], closed, 1, width)
    return canvas > 0


def test_pen_strokes_are_told_from_writing():
    image = paper()
    underline = stroke([(80, 120), (200, 124), (330, 119)])
    circle = np.zeros(SHAPE, np.uint8)
    cv2.ellipse(circle, (600, 130), (90, 40), 5, 0, 350, 1, 3)
    tick = stroke([(500, 500), (510, 515), (540, 470)])
    layer = np.zeros(SHAPE, np.uint8)
    cv2.putText(layer, "see margin", (80, 350), cv2.FONT_HERSHEY_SCRIPT_SIMPLEX, 1.5, 1, 2)
    written = layer > 0
    marks = underline | (circle > 0) | tick | written
    found = annotation_regions(ink_map(pen=marks), image)
    kinds = {
        name: [region.kind for region in found if holds(region, mask)]
        for name, mask in (
            ("underline", underline), ("circle", circle > 0), ("tick", tick), ("written", written)
        )
    }  # fmt: skip
    assert kinds == {
        "underline": ["pen"], "circle": ["pen"], "tick": ["pen"], "written": ["handwriting"]
    }  # fmt: skip
    assert len(found) == 4 and all(region.see_through for region in found)


def test_highlighter_broken_by_print_and_the_parts_of_a_stamp_are_one_region_each():
    image = paper()
    band = np.zeros(SHAPE, bool)
    band[100:130, 80:400] = True
    band[:, 150:160] = band[:, 290:298] = False  # letters that the class of print takes
    stamp = np.zeros(SHAPE, np.uint8)
    cv2.circle(stamp, (600, 400), 90, 1, 6)
    cv2.putText(stamp, "PAID", (545, 415), cv2.FONT_HERSHEY_SIMPLEX, 1.6, 1, 5)
    found = annotation_regions(ink_map(highlighter=band, stamp=stamp > 0), image)
    assert [region.kind for region in found] == ["highlighter", "stamp"]
    assert holds(found[0], band) and holds(found[1], stamp > 0)
    assert all(region.see_through for region in found)


def test_faint_or_tiny_annotations_are_dropped():
    image = paper()
    band = np.zeros(SHAPE, bool)
    band[100:130, 80:400] = True
    assert annotation_regions(ink_map(100, highlighter=band), image) == ()
    dot = np.zeros(SHAPE, bool)
    dot[10:13, 10:13] = True
    assert annotation_regions(ink_map(pen=dot), image) == ()
    assert annotation_regions(ink_map(print=dilate(dot, 20)), image) == ()


def test_the_same_map_gives_the_same_regions():
    image = paper()
    text = write(image, "twice the same", (100, 200), scale=1.4)
    ink = ink_map(lettering=text, stamp=np.roll(text, 200, axis=0))
    for make in (lambda: propose_regions(ink, (), image), lambda: annotation_regions(ink, image)):
        once, twice = make(), make()
        assert [r.polygon.tobytes() for r in once] == [r.polygon.tobytes() for r in twice] != []


def test_what_is_removed_without_being_asked_must_be_surer():
    level = round(255 * (MIN_MEAN["sfx"] + MIN_MEAN["free"]) / 2)
    image = paper()
    words = write(image, "some words", (100, 100))
    assert propose_regions(ink_map(level, lettering=words), (), image) == ()
    image = np.random.default_rng(0).integers(0, 256, (*SHAPE, 3)).astype(np.uint8)
    words = write(image, "some words", (100, 100))
    (found,) = propose_regions(ink_map(level, lettering=words), (), image)
    assert found.kind == "sfx"


def test_the_larger_the_find_the_surer_it_must_be():
    image = paper()
    windows = np.zeros(SHAPE, bool)
    for y in range(100, 420, 40):
        for x in range(100, 620, 40):
            windows[y : y + 30, x : x + 24] = True
    image[windows] = 0
    assert propose_regions(ink_map(round(255 * 0.88), lettering=windows), (), image) == ()
    assert propose_regions(ink_map(round(255 * 0.95), lettering=windows), (), image)


@pytest.mark.parametrize(("where", "found"), [
    ("in a bubble", True),
    ("slanted in a bubble", True),
    ("with a drawing in it", False),
    ("in a grey bubble of little contrast", False),
    ("in a bubble that is much larger", False),
    ("on an open page", False),
    ("as one letter of many", False),
])  # fmt: skip
def test_a_few_letters_alone_in_a_bubble_need_be_less_sure(where, found):
    """ "!!" in white on art: seen at 0.75, which is too little anywhere else."""
    rng = np.random.default_rng(0)
    image = rng.integers(40, 160, (*SHAPE, 3), np.uint8)
    size = (320, 220) if "much larger" in where else (110, 80)
    sheet = np.zeros(SHAPE, np.uint8)
    cv2.ellipse(sheet, (400, 300), size, 0, 0, 360, 1, -1)
    image[(sheet > 0) | ("open" in where)] = 110 if "grey" in where else 255
    turned = 30.0 if "slanted" in where else 0.0
    text = "abcdef" if "many" in where else "!!"
    scale = 1.0 if "many" in where else 2.0
    marks = write(image, text, (350 + 25 * (text == "!!"), 320), scale, 6, turned=turned)
    if "drawing" in where:
        cv2.circle(image, (460, 300), 9, (0, 0, 0), -1)
    regions = propose_regions(ink_map(190, lettering=marks), (), image)
    assert bool(regions) is found
    if found:
        assert regions[0].kind == ("sfx" if turned else "bubble")
        assert holds(regions[0], marks)


@pytest.mark.parametrize(("level", "text", "found"), [
    (212, "O", False), (225, "O", True), (212, "OO", True),
])  # fmt: skip
def test_one_large_shape_on_art_must_be_surer_than_two(level, text, found):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (*SHAPE, 3), np.uint8)
    shapes = write(image, text, (150, 350), 5, 20)
    assert bool(propose_regions(ink_map(level, lettering=shapes), (), image)) is found


@pytest.mark.parametrize(("level", "found"), [(222, False), (235, True)])
def test_a_band_on_art_must_be_as_sure_as_a_lone_mark(level, found):
    """The fringe of a carpet hangs together; its size is its height, not its length."""
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (*SHAPE, 3), np.uint8)
    band = np.zeros(SHAPE, bool)
    band[300:320, 60:700] = band[322:326, 400:406] = True
    regions = propose_regions(ink_map(level, lettering=band), (), image)
    assert bool(regions) is found
    if found:
        assert regions[0].font_size < 30
        assert regions[0].box[3] - regions[0].box[1] < 40


@pytest.mark.parametrize(
    ("level", "in_bubble", "found"),
    [(235, True, True), (235, False, False), (205, True, False)],
    ids=["sure", "on no bubble", "not sure"],
)
def test_a_lone_small_mark_in_a_bubble_is_lettering_where_it_is_sure(level, in_bubble, found):
    image = paper()
    line, mark = write(image, "over", (200, 200), 0.7), write(image, "!", (300, 200), 0.8)
    assert 40 <= mark.sum() < 200
    bubble = np.zeros(SHAPE, bool)
    bubble[150:250, 150:400] = in_bubble
    ink = ink_map(level, lettering=line | mark, bubble=bubble)
    proposed = propose_regions(ink, (Region(around(line, 1)),), image)
    assert [region.kind for region in proposed] == (["bubble"] if found else [])
    assert all(holds(region, mark) for region in proposed)
