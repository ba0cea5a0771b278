"""Both suites on one small page, with cleaners and fills whose result is known."""

import io
import math

import numpy as np
import pytest
from PIL import Image

from textclean import types
from textclean.errors import PageError
from textclean.evaluation.baselines import untouched
from textclean.evaluation.data import Pair, PairImages
from textclean.evaluation.reading import PrintReadings
from textclean.evaluation.suite import score_clean, score_fill, score_textless
from textclean.evaluation.views import MAX_SIDE, worst_regions


@pytest.fixture
def images():
    clean = np.full((120, 160, 3), 230, np.uint8)
    clean[:, 80:] = (120, 140, 160)
    lettered = clean.copy()
    text = np.zeros((120, 160), bool)
    text[40:50, 20:60] = True
    text[40:50, 100:140] = True
    lettered[text] = 0
    return PairImages(lettered, clean, text)


@pytest.fixture
def pair(tmp_path):
    return Pair("one", "comics", "lettering", tmp_path / "a.png", tmp_path / "b.png")


class Cleaner:
    """Gives back the truth under a mask, and claims what it is told to."""

    def __init__(self, images, mask, *, regions=(), stray=None):
        self.images, self.mask, self.regions, self.stray = images, mask, regions, stray

    def clean(self, page):
        cleaned = page.rgb.copy()
        cleaned[self.mask] = self.images.clean[self.mask]
        if self.stray:
            cleaned[self.stray] = 1
        return types.PageResult(
            page=types.Page.from_rgb(cleaned),
            mask=self.mask,
            regions=self.regions,
            residual=self.regions[:1],
            seconds={"detect": 0.001, "mask": 0.002, "fill": 0.003},
        )


def test_a_perfect_cleaner(pair, images):
    scores = score_clean(pair, images, Cleaner(images, images.text))
    values = scores.values
    assert scores.error is None
    assert (scores.pair, scores.suite, scores.method) == ("comics/one", "clean", "textclean")
    assert values["mask_recall"] == 1.0
    assert values["over_erased"] == 0.0
    assert values["region_psnr"] == values["page_psnr"] == 100.0
    assert values["changed_outside"] == 0
    assert values["changed_fraction"] == pytest.approx(images.text.mean())
    assert values["ink_left"] == 0.0
    assert values["seam_ratio"] == pytest.approx(1.0)
    assert values["region_ssim"] == pytest.approx(1.0)
    assert values["seconds_fill"] == 0.003
    assert values["overhead"] == pytest.approx((values["seconds"] - 0.001) / 0.001)
    assert math.isnan(values["tone_distance"])


def test_a_cleaner_that_misses_half_and_breaks_the_promise(pair, images):
    mask = images.text.copy()
    mask[:, :80] = False
    mask[100:110, :] = True
    scores = score_clean(pair, images, Cleaner(images, mask, stray=(0, 0)))
    assert scores.values["mask_recall"] == pytest.approx(0.5)
    assert scores.values["over_erased"] == pytest.approx(10 / 120)
    assert scores.values["changed_outside"] == 1
    assert scores.values["ink_left"] == pytest.approx(0.5)
    assert scores.values["seam_ratio"] == pytest.approx(1.0)


def test_ignored_boxes_hide_what_is_in_them(pair, images):
    mask = images.text.copy()
    mask[:, :80] = False
    ignoring = Pair(
        pair.name, "manga", pair.kind, pair.lettered, pair.clean, ignore=((0, 0, 80, 120),)
    )
    values = score_clean(ignoring, images, Cleaner(images, mask)).values
    assert values["mask_recall"] == 1.0
    assert values["region_psnr"] == values["page_psnr"] == 100.0
    assert values["st_psnr"] < 30  # published measures know no ignored boxes


def word(x, **values):
    """One of the two words of the page, from x to x + 40."""
    corners = np.array([[x, 40], [x + 40, 40], [x + 40, 50], [x, 50]], np.float32)
    return types.Region(polygon=corners, **values)


