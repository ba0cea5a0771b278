"""The recipe, with a detector and an inpainter that need no network."""

from __future__ import annotations

import numpy as np
import pytest
from fakes import FakeDetector, FakeInpainter

from textclean import native
from textclean.cleaner import Cleaner
from textclean.errors import MaskError, PageError
from textclean.ink_map import InkMap
from textclean.options import Options
from textclean.types import Metadata, Page, Region


def _page(background=255, orientation=1):
    rgb = np.full((120, 200, 3), background, np.uint8)
    rgb[40:60, 50:54] = rgb[40:60, 70:74] = rgb[40:44, 50:74] = 0
    pixels = np.ascontiguousarray(native.stored(rgb, orientation))
    return Page(pixels, "RGB", rgb, metadata=Metadata(orientation=orientation))


def _cleaner(detector=None, inpainter=None, **options):
    return Cleaner(
        Options(**options),
        detector=detector or FakeDetector(),
        inpainter=inpainter or FakeInpainter(),
    )


class Noise:
    """An inpainter that paints a colour which is nowhere else."""

    def __init__(self, value=77):
        self.value = value
        self.calls = []

    def __call__(self, image, mask, see_through=None):
        self.calls.append(mask.copy())
        return np.full_like(image, self.value)


def test_lettering_on_plain_paper_is_filled_without_the_inpainter():
    noise = Noise()
    result = _cleaner(inpainter=noise).clean(_page(230))
    assert (result.page.rgb == 230).all()
    assert result.mask.any()
    assert [region.action for region in result.regions] == ["fill"]
    assert result.regions[0].residual == 0.0
    assert not result.residual
    assert not noise.calls
    assert set(result.seconds) == {"detect", "mask", "fill", "verify", "compose"}


@pytest.mark.parametrize("orientation", range(1, 9))
def test_nothing_outside_the_mask_changes_whatever_the_orientation(orientation):
    page = _page(230, orientation)
    page.pixels.flags.writeable = False
    result = _cleaner().clean(page)
    assert result.mask.shape == page.pixels.shape[:2]
    assert np.array_equal(result.page.pixels[~result.mask], page.pixels[~result.mask])
    assert (result.page.pixels == 230).all()
    x0, y0, x1, y1 = result.regions[0].box
    assert result.mask[y0:y1, x0:x1].sum() > 0.9 * result.mask.sum()


def test_what_is_not_plain_goes_to_the_inpainter_and_only_the_mask_is_taken_from_it():
    random = np.random.default_rng(0)
    page = _page(230)
    art = random.integers(100, 256, page.rgb.shape, np.uint8)
    art[page.rgb.max(axis=2) == 0] = 0
    result = _cleaner(inpainter=Noise()).clean(Page.from_rgb(art))
    assert [region.action for region in result.regions] == ["inpaint"]
    assert (result.page.rgb[result.mask] == 77).all()
    assert np.array_equal(result.page.rgb[~result.mask], art[~result.mask])


def _art_page():
    random = np.random.default_rng(0)
    art = random.integers(100, 256, (120, 200, 3), np.uint8)
    art[_page().rgb.max(axis=2) == 0] = 0
    return Page.from_rgb(art)


class Sure(Noise):
    """Knows how wrong it is: by 3 levels at the left of the lettering, by 4 at the right."""

    unmixes = True

    def __init__(self, value=150):
        super().__init__(value)
        self.seen = []

    def fill_with_error(self, image, mask, see_through=None):
        self.seen.append((image.copy(), see_through))
        error = np.where(np.arange(200) < 62, np.float32(3), np.float32(4))
        return self(image, mask), np.where(mask, error, np.float32(0))


def test_the_predicted_error_goes_into_the_regions_that_were_inpainted():
    result = _cleaner(inpainter=Sure()).clean(_art_page())
    assert [region.action for region in result.regions] == ["inpaint"]
    xs = np.nonzero(result.mask)[1]
    expected = np.sqrt(np.where(xs < 62, 9, 16).mean())
    assert result.regions[0].confidence == pytest.approx(expected, abs=0.006)
    assert _cleaner(inpainter=Sure()).clean(_page()).regions[0].confidence is None  # filled
    assert _cleaner(inpainter=Noise()).clean(_art_page()).regions[0].confidence is None


