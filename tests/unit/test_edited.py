"""Masks and regions that were changed by hand, read back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from fakes import FakeDetector, FakeInpainter, encoded, lettered, read_archive, write_archive
from PIL import Image as PILImage

from textclean import clean_document, clean_page, make_options
from textclean.cli.parameters import options_from
from textclean.edited import BY_HAND, ERASED, OVERRULED, held_to
from textclean.errors import FileAccessError, MaskError
from textclean.mask.build import union

if TYPE_CHECKING:
    from pathlib import Path

    from textclean.batch import DocumentResult


def _run(source: Path, output: Path, **options: object) -> DocumentResult:
    return clean_document(
        source, output, inpainter=FakeInpainter(), ink=False, overwrite=True, **options
    )


def _first(folder: Path, source: Path) -> Path:
    """Clean a document and write its masks and regions; the output."""
    out = folder / f"first{source.suffix}"
    masks = "mask.png" if source.suffix == ".png" else "masks"
    _run(
        source, out, detector=FakeDetector(),
        mask_out=folder / masks, regions_out=folder / "regions.json",
    )  # fmt: skip
    return out


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "page.png"
    lettered(400, 300).save(path)
    return path


def _pixels(path: Path) -> np.ndarray:
    return np.array(PILImage.open(path))


def test_what_did_not_change_comes_out_byte_for_byte(tmp_path: Path, page: Path) -> None:
    first = _first(tmp_path, page)
    again = tmp_path / "again.png"
    _run(page, again, regions=str(tmp_path / "regions.json"), drawn_mask=str(tmp_path / "mask.png"))
    assert again.read_bytes() == first.read_bytes()


def test_the_mask_is_what_was_found_with_what_was_added_without_what_was_erased(
    tmp_path: Path, page: Path
) -> None:
    _first(tmp_path, page)
    before, mask = _pixels(page), _pixels(tmp_path / "mask.png") > 0
    rows, columns = np.nonzero(mask)
    middle = int(np.median(columns))
    edited = mask.copy()
    edited[:, middle:] = False
    edited[250:260, 300:340] = True
    PILImage.fromarray(edited).save(tmp_path / "edited.png")
    again = tmp_path / "again.png"
    _run(
        page, again, regions=str(tmp_path / "regions.json"),
        drawn_mask=str(tmp_path / "edited.png"), mask_out=tmp_path / "used.png",
    )  # fmt: skip
    assert ((_pixels(tmp_path / "used.png") > 0) == edited).all()
    found = _pixels(again)
    assert (found[~edited] == before[~edited]).all()
    assert rows.min() < 250  # the paint lies apart from the lettering


def test_regions_that_did_not_change_stay_as_they_were(tmp_path: Path, page: Path) -> None:
    first = _pixels(_first(tmp_path, page))
    mask = _pixels(tmp_path / "mask.png") > 0
    edited = mask.copy()
    edited[250:260, 300:340] = True
    PILImage.fromarray(edited).save(tmp_path / "edited.png")
    again = tmp_path / "again.png"
    _run(
        page, again, regions=str(tmp_path / "regions.json"), drawn_mask=str(tmp_path / "edited.png")
    )
    assert (_pixels(again)[mask] == first[mask]).all()
    assert mask.any()


def test_pages_that_did_not_change_stay_as_they_were(tmp_path: Path) -> None:
    names = ("a/1.png", "a/2.png")
    book = write_archive(tmp_path / "book.cbz", dict.fromkeys(names, encoded(lettered())))
    first = read_archive(_first(tmp_path, book))
    mask = tmp_path / "masks/a/2.png"
    PILImage.fromarray(np.zeros_like(_pixels(mask))).save(mask)
    regions = json.loads((tmp_path / "regions.json").read_text())
    (tmp_path / "edited.json").write_text(json.dumps(regions))
    out = tmp_path / "again.cbz"
    _run(book, out, regions=str(tmp_path / "edited.json"), drawn_mask=str(tmp_path / "masks"))
    again = read_archive(out)
    assert again["a/1.png"] == first["a/1.png"]
    assert again["a/2.png"] == encoded(lettered()) != first["a/2.png"]


def test_paint_on_its_own_becomes_a_region(page: Path) -> None:
    drawn = np.zeros((300, 400), bool)
    drawn[20:30, 20:40] = drawn[20:30, 45:60] = drawn[200:204, 300:304] = True
    regions, masks = held_to(drawn, [], [])
    assert [region.reason for region in regions] == [BY_HAND, BY_HAND]
    assert (union(masks, drawn.shape) == drawn).all()


def test_regions_to_keep_that_the_mask_covers_are_told_of(tmp_path: Path, page: Path) -> None:
    _first(tmp_path, page)
    regions = json.loads((tmp_path / "regions.json").read_text())
    regions["pages"][0]["regions"][0]["action"] = "keep"
    (tmp_path / "edited.json").write_text(json.dumps(regions))
    given = {"regions": str(tmp_path / "edited.json"), "drawn_mask": str(tmp_path / "mask.png")}
    report = _run(page, tmp_path / "again.png", **given)
    assert report.pages[0].warnings == (
        "1 region that is to be kept is removed, because the mask that was given covers it",
    )
    result = clean_page(page, inpainter=FakeInpainter(), ink=False, **given)
    kept, drawn = result.regions
    assert (kept.reason, kept.action) == (OVERRULED, "keep")
    assert BY_HAND in drawn.reason


def test_a_region_that_was_erased_is_kept_and_says_so(tmp_path: Path, page: Path) -> None:
    _first(tmp_path, page)
    mask = np.zeros_like(_pixels(tmp_path / "mask.png"))
    PILImage.fromarray(mask).save(tmp_path / "edited.png")
    result = clean_page(
        page, detector=FakeDetector(), inpainter=FakeInpainter(), ink=False,
        drawn_mask=str(tmp_path / "edited.png"),
    )  # fmt: skip
    assert [(region.action, region.reason) for region in result.regions] == [("keep", ERASED)]
    assert not result.mask.any()


def test_a_page_without_a_mask_is_masked_as_found(tmp_path: Path, page: Path) -> None:
    (tmp_path / "masks").mkdir()
    result = clean_page(
        page, detector=FakeDetector(), inpainter=FakeInpainter(), ink=False,
        drawn_mask=str(tmp_path / "masks"),
    )  # fmt: skip
    assert result.mask.any()


def test_masks_that_cannot_be_used_are_refused(tmp_path: Path, page: Path) -> None:
    given = {"detector": FakeDetector(), "inpainter": FakeInpainter(), "ink": False}
    with pytest.raises(FileAccessError, match="no mask"):
        clean_page(page, drawn_mask=str(tmp_path / "none.png"), **given)
    lettered(30, 20).save(tmp_path / "small.png")
    with pytest.raises(MaskError, match="30 x 20"):
        clean_page(page, drawn_mask=str(tmp_path / "small.png"), **given)


@pytest.mark.parametrize(
    ("given", "style", "drawn"),
    [
        ("polygons", "polygons", None),
        ("edited.png", "strokes", "edited.png"),
        ("masks/", "strokes", "masks/"),
    ],
)
def test_mask_names_a_style_or_a_picture(given: str, style: str, drawn: str | None) -> None:
    options = options_from({"mask": given})
    assert (options.mask, options.drawn_mask) == (style, drawn)
    assert make_options().drawn_mask is None
