"""Whole documents, end to end: everything real but the networks."""

from __future__ import annotations

import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pikepdf
import pytest
from fakes import (
    FakeDetector,
    FakeInpainter,
    SeesGhosts,
    encoded,
    files_below,
    lettered,
    read_archive,
    write_archive,
)
from PIL import Image as PILImage

from textclean import clean_document
from textclean.errors import OptionsError, ProtectedInputError, ResidualTextError
from textclean.io import open_source, read_mask

if TYPE_CHECKING:
    from pathlib import Path

    from textclean import DocumentResult, PageReport, PageResult

TEXTS = ("ONE", "", "THREE")


def _clean(src: Path, dst: Path, **options: Any) -> DocumentResult:
    return clean_document(
        src, dst, **{"detector": FakeDetector(), "inpainter": FakeInpainter(), **options}
    )


def _image(folder: Path) -> Path:
    path = folder / "page.png"
    lettered().save(path)
    return path


def _folder(folder: Path) -> Path:
    path = folder / "scans"
    (path / "ch2").mkdir(parents=True)
    for name, text in zip(("1.png", "2.png", "ch2/1.png"), TEXTS, strict=True):
        lettered(text=text).save(path / name)
    return path


def _archive(folder: Path) -> Path:
    pages = {f"{n}.png": encoded(lettered(text=text)) for n, text in enumerate(TEXTS, 1)}
    return write_archive(folder / "book.cbz", {**pages, "ComicInfo.xml": b"<ComicInfo/>"})


def _tiff(folder: Path) -> Path:
    path = folder / "scan.tif"
    first, *rest = (lettered(text=text) for text in TEXTS)
    first.save(path, save_all=True, append_images=rest, compression="tiff_lzw")
    return path


def _pdf(folder: Path) -> Path:
    path = folder / "book.pdf"
    with pikepdf.new() as pdf:
        for text in TEXTS:
            image = lettered(text=text)
            stream = pikepdf.Stream(
                pdf, image.tobytes(), Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Image,
                Width=image.width, Height=image.height, ColorSpace=pikepdf.Name.DeviceRGB,
                BitsPerComponent=8,
            )  # fmt: skip
            page = pdf.add_blank_page(page_size=(160, 120))
            page.Contents = pdf.make_stream(b"q 160 0 0 120 0 0 cm /Im0 Do Q")
            page.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Im0=stream))
        pdf.save(path)
    return path


DOCUMENTS = {"archive": _archive, "folder": _folder, "TIFF": _tiff, "PDF": _pdf}


def _pages(path: Path) -> list[np.ndarray]:
    with open_source(path) as source:
        return [entry.load().pixels for entry in source.entries]


def _digest(path: Path) -> dict[str, str]:
    files = [path] if path.is_file() else [p for p in sorted(path.rglob("*")) if p.is_file()]
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_a_document(tmp_path: Path, kind: str) -> None:
    source = DOCUMENTS[kind](tmp_path)
    original = _digest(source)
    out = tmp_path / "out" / source.name
    seen: list[tuple[PageReport, PageResult | None]] = []
    result = _clean(source, out, on_page=lambda report, page: seen.append((report, page)))
    assert [page.status for page in result.pages] == ["cleaned", "untouched", "cleaned"]
    assert [report for report, _ in seen] == list(result.pages)
    assert result.output == out
    assert result.seconds > 0
    assert _digest(source) == original
    for before, after, (report, cleaned) in zip(_pages(source), _pages(out), seen, strict=True):
        assert cleaned is not None
        assert np.array_equal(after[~cleaned.mask], before[~cleaned.mask])
        assert np.array_equal(after, cleaned.page.pixels)
        assert after.min() > 60
        assert (report.regions > 0) == (before.min() < 60)
    assert not [name for name in files_below(tmp_path) if ".tmp" in name]