@pytest.mark.parametrize("known", [True, False])
def test_errors_that_are_not_known_do_not_count(known):
    class Half(Sure):
        def fill_with_error(self, image, mask, see_through=None):
            image, error = super().fill_with_error(image, mask, see_through)
            error[:, 62 if known else 0 :] = np.nan
            return image, error

    (region,) = _cleaner(inpainter=Half()).clean(_art_page()).regions
    assert region.confidence == (3 if known else None)


def test_an_inpainter_may_know_nothing_of_its_errors():
    class Unsure(Sure):
        def fill_with_error(self, image, mask, see_through=None):
            return self(image, mask), None

    (region,) = _cleaner(inpainter=Unsure()).clean(_art_page()).regions
    assert (region.action, region.confidence) == ("inpaint", None)


class Translucent(FakeDetector):
    """Says of every region at the left of a column that its ink may be translucent."""

    def __init__(self, before=1000):
        super().__init__()
        self.before = before

    def detect(self, page):
        return tuple(r.with_(see_through=r.box[0] < self.before) for r in super().detect(page))


@pytest.mark.parametrize("page", [_page(230), _art_page()], ids=["plain", "art"])
def test_translucent_ink_is_never_painted_over_blindly(page):
    sure = Sure()
    result = _cleaner(Translucent(), sure).clean(page)
    assert [region.action for region in result.regions] == ["unmix"]
    assert result.regions[0].confidence is not None
    assert "beneath" in result.regions[0].reason
    ((image, seen),) = sure.seen
    assert np.array_equal(seen, result.mask)
    assert np.array_equal(image, page.rgb)  # the ink is still there to be looked through


def test_an_inpainter_that_cannot_unmix_does_not_claim_to():
    calls = []

    def paint(image, mask, see_through=None):
        calls.append(see_through)
        return np.full_like(image, 150)

    result = _cleaner(Translucent(), paint).clean(_page(230))
    assert [region.action for region in result.regions] == ["inpaint"]
    assert np.array_equal(calls[0], result.mask)


def test_opaque_ink_is_not_looked_through_where_both_meet():
    rgb = _art_page().rgb.copy()
    rgb[40:60, 110:114] = rgb[40:44, 110:130] = 0
    sure = Sure()
    cleaner = _cleaner(Translucent(before=90), sure)
    result = cleaner.clean(Page.from_rgb(rgb))
    assert sorted(region.action for region in result.regions) == ["inpaint", "unmix"]
    ((_, seen),) = sure.seen
    assert np.array_equal(seen, result.mask & (np.arange(200) < 95))


def test_a_second_attempt_sees_the_ink_again():
    class Twice(Stubborn):
        def detect(self, page):
            return tuple(region.with_(see_through=True) for region in super().detect(page))

    sure, page = Sure(), _art_page()
    result = _cleaner(Twice(1), sure).clean(page)
    (_, first), (again, second) = sure.seen
    assert second.sum() > first.sum()
    assert np.array_equal(again, page.rgb)
    assert [region.action for region in result.regions] == ["unmix"]


def test_kept_regions_are_left_alone():
    class Keeper(FakeDetector):
        def detect(self, page):
            return tuple(r.with_(action="keep", reason="asked") for r in super().detect(page))

    page = _page()
    result = _cleaner(Keeper()).clean(page)
    assert not result.changed
    assert np.array_equal(result.page.pixels, page.pixels)
    assert result.regions[0].reason == "asked"
    assert result.regions[0].residual is None


class Stubborn(FakeDetector):
    """Finds the first page's text again, whatever was done, for a number of looks."""

    def __init__(self, looks):
        super().__init__()
        self.looks, self.first, self.seen = looks, None, 0

    def detect(self, page):
        if self.first is None:
            self.first = super().detect(page)
            return self.first
        self.seen += 1
        if self.seen > self.looks:
            return ()
        height, width = page.rgb.shape[:2]
        middle = np.array([[0.3, 0.3], [0.7, 0.3], [0.7, 0.7], [0.3, 0.7]], np.float32)
        polygon = (middle * (width, height)).astype(np.float32)
        return (Region(polygon=polygon, lines=(polygon,), score=0.8),)


def test_a_detector_that_needs_contrast_is_spared_what_is_of_one_colour():
    detector = Stubborn(9)
    detector.needs_contrast = True
    assert not _cleaner(detector).clean(_page()).residual
    assert detector.seen == 0