class OffByTen(Cleaner):
    """Its fill of the first word is ten levels too light."""

    def clean(self, page):
        result = super().clean(page)
        cleaned = result.page.rgb.copy()
        cleaned[40:50, 20:60] += 10
        return types.PageResult(types.Page.from_rgb(cleaned), result.mask, result.regions)


def test_predicted_errors_are_paired_with_true_ones(pair, images):
    regions = (word(20, confidence=7.0), word(100, confidence=1.5), word(100))
    scores = score_clean(pair, images, OffByTen(images, images.text, regions=regions))
    assert scores.confidences == ((7.0, pytest.approx(10.0)), (1.5, pytest.approx(0.0)))


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((0, 0, 80, 120), [1.5]),  # all of the first word
        ((0, 0, 44, 120), [1.5]),  # most of it
        ((46, 0, 80, 120), [7.0, 1.5]),  # the lesser part
        ((-50, -50, 500, 500), []),
    ],
)
def test_predictions_in_ignored_boxes_are_not_judged(pair, images, box, expected):
    ignoring = Pair(pair.name, "manga", pair.kind, pair.lettered, pair.clean, ignore=(box,))
    regions = (word(20, confidence=7.0), word(100, confidence=1.5))
    scores = score_clean(ignoring, images, OffByTen(images, images.text, regions=regions))
    assert [predicted for predicted, _ in scores.confidences] == expected


def test_a_region_is_judged_by_its_pixels_outside_ignored_boxes(pair, images):
    class HalfOff(Cleaner):
        def clean(self, page):
            result = super().clean(page)
            cleaned = result.page.rgb.copy()
            cleaned[40:50, 50:60] += 10
            return types.PageResult(types.Page.from_rgb(cleaned), result.mask, result.regions)

    ignoring = Pair(
        pair.name, "manga", pair.kind, pair.lettered, pair.clean, ignore=((50, 0, 80, 120),)
    )
    cleaner = HalfOff(images, images.text, regions=(word(20, confidence=7.0),))
    assert score_clean(pair, images, cleaner).confidences == ((7.0, pytest.approx(5.0)),)
    assert score_clean(ignoring, images, cleaner).confidences == ((7.0, 0.0),)


def test_residual_regions_are_counted_and_failures_are_told(pair, images):
    corners = np.zeros((3, 2), np.float32)
    left = (types.Region(polygon=corners), types.Region(polygon=corners))
    assert score_clean(pair, images, Cleaner(images, images.text, regions=left)).residual == 1

    class Failing:
        def clean(self, page):
            raise PageError("it broke", page=page.name)

    scores = score_clean(pair, images, Failing())
    assert scores.error == "one: it broke"
    assert not scores.values


def test_untouched_page_in_the_fill_suite(pair, images):
    scores = score_fill(pair, images, "untouched", untouched)
    assert scores.values["ink_left"] == 1.0
    assert scores.values["changed_outside"] == 0
    assert "mask_recall" not in scores.values
    share = images.text.sum() / np.count_nonzero(grown(images.text, 18))
    error = (230**2 + (120**2 + 140**2 + 160**2) / 3) / 2
    assert scores.values["region_psnr"] == pytest.approx(
        10 * math.log10(255**2 / (share * error)), abs=1e-9
    )


def grown(mask, reach):
    """The mask dilated by a square, one shift at a time."""
    result = np.zeros_like(mask)
    for y, x in np.argwhere(mask):
        result[max(y - reach, 0) : y + reach + 1, max(x - reach, 0) : x + reach + 1] = True
    return result


def test_a_fill_gets_the_true_hole_and_the_translucent_ink(pair, images):
    seen = {}
    see_through = np.zeros_like(images.text)
    see_through[40:50, 20:60] = True
    see_through[0, 0] = True  # not part of the hole

    def fill(image, mask, see_through=None):
        seen.update(mask=mask, see_through=see_through)
        return np.where(mask[..., None], images.clean, image)

    with_ink = PairImages(images.lettered, images.clean, images.text, see_through)
    scores = score_fill(pair, with_ink, "truth", fill)
    assert np.array_equal(seen["mask"], grown(images.text, 3))
    assert seen["see_through"].sum() == 400
    assert scores.values["region_psnr"] == 100.0