def test_an_image(tmp_path: Path) -> None:
    source = _image(tmp_path)
    (tmp_path / "out").mkdir()
    result = _clean(source, tmp_path / "out")
    assert result.output == tmp_path / "out" / "page.png"
    (after,) = _pages(tmp_path / "out" / "page.png")
    assert after.min() > 60


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_the_same_bytes_every_time(tmp_path: Path, kind: str) -> None:
    source = DOCUMENTS[kind](tmp_path)
    one, two = tmp_path / "1" / source.name, tmp_path / "2" / source.name
    for out in (one, two):
        _clean(source, out, regions_out=out.parent / "r.json", mask_out=out.parent / "masks")
    assert _digest(one) == _digest(two)
    assert _digest(tmp_path / "1" / "r.json") == _digest(tmp_path / "2" / "r.json")
    assert _digest(tmp_path / "1" / "masks") == _digest(tmp_path / "2" / "masks")


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_a_clean_document_stays_as_it_is(tmp_path: Path, kind: str) -> None:
    source = DOCUMENTS[kind](tmp_path)
    first, second = tmp_path / "1" / source.name, tmp_path / "2" / source.name
    _clean(source, first)
    result = _clean(first, second)
    assert {page.status for page in result.pages} == {"untouched"}
    for before, after in zip(_pages(first), _pages(second), strict=True):
        assert np.array_equal(before, after)


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_a_page_that_fails_is_taken_over(tmp_path: Path, kind: str) -> None:
    source = DOCUMENTS[kind](tmp_path)
    with open_source(source) as opened:
        name = opened.entries[2].name

    def on_page(page: Any) -> None:
        if page.name == name:
            raise RuntimeError("something broke")

    out = tmp_path / "out" / source.name
    result = _clean(source, out, detector=FakeDetector(on_page=on_page))
    assert [page.status for page in result.pages] == ["cleaned", "untouched", "failed"]
    assert "RuntimeError: something broke" in result.failed[0].reason
    before, after = _pages(source), _pages(out)
    assert np.array_equal(before[2], after[2])
    assert not np.array_equal(before[0], after[0])


def test_pages_by_number(tmp_path: Path) -> None:
    source = _archive(tmp_path)
    result = _clean(source, tmp_path / "out.cbz", pages=[3])
    assert [page.status for page in result.pages] == ["skipped", "skipped", "cleaned"]
    before, after = read_archive(source), read_archive(tmp_path / "out.cbz")
    assert after["1.png"] == before["1.png"]
    with pytest.raises(OptionsError, match="only 3 pages"):
        _clean(source, tmp_path / "other.cbz", pages="4")


def test_strict_is_told_after_the_output_is_written(tmp_path: Path) -> None:
    source = _image(tmp_path)
    out = tmp_path / "out.png"
    with pytest.raises(ResidualTextError, match="the output was written to") as caught:
        _clean(source, out, detector=SeesGhosts(), strict=True, verify=0)
    assert str(out) in caught.value.message
    assert out.exists()


def test_an_encrypted_pdf_opens_with_its_password(tmp_path: Path) -> None:
    plain, locked = _pdf(tmp_path), tmp_path / "locked.pdf"
    with pikepdf.open(plain) as pdf:
        pdf.save(locked, encryption=pikepdf.Encryption(user="secret", owner="boss"))
    with pytest.raises(ProtectedInputError):
        _clean(locked, tmp_path / "out.pdf")
    result = _clean(locked, tmp_path / "out.pdf", password="boss")
    assert len(result.with_status("cleaned")) == 2
    with pytest.raises(pikepdf.PasswordError):
        pikepdf.open(tmp_path / "out.pdf")


def test_an_error_in_the_callback_ends_the_run(tmp_path: Path) -> None:
    source = _archive(tmp_path)

    def stop(report: PageReport, page: PageResult | None) -> None:
        raise RuntimeError("enough")

    before = files_below(tmp_path)
    with pytest.raises(RuntimeError, match="enough"):
        _clean(source, tmp_path / "out.cbz", on_page=stop, mask_out=tmp_path / "masks")
    assert files_below(tmp_path) == before