def test_a_detector_that_needs_the_page_is_shown_it_at_the_second_look():
    class Looks(FakeDetector):
        def __init__(self):
            super().__init__()
            self.shown = []

        def detect(self, page):
            self.shown.append(page.rgb.shape[:2])
            return super().detect(page)

    parts, whole = Looks(), Looks()
    whole.needs_page = True
    for detector in (parts, whole):
        assert not _cleaner(detector).clean(_page()).residual
    assert whole.shown == [(120, 200)] * 2
    assert parts.shown[0] == (120, 200) and parts.shown[1] != (120, 200)


def test_the_second_look_is_taken_with_the_detector_as_it_looks_at_the_page():
    class Adapts(FakeDetector):
        def as_on(self, page):
            self.bound = FakeDetector()
            self.bound.told = page.rgb
            return self.bound

    detector = Adapts()
    assert not _cleaner(detector).clean(_page()).residual
    assert len(detector.pages) == 1 and len(detector.bound.pages) == 1
    assert np.array_equal(detector.bound.told, _page().rgb)


def test_a_faded_page_is_looked_at_with_the_usual_levels_and_cleaned_as_it_is():
    class Looks(FakeDetector):
        def detect(self, page):
            self.shown = page.rgb
            return super().detect(page)

    pale = (_page().rgb.astype(float) * 0.5 + 120).round().astype(np.uint8)
    detector = Looks()
    result = _cleaner(detector).clean(Page(pale, "RGB", pale))
    dark = pale[..., 0] < 130
    assert result.mask[dark].all() and not result.residual
    assert (abs(result.page.rgb[dark].astype(int) - 248) <= 3).all()
    assert np.array_equal(result.page.rgb[~result.mask], pale[~result.mask])
    (region,) = result.regions
    assert abs(np.subtract(region.stroke_color, 120)).max() <= 3
    assert _cleaner(Looks()).detect(Page(pale, "RGB", pale)).mask[dark].all()


@pytest.mark.parametrize("times", [1, 5])
def test_what_is_far_higher_than_the_lines_were_is_not_left_of_them(times):
    """An empty bubble, taken for a sign, stays."""

    class SeesASign(FakeDetector):
        def detect(self, page):
            found = super().detect(page)
            self.seen = getattr(self, "seen", 0) + 1
            if self.seen == 1:
                return tuple(region.with_(lines=(region.polygon,)) for region in found)
            (x0, y0), (x1, y1) = self.line.min(axis=0) + 31, self.line.max(axis=0) + 31
            middle, half = (y0 + y1) / 2, times * (y1 - y0) / 2
            sign = [[x0, middle - half], [x1, middle - half], [x1, middle + half]]
            sign = np.array([*sign, [x0, middle + half]], np.float32) - self.line.min(axis=0)
            return (Region(polygon=sign, lines=(sign,), score=0.8),)

    rgb = np.full((200, 200, 3), 255, np.uint8)
    rgb[90:110, 60:140:6] = 0
    detector = SeesASign()
    detector.line = np.array([[60, 90], [140, 90], [140, 110], [60, 110]], np.float32)
    result = _cleaner(detector, verify=1).clean(Page(rgb, "RGB", rgb))
    assert bool(result.residual) is (times == 1)


@pytest.mark.parametrize("dilate", [None, 3])
def test_very_large_lettering_is_masked_on_the_halved_page_and_goes(dilate):
    rgb = np.full((700, 1000, 3), 255, np.uint8)
    rgb[300:440, 400:420] = rgb[300:440, 480:500] = rgb[300:320, 400:500] = 0
    page = Page(rgb, "RGB", rgb)
    result = _cleaner(dilate=dilate).clean(page)
    dark = rgb[..., 0] == 0
    assert result.mask[dark].all() and (result.page.rgb[dark] > 240).all()
    box = np.zeros_like(dark)
    box[280:460, 380:520] = True
    assert not result.mask[~box].any()
    assert np.array_equal(result.page.rgb[~result.mask], rgb[~result.mask])


def test_what_is_still_found_is_removed_with_a_larger_mask():
    once = _cleaner(Stubborn(0)).clean(_page())
    twice = _cleaner(Stubborn(1)).clean(_page())
    assert twice.mask.sum() > once.mask.sum()
    assert not (once.mask & ~twice.mask).any()
    assert not twice.residual
    assert twice.regions[0].residual == 0.0