def document_pair(pair, *, classes=True):
    return Pair(
        pair.name, "documents", "annotations", pair.lettered, pair.clean,
        classes=pair.clean if classes else None,
    )  # fmt: skip


def test_all_of_the_hole_is_see_through_on_documents(pair, images):
    seen = []

    def fill(image, mask, see_through=None):
        seen.append((mask, see_through))
        return np.where(mask[..., None], images.clean, image)

    ink = np.zeros_like(images.text)
    ink[40:50, 20:60] = True
    with_ink = PairImages(images.lettered, images.clean, images.text, ink)
    score_fill(document_pair(pair), with_ink, "truth", fill)
    score_fill(document_pair(pair, classes=False), images, "truth", fill)
    (mask, see_through), (_, without) = seen
    assert np.array_equal(mask, grown(images.text, 3))
    assert np.array_equal(see_through, mask)
    assert see_through is not mask
    assert without is None


@pytest.fixture
def document():
    """Print in bars; pen across the first line, print under a mask in the second."""
    clean = np.full((120, 160, 3), 240, np.uint8)
    clean[30:36, 20:140:8] = 20
    clean[70:76, 20:140:8] = 20
    lettered = clean.copy()
    text = np.zeros((120, 160), bool)
    text[50:56, 20:60] = True
    lettered[text] = (60, 60, 200)
    return PairImages(lettered, clean, text, text)


def test_documents_tell_what_became_of_ink_and_print(pair, document):
    mask = document.text.copy()
    mask[:, :30] = False
    mask[70:76, 20:100] = True

    class Eraser(Cleaner):
        def clean(self, page):
            result = super().clean(page)
            cleaned = result.page.rgb.copy()
            cleaned[70:76, 20:60] = 240
            return types.PageResult(types.Page.from_rgb(cleaned), mask, ())

    class Reader:
        def read(self, image, lines):
            return [("abcd" if image[72, 20, 0] < 100 else "a", 1.0)]

    readings = PrintReadings(Reader(), (None,), ("abcd",), 0.5)
    values = score_clean(
        document_pair(pair), document, Eraser(document, mask), readings=readings
    ).values
    assert values["ink_recall"] == pytest.approx(30 / 40)
    assert "mask_recall" not in values
    assert values["print_erased"] == pytest.approx(5 / 30)
    assert values["print_masked"] == pytest.approx(10 / 30)
    assert values["ocr_agreement"] == pytest.approx(0.25)
    assert values["ocr_annotated"] == 0.5
    unread = score_clean(document_pair(pair), document, Cleaner(document, mask)).values
    assert unread["print_erased"] == 0.0
    assert "ocr_agreement" not in unread
    filled = score_fill(document_pair(pair), document, "untouched", untouched, readings=readings)
    assert filled.values["ocr_agreement"] == 1.0
    assert filled.values["print_erased"] == 0.0


def test_pages_of_comics_have_no_figures_of_print(pair, images):
    values = score_clean(pair, images, Cleaner(images, images.text)).values
    assert not {"ink_recall", "print_erased", "print_masked", "ocr_agreement"} & set(values)


def test_a_page_without_text_counts_what_is_masked(pair, images):
    art = PairImages(images.clean, images.clean, np.zeros_like(images.text))
    page = Pair(pair.name, "art", "textless", pair.clean, pair.clean)
    mask = np.zeros_like(images.text)
    mask[10:20, 10:58] = True

    class Painter(Cleaner):
        def clean(self, page):
            cleaned = page.rgb.copy()
            cleaned[12:18, 20:40] = 0
            return types.PageResult(types.Page.from_rgb(cleaned), mask, ())

    scores = score_textless(page, art, Painter(art, mask), views=3)
    assert (scores.suite, scores.method) == ("textless", "textclean")
    assert scores.values["masked"] == pytest.approx(480 / (120 * 160))
    assert scores.values["changed_outside"] == 0
    assert scores.values["changed_fraction"] == pytest.approx(120 / (120 * 160))
    (spot,) = scores.views
    x0, y0, x1, y1 = spot.box
    assert x0 <= 10 < 58 <= x1
    assert y0 <= 10 < 20 <= y1

    class Failing:
        def clean(self, page):
            raise PageError("it broke", page=page.name)

    failed = score_textless(page, art, Failing())
    assert failed.error == "one: it broke"
    assert not failed.values


