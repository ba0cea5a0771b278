"""What a report shows of a page."""

from __future__ import annotations

import io
import pickle
from dataclasses import replace

import numpy as np
import pytest
from fakes import FakeDetector, FakeInpainter, encoded, files_below, lettered, write_archive
from PIL import Image as PILImage

from textclean import Options, make_cleaner
from textclean.batch import Job, PageReport, PageViewer, Watcher, run_job
from textclean.batch.view import PICTURE_BYTES, PIXELS, THUMBNAIL
from textclean.cleaner import Cleaner
from textclean.errors import CorruptInputError
from textclean.types import Metadata, Page, PageResult


def _page(width: int = 160, height: int = 120) -> Page:
    return Page.from_rgb(np.array(lettered(width, height)), name="1.png")


def _cleaner() -> Cleaner:
    return make_cleaner(detector=FakeDetector(), inpainter=FakeInpainter((0, 0, 255)))


def _opened(data: bytes) -> PILImage.Image:
    return PILImage.open(io.BytesIO(data))


def test_before_and_patch_are_the_two_pages() -> None:
    page = _page()
    result = _cleaner().clean(page)
    view = PageViewer()(page, result)
    before, patch = _opened(view.before), _opened(view.patch)
    assert view.size == before.size == patch.size == (160, 120)
    shown = np.array(patch.convert("RGBA"))
    assert np.array_equal(shown[..., 3] == 255, result.mask)
    assert np.array(before.convert("L"))[result.mask].min() < 60
    assert shown[result.mask][:, :3].min() > 180  # the lettering is gone


def test_regions_are_told_in_plain_values() -> None:
    page = _page()
    view = PageViewer(pictures=False)(page, _cleaner().clean(page))
    assert (view.thumbnail, view.before, view.patch) == (b"", b"", b"")
    (region,) = view.regions
    assert region["action"] == "fill"
    assert region["score"] == 0.9
    assert "background" in region["reason"]
    (x0, y0), *_ = region["polygon"]
    assert 20 <= x0 <= 40
    assert 40 <= y0 <= 70


def test_it_stands_upright() -> None:
    page = _page()
    turned = np.rot90(page.rgb, 1)  # orientation 6: stored a quarter turn to the left
    stored = Page(turned, "RGB", page.rgb, metadata=Metadata(orientation=6), name="1.jpg")
    view = PageViewer()(stored, _cleaner().clean(stored))
    upright = PageViewer()(page, _cleaner().clean(page))
    assert view.regions[0]["polygon"] == upright.regions[0]["polygon"]
    assert _opened(view.before).size == _opened(view.patch).size == (160, 120)


@pytest.mark.parametrize("size", [(3000, 2000), (400, 9000), (3, 40_000), (1, 1)])
def test_large_pages_are_shrunk(size: tuple[int, int]) -> None:
    wide, high = size
    page = Page.from_rgb(np.full((high, wide, 3), 255, np.uint8))
    mask = np.zeros((high, wide), bool)
    mask[high // 2, wide // 2] = True
    view = PageViewer()(page, PageResult(page, mask, ()))
    before, patch = _opened(view.before), _opened(view.patch)
    assert before.size == patch.size
    assert before.width * before.height <= PIXELS * 1.01
    # One pixel of the mask is still seen.
    assert np.array(patch.convert("RGBA"))[..., 3].max() == 255
    thumbnail = _opened(view.thumbnail)
    assert thumbnail.width <= THUMBNAIL[0]
    assert thumbnail.height <= THUMBNAIL[1]


def test_noise_is_made_coarser() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (900, 900, 3), np.uint8)
    view = PageViewer()(Page.from_rgb(noise), None)
    assert len(view.before) <= PICTURE_BYTES
    assert view.patch == b""


def test_a_region_is_shaded_on_the_thumbnail() -> None:
    page = _page(104, 78)
    result = _cleaner().clean(page)
    plain = np.array(_opened(PageViewer()(page, None).thumbnail), int)
    shaded = np.array(_opened(PageViewer()(page, result).thumbnail), int)
    x0, y0, x1, y1 = result.regions[0].box
    inside = np.s_[y0 + 1 : y1 - 1, x0 + 1 : x1 - 1]
    redder = (plain - shaded)[..., 0]  # filled is green
    assert redder[inside].mean() > 30
    assert abs(redder[: y0 - 8]).max() < 25


def test_it_travels_between_processes() -> None:
    page = _page()
    view = PageViewer()(page, _cleaner().clean(page))
    assert pickle.loads(pickle.dumps((PageViewer(), view))) == (PageViewer(), view)


class Keeper(Watcher):
    def __init__(self) -> None:
        self.reports: list[PageReport] = []

    def finished(self, report: PageReport, result: PageResult | None) -> None:
        self.reports.append(report)


@pytest.mark.parametrize("breaks", [False, True])
def test_the_watcher_is_told_and_the_result_stays_small(tmp_path, breaks: bool) -> None:
    def on_page(page: Page) -> None:
        if page.name == "2.png":
            raise CorruptInputError("damaged")

    class Broken(PageViewer):
        def __call__(self, page: Page, result: PageResult | None):  # type: ignore[no-untyped-def]
            raise MemoryError

    book = write_archive(
        tmp_path / "book.cbz", {f"{n}.png": encoded(lettered()) for n in range(1, 4)}
    )
    cleaner = make_cleaner(detector=FakeDetector(on_page=on_page), inpainter=FakeInpainter())
    job = Job(book, tmp_path / "out.cbz", Options(), viewer=Broken() if breaks else PageViewer())
    keeper = Keeper()
    result = run_job(job, lambda: cleaner.clean, keeper)
    assert [report.status for report in keeper.reports] == ["cleaned", "failed", "cleaned"]
    assert all(page.view is None for page in result.pages)
    assert list(result.pages) == [replace(report, view=None) for report in keeper.reports]
    if breaks:
        assert all(report.view is None for report in keeper.reports)
    else:
        views = [report.view for report in keeper.reports]
        assert [bool(view and view.before) for view in views] == [True, True, True]
        assert [len(view.regions) for view in views if view] == [1, 0, 1]
    assert files_below(tmp_path) == {"book.cbz", "out.cbz"}
