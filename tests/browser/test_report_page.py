"""The report in a browser: no complaint, nothing fetched, and every control does what it says."""

from __future__ import annotations

import io
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from fakes import FakeDetector, FakeInpainter, encoded, lettered, write_archive
from many import write_many
from PIL import Image as PILImage

from textclean import Options, make_cleaner
from textclean.batch import Job, run_job
from textclean.errors import CorruptInputError, PageError
from textclean.report import ReportFiles

if TYPE_CHECKING:
    from chromium import Browser
    from numpy.typing import NDArray

    from textclean.types import Page

pytestmark = pytest.mark.browser

MANY = 5000
SHOTS = os.environ.get("TEXTCLEAN_SHOTS")
"""A folder for screenshots to look at; none by default."""


@pytest.fixture(scope="session")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real run over four pages: one without text, one that fails, one with text left."""
    folder = tmp_path_factory.mktemp("few")
    pages = {f"{n}.png": encoded(lettered(320, 440, text=f"WORDS {n}")) for n in (1, 3)}
    pages["2 <b>bold</b>.png"] = encoded(lettered(320, 440, text=""))
    pages["4.png"] = encoded(lettered(320, 440, text="left"))
    book = write_archive(folder / "book.cbz", dict(sorted(pages.items())))

    def on_page(page: Page) -> None:
        if page.name == "3.png":
            raise CorruptInputError("its pixels are cut off")

    cleaner = make_cleaner(detector=FakeDetector(on_page=on_page), inpainter=FakeInpainter())

    def work(page: Page) -> Any:
        result = cleaner.clean(page)
        if page.name == "4.png":
            left = tuple(item.with_(residual=0.7) for item in result.regions)
            result = replace(result, regions=left, residual=left)
        return result

    files = ReportFiles([folder / "report.html"])
    job = Job(book, folder / "out.cbz", Options(), viewer=files.viewer)
    files.collector.add(run_job(job, lambda: work, files.collector))
    files.write({"lost.pdf": PageError("none of its pages")}, Options().as_dict())
    files.close()
    return folder / "report.html"


@pytest.fixture(scope="session")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("many") / "report.html"
    assert write_many(path, MANY).folder is not None
    return path


def _names(browser: Browser) -> list[str]:
    """Names of the rows in view, from the top."""
    found: list[str] = browser.run(
        "[...document.querySelectorAll('.row')].sort((a, b) => a.dataset.at - b.dataset.at)"
        ".map((row) => row.querySelector('.name').firstChild.textContent)"
    )
    return found


def _text(browser: Browser, selector: str) -> str:
    text: str = browser.run(f"document.querySelector('{selector}').textContent")
    return text


def _picture(browser: Browser, of: str = "#paper") -> NDArray[np.int16]:
    browser.wait_for("[...document.images].every((image) => !image.src || image.complete)")
    data = browser.screenshot(of=of)
    return np.asarray(PILImage.open(io.BytesIO(data)).convert("RGB"), np.int16)


def _ink(pixels: NDArray[np.int16]) -> float:
    """Share of dark pixels."""
    return float((pixels.max(axis=2) < 90).mean())


def test_the_most_doubtful_page_comes_first_and_is_shown(browser: Browser, few: Path) -> None:
    browser.open(few)
    assert _names(browser) == ["3.png", "4.png", "1.png", "2 <b>bold</b>.png"]
    assert _text(browser, "#name") == "3.png"
    assert "its pixels are cut off" in _text(browser, "#why")
    assert _text(browser, "#title") == "book.cbz"
    assert "1 input failed" in _text(browser, "#facts")
    filters = _text(browser, "#filters")
    assert filters == "All4Failed1Text left1Clean1Untouched1"


def test_the_flip_changes_the_picture(browser: Browser, few: Path) -> None:
    browser.open(few)
    browser.press("j", "j", "o")
    assert _text(browser, "#name") == "1.png"
    before = _picture(browser)
    browser.press(" ")
    after = _picture(browser)
    assert _ink(before) > 0.004
    assert _ink(after) == 0
    browser.click("#show-before")
    assert np.array_equal(_picture(browser), before)
    browser.click("#show-after")
    assert np.array_equal(_picture(browser), after)


def test_the_mask_is_tinted_where_the_lettering_was(browser: Browser, few: Path) -> None:
    browser.open(few)
    browser.press("j", "j", "o")
    plain = _picture(browser)
    browser.click("#show-mask")
    tinted = _picture(browser)
    changed = abs(tinted - plain).max(axis=2) > 25
    dark = plain.max(axis=2) < 60
    assert dark.sum() > 300
    assert changed[dark].mean() > 0.95
    assert 0.005 < changed.mean() < 0.2
    reds = tinted[dark]
    assert reds[:, 0].mean() > reds[:, 1].mean() + 60  # magenta


def test_outlines_and_regions_belong_together(browser: Browser, few: Path) -> None:
    browser.open(few)
    browser.press("j")
    outlined = _picture(browser)
    reds = (outlined[..., 0] > 180) & (outlined[..., 1] < 90)
    assert reds.sum() > 200  # text is still found there
    width = browser.run("document.getElementById('paper').offsetWidth")
    browser.click(".regions button")
    assert browser.run("document.querySelector('.regions li').getAttribute('aria-current')")
    assert browser.run("document.getElementById('paper').offsetWidth") > 1.2 * width
    assert browser.run(
        "(() => { const at = document.querySelector('#outlines polygon').getBoundingClientRect();"
        "const stage = document.getElementById('stage').getBoundingClientRect();"
        "return at.left >= stage.left && at.right <= stage.right && at.top >= stage.top"
        "&& at.bottom <= stage.bottom; })()"
    )
    assert browser.run("document.activeElement.id") == "stage"
    browser.press(" ")  # and does not click the region again
    assert (
        browser.run("document.getElementById('show-after').getAttribute('aria-pressed')") == "true"
    )
    browser.press("Escape")
    assert browser.run("document.getElementById('paper').offsetWidth") == width
    told = _text(browser, "#regions")
    assert "filled" in told
    assert "text still found, score 0.70" in told
    assert "background" in told


def test_what_a_page_lacks_is_said(browser: Browser, few: Path) -> None:
    browser.open(few)
    browser.press("End")
    browser.run("document.getElementById('scroll').focus()")
    browser.press("End")
    assert _text(browser, "#name") == "2 <b>bold</b>.png"
    assert browser.run("document.querySelectorAll('b b, .name b').length") == 0
    assert browser.run("document.getElementById('show-after').disabled")
    assert _text(browser, "#regions-title") == "0 regions"


def test_a_run_that_only_looked(browser: Browser, tmp_path: Path) -> None:
    book = write_archive(tmp_path / "book.cbz", {"1.png": encoded(lettered(320, 440))})
    finder = make_cleaner(detector=FakeDetector(), inpainter=FakeInpainter())
    files = ReportFiles([tmp_path / "report.html"])
    job = Job(book, None, Options(), viewer=files.viewer)
    files.collector.add(run_job(job, lambda: finder.detect, files.collector))
    files.write({}, {})
    files.close()
    browser.open(tmp_path / "report.html")
    assert _text(browser, "#filters") == "All1To be cleaned1"
    assert "1 region to remove" in _text(browser, "#facts")
    assert browser.run("document.getElementById('show-after').disabled")
    plain = _picture(browser)
    browser.press("m")
    assert abs(_picture(browser) - plain).max() > 60


def test_a_run_of_which_nothing_came(browser: Browser, tmp_path: Path) -> None:
    files = ReportFiles([tmp_path / "report.html"])
    files.write({"a.pdf": PageError("it is damaged"), "b.pdf": PageError("it is empty")}, {})
    files.close()
    browser.open(tmp_path / "report.html", size=(390, 844))
    assert _text(browser, "#count") == "No page was processed."
    assert "2 inputs failed" in _text(browser, "#facts")
    browser.press("j", "k", "m", " ", "+", "0", "Escape")
    browser.click("#about")
    assert "it is damaged" in _text(browser, "#run-body")


def test_about_this_run(browser: Browser, few: Path) -> None:
    browser.open(few)
    browser.click("#about")
    told = _text(browser, "#run-body")
    for part in ("lost.pdf", "none of its pages", "out.cbz", "verify", "inside this file"):
        assert part in told
    browser.press("j", "Escape")
    assert not browser.run("document.getElementById('run-dialog').open")
    assert _text(browser, "#name") == "3.png"  # keys meant the dialog


def test_filters_search_and_order(browser: Browser, many: Path) -> None:
    browser.open(many)
    total = browser.run("run.pages.length")
    assert total == MANY
    for level in ("failed", "residual", "look", "clean", "untouched", "warned"):
        browser.click(f"#filters [data-level='{level}']")
        test = "p.warned" if level == "warned" else f"p.level === '{level}'"
        expected = browser.run(f"run.pages.filter((p) => {test}).length")
        assert 0 < expected < MANY
        assert _text(browser, "#count").startswith(f"{expected:,} of 5,000")
        assert browser.run("list.shown.length") == expected
    browser.click("#filters [data-level='all']")
    browser.click("#search")
    browser.press(*"sfx 007/0")
    found = browser.run("list.shown.map((p) => [p.name, p.kinds.includes('sfx')])")
    assert 0 < len(found) < MANY
    assert all("007/0" in name and sfx for name, sfx in found)
    browser.run("(() => { const e = document.getElementById('search'); e.value = 'no such page';"
                "e.dispatchEvent(new Event('input')); })()")  # fmt: skip
    assert "No page fits" in _text(browser, "#count")
    browser.run("(() => { const e = document.getElementById('search'); e.value = '';"
                "e.dispatchEvent(new Event('input')); })()")  # fmt: skip
    for order, key in (("seconds", "-p.seconds"), ("run", "p.id"), ("doubt", "p.rank")):
        browser.run(f"(() => {{ const e = document.getElementById('order'); e.value = '{order}';"
                    "e.dispatchEvent(new Event('change')); })()")  # fmt: skip
        values = browser.run(f"list.shown.map((p) => {key})")
        assert values == sorted(values)
        assert len(values) == MANY


def test_thousands_of_pages_stay_light(browser: Browser, many: Path) -> None:
    browser.open(many)
    assert browser.run("document.querySelectorAll('.row').length") < 40
    assert browser.run("document.images.length") < 45
    assert len(browser.requests) < 45
    assert browser.run("document.getElementById('scroll').scrollHeight") == MANY * 68
    browser.run("document.getElementById('scroll').scrollTop = 68 * 2500")
    browser.wait_for("[...document.querySelectorAll('.row')].some((r) => r.dataset.at === '2500')")
    assert browser.run("document.querySelectorAll('.row').length") < 40
    browser.run("document.getElementById('scroll').focus()")
    browser.press("End")
    browser.wait_for("list.chosen.at === 4999")
    assert browser.run(
        "document.getElementById('scroll').getAttribute('aria-activedescendant')"
        " === document.querySelector('.row[aria-selected=true]').id"
    )
    browser.press("Home", "PageDown", "ArrowDown", "ArrowUp")
    assert 3 < browser.run("list.chosen.at") < 20
    browser.wait_for("document.querySelector('.row img').complete")
    assert browser.run("document.querySelector('.row img').naturalWidth") == 97


def test_the_address_remembers_the_page(browser: Browser, many: Path) -> None:
    browser.open(many, fragment="#page-1234")
    assert browser.run("list.chosen.id") == 1234
    assert browser.run("document.querySelector('.row[aria-selected=true]').id") == "row-1234"


def test_a_small_screen_shows_one_thing_at_a_time(browser: Browser, few: Path) -> None:
    browser.open(few, size=(390, 844), touch=True)
    seen = "getComputedStyle(document.querySelector('{}')).display !== 'none'"
    assert browser.run(seen.format(".list"))
    assert not browser.run(seen.format(".sheet"))
    browser.click("#row-1")
    browser.wait_for(seen.format(".sheet"))
    assert not browser.run(seen.format(".list"))
    assert browser.run("document.activeElement.id") == "back"
    assert browser.run("document.documentElement.scrollWidth") <= 390
    browser.click("#back")
    browser.wait_for(seen.format(".list"))


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_texts_stand_out_from_what_is_behind_them(browser: Browser, many: Path, dark: bool) -> None:
    """Contrast of at least 4.5 to 1, as WCAG 2 asks for (level AA)."""
    browser.open(many, dark=dark)
    for level in ("failed", "residual", "look", "clean"):
        browser.click(f"#filters [data-level='{level}']")
        browser.press("j")
        weak = browser.run(CONTRAST)
        assert weak == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [(1440, 900), (1024, 768), (390, 844)], ids=str)
@pytest.mark.parametrize("which", ["few", "many"])
def test_nothing_is_cut_off(
    browser: Browser, request: pytest.FixtureRequest, which: str, size: tuple[int, int], dark: bool
) -> None:
    path: Path = request.getfixturevalue(which)
    browser.open(path, size=size, dark=dark, touch=size[0] < 500, reduced_motion=True)
    wide = browser.run("[document.documentElement.scrollWidth, document.body.scrollHeight]")
    assert wide[0] <= size[0]
    assert wide[1] <= size[1]
    cut = browser.run(
        "[...document.querySelectorAll('button')].filter((b) => b.offsetParent && "
        "b.scrollWidth > b.clientWidth + 1).map((b) => b.textContent)"
    )
    assert cut == []
    shot = np.asarray(PILImage.open(io.BytesIO(browser.screenshot())).convert("L"))
    assert shot.shape == size[::-1]
    assert (shot.mean() < 110) == dark
    if SHOTS:
        name = f"{which}-{size[0]}-{'dark' if dark else 'light'}.png"
        browser.screenshot(Path(SHOTS) / name)


CONTRAST = """
(() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const parse = (text) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = text; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map((v) => v / 255).map(
      (v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const color = parse(getComputedStyle(at).backgroundColor);
      if (color[3] > 250) return color.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const weak = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    const passive = node.closest("script, noscript, option, :disabled");
    if (passive || !walker.currentNode.data.trim()) continue;
    if (!node.getClientRects().length) continue;
    const [a, b] = [light(parse(getComputedStyle(node).color).slice(0, 3)), light(behind(node))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) weak.push(`${node.className || node.id || node.tagName} ${ratio.toFixed(2)}`);
  }
  return [...new Set(weak)];
})()
"""