def test_a_fill_that_changes_the_page_or_its_size_is_caught(pair, images):
    def careless(image, mask, see_through=None):
        result = image.copy()
        result[0, :5] = 0
        return result

    assert score_fill(pair, images, "x", careless).values["changed_outside"] == 5
    for wrong in (images.clean[:-1], images.clean.astype(np.float32)):
        scores = score_fill(pair, images, "x", lambda *_, out=wrong: out)
        assert "the inpainter gave back" in scores.error


def test_worst_regions_come_first_and_carry_four_pictures(pair, images):
    cleaned = images.clean.copy()
    cleaned[45, 30] = 0
    cleaned[40:50, 100:140] = 0
    hole = grown(images.text, 3)
    views = worst_regions(images, cleaned, hole, hole, count=5)
    assert [view.box[0] > 40 for view in views] == [True, False]
    assert views[0].psnr < views[1].psnr
    errors = ((cleaned.astype(float) - images.clean) ** 2).sum(axis=2)
    assert [view.error for view in views] == [errors[:, 80:].sum(), errors[:, :80].sum()]
    for view in views:
        assert list(view.pictures) == ["before", "after", "truth", "mask"]
        x0, y0, x1, y1 = view.box
        for data in view.pictures.values():
            assert Image.open(io.BytesIO(data)).size == (x1 - x0, y1 - y0)
    assert len(worst_regions(images, cleaned, hole, hole, count=1)) == 1
    assert worst_regions(images, images.clean, hole, hole, count=5) == ()
    assert worst_regions(images, cleaned, hole, hole, count=0) == ()


def test_large_regions_are_cut_around_their_worst_spot():
    clean = np.full((900, 1300, 3), 255, np.uint8)
    text = np.zeros((900, 1300), bool)
    text[100:800, 100:1200] = True
    cleaned = clean.copy()
    cleaned[700:720, 1000:1020] = 0
    (view,) = worst_regions(PairImages(clean, clean, text), cleaned, text, text, count=3)
    x0, y0, x1, y1 = view.box
    assert x1 - x0 == y1 - y0 == MAX_SIDE
    assert x0 <= 1000 < 1020 <= x1
    assert y0 <= 700 < 720 <= y1


def test_the_overlay_tells_missed_right_and_extra_pixels(images):
    mask = images.text.copy()
    mask[40:50, 20:40] = False
    mask[80:110, 20:60] = True
    views = worst_regions(images, images.lettered, images.text, mask, count=5)
    names = set()
    for view in views:
        picture = np.asarray(Image.open(io.BytesIO(view.pictures["mask"]))).astype(int)
        red, green, blue = (picture[..., i] for i in range(3))
        names |= {
            name
            for name, found in (
                ("missed", (red > green + 60) & (red > blue + 60)),
                ("right", (green > red + 40) & (green > blue + 20)),
                ("extra", (blue > red + 60) & (blue > green + 30)),
            )
            if found.sum() > 50
        }
    # The page is untouched, so the region that was masked for nothing has no error to show.
    assert names == {"missed", "right"}
    spoiled = images.lettered.copy()
    spoiled[80:110, 20:60] = 0
    views = worst_regions(images, spoiled, images.text, mask, count=1)
    picture = np.asarray(Image.open(io.BytesIO(views[0].pictures["mask"]))).astype(int)
    assert ((picture[..., 2] > picture[..., 0] + 60).sum()) > 300
