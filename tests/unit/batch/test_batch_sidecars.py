"""What lies beside the cleaned document, and what it is called."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from fakes import FakeDetector, FakeInpainter, encoded, lettered, write_archive
from PIL import Image as PILImage

from textclean import Options, make_cleaner
from textclean.batch import Job, SidecarPaths, run_job
from textclean.errors import FileAccessError, OptionsError, OutputExistsError

if TYPE_CHECKING:
    from pathlib import Path

    from textclean import DocumentResult


def _run(
    source: Path, output: Path | None, *, overwrite: bool = False, **paths: Path | str
) -> DocumentResult:
    cleaner = make_cleaner(detector=FakeDetector(), inpainter=FakeInpainter())
    job = Job(source, output, Options(), overwrite=overwrite, sidecars=SidecarPaths(**paths))
    return run_job(job, lambda: cleaner.clean if output else cleaner.detect)


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "page.png"
    lettered().save(path)
    return path


def _names(result: DocumentResult, folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in result.files]


def test_pictures_of_one_page_have_the_name_that_is_given(tmp_path: Path, page: Path) -> None:
    result = _run(
        page,
        tmp_path / "out.png",
        mask=tmp_path / "m.png",
        patch=tmp_path / "p.PNG",
        overlay=tmp_path / "o.png",
        regions=tmp_path / "r.json",
    )
    assert _names(result, tmp_path) == ["m.png", "p.PNG", "o.png", "r.json"]


def test_or_that_of_the_page_in_the_folder_that_is_given(tmp_path: Path, page: Path) -> None:
    result = _run(page, tmp_path / "out.png", mask=tmp_path / "m", regions=tmp_path / "r")
    assert _names(result, tmp_path) == ["m/page.png", "r/page.regions.json"]


def test_pages_of_a_document_have_names_of_their_own(tmp_path: Path) -> None:
    data = encoded(lettered())
    names = ["ch1/1.png", "ch1/1.jpg", "ch1/a:b?.png", "CH1/1.PNG", "notes.v2", "x.png"]
    book = write_archive(tmp_path / "book.cbz", dict.fromkeys(names, data))
    result = _run(book, tmp_path / "out.cbz", mask=tmp_path / "m", regions=tmp_path / "r")
    made = _names(result, tmp_path)
    assert made[-1] == "r/book.regions.json"
    assert set(made[:-1]) == {
        "m/ch1/1.png",
        "m/CH1/1.PNG.png",
        "m/ch1/1.png (2).png",
        "m/ch1/a_b_.png",
        "m/notes.v2.png",
        "m/x.png",
    }
    assert len({name.lower() for name in made}) == len(made)


def test_one_picture_cannot_hold_several_pages(tmp_path: Path) -> None:
    data = encoded(lettered())
    book = write_archive(tmp_path / "book.cbz", {"a.png": data, "b.png": data})
    with pytest.raises(OptionsError, match="2 pages"):
        _run(book, tmp_path / "out.cbz", mask=tmp_path / "m.png")
    assert not (tmp_path / "out.cbz").exists()


def test_nothing_lands_on_an_input_or_an_output(tmp_path: Path, page: Path) -> None:
    before = page.read_bytes()
    with pytest.raises(FileAccessError, match="never overwritten"):
        _run(page, tmp_path / "out.png", mask=page, overwrite=True)
    with pytest.raises(OptionsError, match="two outputs"):
        _run(page, tmp_path / "out.png", mask=tmp_path / "out.png", overwrite=True)
    with pytest.raises(OptionsError, match="two outputs"):
        _run(page, tmp_path / "out.png", mask=tmp_path / "m", patch=tmp_path / "m")
    assert page.read_bytes() == before
    assert not (tmp_path / "out.png").exists()


def test_nothing_lands_in_the_input_folder(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    lettered().save(folder / "a.png")
    for inside in (folder, folder / "masks"):
        with pytest.raises(FileAccessError, match="input folder"):
            _run(folder, tmp_path / "out", mask=inside, overwrite=True)
    with pytest.raises(OptionsError, match="two outputs"):
        _run(folder, tmp_path / "out", mask=tmp_path / "out", overwrite=True)
    assert {path.name for path in tmp_path.rglob("*")} == {"in", "a.png"}


def test_what_is_there_already_is_found_before_the_work(tmp_path: Path, page: Path) -> None:
    (tmp_path / "r.json").write_text("old")
    with pytest.raises(OutputExistsError):
        _run(page, tmp_path / "out.png", regions=tmp_path / "r.json")
    _run(page, tmp_path / "out.png", regions=tmp_path / "r.json", overwrite=True)
    assert json.loads((tmp_path / "r.json").read_text())["format"] == "textclean-regions"


def test_the_patch_over_the_original_is_the_cleaned_page(tmp_path: Path, page: Path) -> None:
    out, patch = tmp_path / "out.png", tmp_path / "patch.png"
    _run(page, out, patch=patch)
    with PILImage.open(page) as original, PILImage.open(patch) as layer, PILImage.open(out) as want:
        together = original.convert("RGBA")
        together.alpha_composite(layer)
        assert np.array_equal(np.asarray(together.convert("RGB")), np.asarray(want))


def test_the_regions_file_tells_what_was_decided(tmp_path: Path, page: Path) -> None:
    _run(page, tmp_path / "out.png", regions=tmp_path / "r.json")
    document = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    (told,) = document["pages"]
    assert document["source"] == "page.png"
    assert (told["name"], told["number"]) == ("page.png", 1)
    assert (told["width"], told["height"], told["mode"]) == (160, 120, "RGB")
    assert told["options"]["profile"] == "manga"
    assert told["weights"] == {"detection": "fake.onnx", "ink": "textclean-ink.safetensors"}
    assert told["versions"]["inpainter"] == "FakeInpainter"
    (region,) = told["regions"]
    assert region["action"] == "fill"
    assert region["reason"]
    assert region["residual"] == 0


def test_a_page_that_fails_has_no_sidecars(tmp_path: Path) -> None:
    data = encoded(lettered())
    book = write_archive(tmp_path / "book.cbz", {"a.png": data, "b.png": data[:60]})
    result = _run(book, tmp_path / "out.cbz", mask=tmp_path / "m", regions=tmp_path / "r.json")
    assert _names(result, tmp_path) == ["m/a.png", "r.json"]
    told = json.loads((tmp_path / "r.json").read_text())
    assert [item["name"] for item in told["pages"]] == ["a.png"]


def test_regions_in_the_formats_of_other_tools(tmp_path: Path, page: Path) -> None:
    for kind, name in (("mokuro", "page.mokuro"), ("coco", "page.coco.json")):
        folder = tmp_path / kind
        result = _run(page, folder / "o.png", regions=folder, regions_format=kind)
        assert _names(result, folder) == [name]
    assert len(json.loads((tmp_path / "mokuro/page.mokuro").read_text())["pages"]) == 1
    assert json.loads((tmp_path / "coco/page.coco.json").read_text())["annotations"]


def test_labelme_has_a_file_for_each_page(tmp_path: Path) -> None:
    data = encoded(lettered())
    book = write_archive(tmp_path / "book.cbz", {"1.png": data, "2.png": data})
    result = _run(book, tmp_path / "o.cbz", regions=tmp_path / "r", regions_format="labelme")
    assert _names(result, tmp_path / "r") == ["1.json", "2.json"]
    assert json.loads((tmp_path / "r/2.json").read_text())["imagePath"] == "2.png"


def test_an_unknown_format_of_regions_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionsError, match="Known: textclean, mokuro, coco, labelme"):
        SidecarPaths(regions=tmp_path, regions_format="yaml")
