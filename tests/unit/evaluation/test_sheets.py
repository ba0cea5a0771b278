"""Contact sheets: which regions are on them, and where."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from textclean.errors import FileAccessError
from textclean.evaluation.data import EvalSet, Pair
from textclean.evaluation.results import EvalReport, PageScores, RegionView, SetScores
from textclean.evaluation.sheets import SHEET_REGIONS, draw_sheet, worst_of_set, write_sheets

SIDES = {"before": 40, "after": 80, "truth": 120, "mask": 160}


def view(error, width=30, height=20):
    pictures = {}
    for label, level in SIDES.items():
        buffer = io.BytesIO()
        picture = np.full((height, width, 3), level, np.uint8)
        Image.fromarray(picture).save(buffer, "WEBP", lossless=True)
        pictures[label] = buffer.getvalue()
    return RegionView((5, 6, 5 + width, 6 + height), 12.0, error, pictures)


def pair(name, group="comics"):
    return Pair(name, group, "lettering", Path(f"{name}.a.png"), Path(f"{name}.b.png"))


@pytest.fixture
def report():
    pages = (
        PageScores("comics/a", "clean", "textclean", views=(view(90.0), view(30.0))),
        PageScores("comics/b", "clean", "textclean", views=(view(60.0, 50, 40), view(10.0))),
        PageScores("comics/b", "fill", "x/net", views=(view(5.0),)),
        PageScores("manga/c", "clean", "textclean", views=()),
    )
    comics = EvalSet("comics", "", (pair("a"), pair("b")), "comic")
    some = EvalSet("some comics", "", (pair("b"),), "comic")
    manga = EvalSet("manga", "", (pair("c", "manga"),), "manga")
    scores = (
        SetScores("comics", "clean", "textclean", 2, 0, {}),
        SetScores("some comics", "clean", "textclean", 1, 0, {}),
        SetScores("comics", "fill", "x/net", 1, 0, {}),
        SetScores("manga", "clean", "textclean", 1, 0, {}),
    )
    return EvalReport((comics, some, manga), pages, scores)


def test_the_worst_of_all_pages_come_first(report):
    rows = worst_of_set(report, report.scores[0], 3)
    assert [(page.pair, region.error) for page, region in rows] == [
        ("comics/a", 90.0),
        ("comics/b", 60.0),
        ("comics/a", 30.0),
    ]
    assert [r.error for _, r in worst_of_set(report, report.scores[1], 9)] == [60.0, 10.0]


def test_a_sheet_shows_page_truth_result_and_mask_side_by_side(report):
    sheet = np.asarray(draw_sheet("title", worst_of_set(report, report.scores[0], 2)))
    bands = [level for level in (40, 120, 80, 160) if (sheet == level).all(axis=2).any()]
    assert bands == [40, 120, 80, 160]
    starts = [int(np.argwhere((sheet == level).all(axis=2))[:, 1].min()) for level in bands]
    assert starts == sorted(starts)
    counted = [int((sheet == level).all(axis=2).sum()) for level in bands]
    assert counted == pytest.approx([30 * 20 + 50 * 40] * 4, abs=60)  # anti-aliased text aside
    first, second = (np.argwhere((sheet == 40).all(axis=2))[i, 0] for i in (0, -1))
    assert second - first > 60


def test_one_file_for_each_set_suite_and_method_with_pictures(report, tmp_path):
    folder = tmp_path / "made" / "here"
    written = write_sheets(report, folder)
    assert [path.name for path in written] == [
        "comics_clean.png",
        "some-comics_clean.png",
        "comics_fill_x-net.png",
    ]
    assert sorted(path.name for path in folder.iterdir()) == sorted(p.name for p in written)
    with Image.open(written[0]) as sheet:
        assert sheet.format == "PNG"
        assert sheet.height > 3 * 20 + 40
    before = written[0].read_bytes()
    assert write_sheets(report, folder) == written
    assert written[0].read_bytes() == before


def test_a_sheet_holds_ten_regions(report):
    many = PageScores(
        "comics/a", "clean", "textclean", views=tuple(view(float(i)) for i in range(20))
    )
    crowded = EvalReport(report.sets, (many,), report.scores[:1])
    rows = worst_of_set(crowded, report.scores[0], SHEET_REGIONS)
    assert [region.error for _, region in rows] == [float(i) for i in range(19, 9, -1)]


def test_a_folder_that_cannot_be_made(report, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(FileAccessError, match="cannot be made"):
        write_sheets(report, tmp_path / "file")