def _regions_of(folder: Path) -> Path:
    """A regions file written by hand: nothing but polygons."""
    path = folder / "hand.json"
    polygon = [[24, 44], [140, 44], [140, 76], [24, 76]]
    path.write_text(json.dumps({"regions": [{"polygon": polygon}]}))
    return path


def test_regions_drawn_by_hand(tmp_path: Path) -> None:
    source = _image(tmp_path)
    result = _clean(
        source, tmp_path / "out.png", detector=None, regions=str(_regions_of(tmp_path)),
        mask_out=tmp_path / "mask.png",
    )  # fmt: skip
    assert result.versions["detector"] == "regions"
    assert result.pages[0].status == "cleaned"
    (after,) = _pages(tmp_path / "out.png")
    assert after.min() > 60
    assert read_mask(tmp_path / "mask.png", (160, 120))[:40].sum() == 0


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_our_regions_are_valid_input(tmp_path: Path, kind: str) -> None:
    """What one run found, another takes back: the same masks come out."""
    source = DOCUMENTS[kind](tmp_path)
    _clean(
        source, tmp_path / "1" / source.name,
        regions_out=tmp_path / "r.json", mask_out=tmp_path / "m1",
    )  # fmt: skip
    result = _clean(
        source, tmp_path / "2" / source.name, detector=None, regions=str(tmp_path / "r.json"),
        mask_out=tmp_path / "m2",
    )  # fmt: skip
    assert [page.status for page in result.pages] == ["cleaned", "untouched", "cleaned"]
    assert _digest(tmp_path / "m1") == _digest(tmp_path / "m2")
    assert _digest(tmp_path / "1" / source.name) == _digest(tmp_path / "2" / source.name)


def _process(*args: object, **settings: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "textclean", *map(str, args)],
        capture_output=True, text=True, check=False, timeout=120, **settings,
    )  # fmt: skip


def test_the_installed_command(tmp_path: Path) -> None:
    """A real process, without a network: regions from a file, a plain fill."""
    source = _archive(tmp_path)
    regions = {
        "pages": [
            {"number": n, "regions": [{"polygon": [[24, 44], [150, 44], [150, 76], [24, 76]]}]}
            for n in (1, 3)
        ]
    }
    (tmp_path / "r.json").write_text(json.dumps(regions))
    done = _process(
        "clean", source, "--regions", tmp_path / "r.json", "--inpainter", "telea", "--json",
        "--patch-out", tmp_path / "patches",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["counts"]["cleaned"] == 2
    assert "3 pages, 2 cleaned, 1 untouched" in done.stderr
    out = tmp_path / "book.clean.cbz"
    for name in ("1.png", "3.png"):
        with PILImage.open(io.BytesIO(read_archive(out)[name])) as page:
            assert page.convert("L").getextrema()[0] > 60
    assert files_below(tmp_path / "patches") == {"1.png", "2.png", "3.png"}


@pytest.mark.skipif(os.name != "posix", reason="signals are those of POSIX")
def test_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    """A real interrupt in the middle of a page."""
    source = _archive(tmp_path)
    script = """
import signal, sys, time
from pathlib import Path
from textclean import detect, inpaint
from textclean.cli import app
signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs inherit it ignored
class Slow:
    def detect(self, page):
        Path(sys.argv[2]).touch()
        time.sleep(60)
detect.register_detector("slow", lambda options: Slow())
app(["clean", sys.argv[1], "--detector", "slow", "--inpainter", "telea", "--mask-out", sys.argv[3]])
"""
    started = tmp_path / "started"
    process = subprocess.Popen(
        [sys.executable, "-c", script, source, started, tmp_path / "masks"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not started.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert out == ""
    assert err == "error: interrupted; what was not finished was not written\n"
    assert files_below(tmp_path) == {"book.cbz", "started"}