class TakesArtForText:
    """Finds a line, and at its second look the line with a mark of the art behind it."""

    def __init__(self):
        self.shown = 0

    def detect(self, page):
        self.shown += 1
        if self.shown > 2:
            return ()
        # The second view begins 32 pixels before the region.
        left, top, right = (44, 34, 256) if self.shown == 1 else (32, 32, 292 - 12)
        polygon = np.array([[left, top], [right, top], [right, top + 32], [left, top + 32]])
        polygon = polygon.astype(np.float32)
        return (Region(polygon=polygon, lines=(polygon,), score=0.8),)


@pytest.mark.parametrize("known", [False, True])
def test_of_art_that_looks_like_text_a_second_attempt_takes_a_rim_at_most(known):
    rgb = np.full((120, 320, 3), 255, np.uint8)
    for x in range(50, 250, 12):
        rgb[38:62, x : x + 6] = 0
    text = rgb.copy()
    mark = np.s_[46:58, 282:286]
    rgb[mark] = 0
    reader = (lambda _: _ink_of(None)(text)) if known else None  # it knows the mark for art

    def cleaned(verify):
        parts = {"detector": TakesArtForText(), "inpainter": FakeInpainter(), "reader": reader}
        return Cleaner(Options(verify=verify), **parts).clean(Page.from_rgb(rgb.copy()))

    once, twice = cleaned(0).mask, cleaned(1).mask
    assert not once[mark].any()
    assert bool(twice[mark].any()) is not known
    assert twice.sum() > once.sum()


def test_what_cannot_be_removed_is_reported():
    detector = Stubborn(99)
    result = _cleaner(detector, verify=2).clean(_page())
    assert detector.seen == 3  # after the cleaning and after each of two more attempts
    assert len(result.residual) == 1
    assert result.residual[0].residual == pytest.approx(0.8)
    assert "still found" in result.residual[0].reason


class LooksTwice(FakeDetector):
    """Finds one of two words again at its first look at it; remembers the sizes it is shown."""

    def __init__(self):
        super().__init__()
        self.shown = []

    def detect(self, page):
        self.shown.append(page.rgb.shape[:2])
        if len(self.shown) == 1:
            return super().detect(page)
        again = (page.rgb.shape[0] > 100) and len(self.shown) < 4
        height, width = page.rgb.shape[:2]
        polygon = np.array([[40, 40], [width - 40, 40], [width - 40, height - 40],
                            [40, height - 40]], np.float32)  # fmt: skip
        return (Region(polygon=polygon, lines=(polygon,), score=0.8),) if again else ()


def test_after_a_second_attempt_only_what_changed_is_looked_at_again():
    rgb = np.full((400, 600, 3), 255, np.uint8)
    rgb[50:60, 50:90] = 0  # a flat word, seen in a flat view
    rgb[250:350, 400:420] = 0  # a tall one
    detector = LooksTwice()
    result = _cleaner(detector).clean(Page(rgb, "RGB", rgb))
    _, *looks = detector.shown
    assert len(result.regions) == 2
    assert sorted(height > 100 for height, _ in looks[:2]) == [False, True]
    assert len(looks) == 3
    assert looks[2][0] > 100
    assert not result.residual


def test_no_second_attempt_when_not_asked_for():
    detector = Stubborn(99)
    result = _cleaner(detector, verify=0).clean(_page())
    assert detector.seen == 1
    assert len(result.residual) == 1


def test_a_detector_that_cannot_look_is_not_asked_again():
    detector = Stubborn(99)
    detector.can_verify = False
    result = _cleaner(detector).clean(_page())
    assert detector.seen == 0
    assert result.regions[0].residual is None


def test_detect_changes_nothing_and_tells_the_decisions():
    page = _page()
    noise = Noise()
    result = _cleaner(inpainter=noise).detect(page)
    assert result.page is page
    assert result.mask.any()
    assert result.regions[0].action == "fill"
    assert not noise.calls


def test_a_mask_drawn_by_the_user_is_filled():
    page = _page(orientation=6)
    mask = np.zeros(page.pixels.shape[:2], bool)
    mask[10:20, 30:50] = True
    result = _cleaner(inpainter=Noise(5)).inpaint(page, mask)
    assert (result.page.pixels[mask] == 5).all()
    assert np.array_equal(result.page.pixels[~mask], page.pixels[~mask])


@pytest.mark.parametrize("mask", [np.zeros((3, 3), bool), np.zeros((120, 200), np.uint8)])
def test_a_mask_that_does_not_fit_is_refused(mask):
    with pytest.raises(MaskError, match="mask"):
        _cleaner().inpaint(_page(), mask)


@pytest.mark.parametrize(
    "answer", [np.zeros((4, 4, 3), np.uint8), np.full((120, 200, 3), np.nan, np.float32)]
)
def test_an_inpainter_that_gives_back_something_else_is_a_page_error(answer):
    mask = np.ones((120, 200), bool)
    with pytest.raises(PageError, match="gave back"):
        _cleaner(inpainter=lambda *_: answer).inpaint(_page(), mask)


def test_the_same_page_gives_the_same_bytes():
    random = np.random.default_rng(4)
    grainy = np.clip(random.normal(200, 3, (120, 200, 3)), 0, 255).astype(np.uint8)
    grainy[40:60, 50:54] = 0
    first = _cleaner().clean(Page.from_rgb(grainy))
    second = _cleaner().clean(Page.from_rgb(grainy.copy()))
    assert np.array_equal(first.page.pixels, second.page.pixels)
    assert np.array_equal(first.mask, second.mask)


def test_a_page_without_text_comes_back_as_it_is():
    blank = Page.from_rgb(np.full((50, 60, 3), 255, np.uint8))
    result = _cleaner().clean(blank)
    assert not result.changed
    assert not result.regions


def _ink_of(page, *, kind="lettering", bubble=None):
    """A reader that takes what is dark for one class, and a box for a bubble."""
    numbers = {"lettering": 1, "pen": 2, "bubble": 6}

    def read(image):
        planes = np.zeros((7, *image.shape[:2]), np.uint8)
        planes[numbers[kind]][image.max(axis=2) < 90] = 255
        planes[0] = 255 - planes[numbers[kind]]
        if bubble is not None:
            x0, y0, x1, y1 = bubble
            planes[6, y0:y1, x0:x1] = 255
        return InkMap(planes)

    return read


class Blind:
    """Finds nothing by itself, and what the ink network says by it."""

    can_verify = False

    def detect(self, page):
        return ()

    def detect_inked(self, page, read):
        ink = read(page.rgb)
        polygon = np.array([[40, 30], [90, 30], [90, 70], [40, 70]], np.float32)
        kind = "pen" if ink.pen.any() else "free"
        return (Region(polygon=polygon, kind=kind, see_through=kind == "pen"),), ink


def test_the_ink_network_hands_the_detector_what_it_sees():
    cleaner = Cleaner(detector=Blind(), inpainter=FakeInpainter(), reader=_ink_of(_page()))
    result = cleaner.clean(_page(230))
    assert (result.page.rgb == 230).all()
    assert result.seconds["ink"] > 0
    assert "the ink network agrees" in result.regions[0].reason
    assert not Cleaner(detector=Blind(), inpainter=FakeInpainter()).clean(_page()).changed


def test_annotations_are_masked_by_their_ink_and_unmixed():
    class Unmixer(Noise):
        unmixes = True

        def __call__(self, image, mask, see_through=None):
            assert see_through is not None and np.array_equal(see_through, mask)
            assert (image[mask & (image.max(axis=2) < 90)] == 0).any()  # the ink is still there
            return super().__call__(image, mask)

    page = _page(230)
    cleaner = Cleaner(detector=Blind(), inpainter=Unmixer(), reader=_ink_of(page, kind="pen"))
    result = cleaner.clean(page)
    dark = page.rgb.max(axis=2) < 90
    assert result.regions[0].action == "unmix"
    assert result.mask[dark].all() and result.mask.sum() < 2.5 * dark.sum()
    assert (result.page.rgb[result.mask] == 77).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_bubble_and_its_room_are_told_as_stored(orientation):
    reader = _ink_of(_page(), bubble=(20, 15, 140, 105))
    page = _page(230, orientation)
    (region,) = (
        Cleaner(detector=Blind(), inpainter=FakeInpainter(), reader=reader).clean(page).regions
    )
    inside = native.stored(reader(page.rgb).bubble > 0, orientation)
    x0, y0, x1, y1 = region.safe_box
    assert inside[y0:y1, x0:x1].all() and inside[y0:y1, x0:x1].sum() > 0.8 * inside.sum()
    assert region.kind == "caption"
    low, high = region.bubble.min(axis=0), region.bubble.max(axis=0)
    ys, xs = np.nonzero(inside)
    assert np.abs(low - [xs.min(), ys.min()]).max() <= 2
    assert np.abs(high - [xs.max(), ys.max()]).max() <= 2
