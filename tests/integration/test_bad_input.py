"""Bad input: one clear line, the documented exit code, no traceback, and nothing written."""

from __future__ import annotations

import io
import json
import os
import struct
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pikepdf
import pytest
from fakes import encoded, files_below, lettered, read_archive, write_archive
from PIL import Image as PILImage
from typer.testing import CliRunner

from textclean.cli import app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.usefixtures("fake_names")

FAKE = ("--detector", "fake", "--inpainter", "fake")


def run(*args: object) -> Any:
    return CliRunner().invoke(app, [str(arg) for arg in args])


def refused(folder: Path, code: int, *args: object) -> str:
    """Run a command that must fail, leave everything as it is, and say why in one line."""
    before = {name: _content(folder / name) for name in files_below(folder)}
    result = run(*args)
    assert result.exit_code == code, result.stderr
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ")
    assert "Traceback" not in line
    assert {name: _content(folder / name) for name in files_below(folder)} == before
    return line


def _content(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


def _png_that_claims(width: int, height: int) -> bytes:
    """A PNG with a lying header: that size, and hardly any data behind it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + crc

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def _pdf(path: Path, **settings: Any) -> Path:
    with pikepdf.new() as pdf:
        pdf.add_blank_page(page_size=(100, 100))
        pdf.save(path, **settings)
    return path


def _encrypted(path: Path) -> Path:
    return _pdf(path, encryption=pikepdf.Encryption(user="secret", owner="secret"))


def _text(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def _empty_folder(path: Path) -> Path:
    path.mkdir()
    return path


GOOD = encoded(lettered())
TIFF = encoded(lettered(), "TIFF")

INPUTS: dict[str, tuple[str, int, Callable[[Path], Path], str]] = {
    "missing": ("page.png", 5, lambda path: path, "No such file"),
    "empty": ("page.png", 2, lambda path: _text(path, b""), "empty"),
    "truncated PNG": ("page.png", 2, lambda path: _text(path, GOOD[:-40]), "cut off"),
    "truncated JPEG": (
        "page.jpg",
        2,
        lambda path: _text(path, encoded(lettered(), "JPEG")[:400]),
        "cut off",
    ),
    "truncated TIFF": ("page.tif", 2, lambda path: _text(path, TIFF[: len(TIFF) // 2]), ""),
    "truncated archive": (
        "book.cbz",
        2,
        lambda path: _text(path, write_archive(path, {"a.png": GOOD}).read_bytes()[:-30]),
        "",
    ),
    "truncated PDF": ("book.pdf", 2, lambda path: _text(path, _pdf(path).read_bytes()[:90]), ""),
    "garbage": ("page.png", 2, lambda path: _text(path, os.urandom(2000)), "not an image"),
    "garbage behind a PNG's signature": (
        "page.png",
        2,
        lambda path: _text(path, GOOD[:8] + b"garbage" * 50),
        "",
    ),
    "not an image": ("notes.txt", 2, lambda path: _text(path, b"Dear diary"), "not an image"),
    "another image format": (
        "page.gif",
        2,
        lambda path: _text(path, encoded(lettered(mode="L"), "GIF")),
        "GIF",
    ),
    "an archive cut off": ("book.cbz", 2, lambda path: _text(path, b"Rar!\x1a\x07\0"), "damaged"),
    "no pixels": ("page.png", 2, lambda path: _text(path, _png_that_claims(0, 30)), ""),
    "over the pixel limit": (
        "page.png",
        2,
        lambda path: _text(path, _png_that_claims(40_000, 40_000)),
        "1,600,000,000",
    ),
    "fewer pixels than declared": (
        "page.png",
        2,
        lambda path: _text(path, _png_that_claims(300, 300)),
        "",
    ),
    "an encrypted PDF": ("book.pdf", 2, _encrypted, "encrypted"),
    "an empty folder": ("scans", 2, _empty_folder, "no image"),
    "an archive without pages": (
        "book.cbz",
        2,
        lambda path: write_archive(path, {"readme.txt": b"hello"}),
        "no page",
    ),
    "an archive that points outside": (
        "book.cbz",
        2,
        lambda path: write_archive(path, {"../page.png": GOOD}),
        "outside",
    ),
    "an archive of broken pages": (
        "book.cbz",
        2,
        lambda path: write_archive(path, {"a.png": GOOD[:50]}),
        "cut off",
    ),
    "a device": ("null", 5, lambda path: (path.symlink_to("/dev/null"), path)[1], "neither"),
}


@pytest.mark.parametrize("case", INPUTS)
def test_bad_inputs(tmp_path: Path, case: str) -> None:
    name, code, make, says = INPUTS[case]
    source = make(tmp_path / name)
    line = refused(
        tmp_path, code, "clean", source, "-o", tmp_path / "out" / name,
        "--mask-out", tmp_path / "masks", "--regions-out", tmp_path / "r.json",
        "--report", tmp_path / "report.json", *FAKE,
    )  # fmt: skip
    assert says in line
    assert name in line
    refused(tmp_path, code, "detect", source, "--detector", "fake")


def test_the_pixel_limit_can_be_changed(tmp_path: Path) -> None:
    page = _text(tmp_path / "page.png", GOOD)
    line = refused(tmp_path, 2, "clean", page, "--max-pixels", 1000, *FAKE)
    assert "160 x 120" in line


def test_one_pixel_is_a_page(tmp_path: Path) -> None:
    page = tmp_path / "dot.png"
    PILImage.new("RGB", (1, 1), "white").save(page)
    assert run("clean", page, *FAKE).exit_code == 0
    assert (tmp_path / "dot.clean.png").read_bytes() == page.read_bytes()


@pytest.mark.parametrize(
    ("mask", "says"),
    [
        (encoded(PILImage.new("L", (161, 120))), "161 x 120"),
        (encoded(PILImage.new("L", (120, 160))), "120 x 160"),
        (GOOD[:60], "cut off"),
        (b"", "empty"),
        (b"no picture", "not an image"),
    ],
    ids=["wider", "turned", "truncated", "empty", "no picture"],
)
def test_masks_that_do_not_fit(tmp_path: Path, mask: bytes, says: str) -> None:
    page = _text(tmp_path / "page.png", GOOD)
    drawn = _text(tmp_path / "mask.png", mask)
    line = refused(tmp_path, 2, "inpaint", page, drawn, "--inpainter", "fake")
    assert says in line


def test_a_mask_that_is_not_there(tmp_path: Path) -> None:
    page = _text(tmp_path / "page.png", GOOD)
    refused(tmp_path, 5, "inpaint", page, tmp_path / "mask.png", "--inpainter", "fake")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[]", "the file"),
        ("{}", "regions"),
        ('{"version": 99, "regions": []}', "version 99"),
        ('{"format": "something else", "regions": []}', "format"),
        ('{"regions": [{}]}', "polygon"),
        ('{"regions": [{"polygon": [[1, 2], [3, 4]]}]}', "polygon"),
        ('{"regions": [{"polygon": [[1, 2], [3, 4], [5, "six"]]}]}', "polygon"),
        ('{"regions": [{"polygon": [[1, 2], [3, 4], [5, NaN]]}]}', "NaN"),
        ('{"regions": [{"polygon": [[1, 2], [3, 4], [5, 9]], "kind": "poem"}]}', "poem"),
        ('{"width": 10, "height": 10, "regions": []}', "10×10"),
    ],
)
def test_invalid_regions_files(tmp_path: Path, text: str, says: str) -> None:
    page = _text(tmp_path / "page.png", GOOD)
    regions = _text(tmp_path / "r.json", text.encode())
    line = refused(tmp_path, 2, "clean", page, "--regions", regions, "--inpainter", "fake")
    assert says in line


def test_a_regions_file_that_is_not_there(tmp_path: Path) -> None:
    page = _text(tmp_path / "page.png", GOOD)
    refused(tmp_path, 5, "clean", page, "--regions", tmp_path / "r.json", "--inpainter", "fake")


def test_the_output_is_the_input(tmp_path: Path) -> None:
    page = _text(tmp_path / "page.png", GOOD)
    link = tmp_path / "link.png"
    link.symlink_to(page)
    for output in (page, link, tmp_path / "." / "page.png"):
        line = refused(tmp_path, 5, "clean", page, "-o", output, "--overwrite", *FAKE)
        assert "never overwritten" in line


def test_the_output_folder_is_the_input_folder(tmp_path: Path) -> None:
    folder = tmp_path / "scans"
    folder.mkdir()
    _text(folder / "a.png", GOOD)
    for output in (folder, folder / "clean"):
        refused(tmp_path, 5, "clean", folder, "-o", output, "--overwrite", *FAKE)


def test_the_output_is_there(tmp_path: Path) -> None:
    page = _text(tmp_path / "page.png", GOOD)
    _text(tmp_path / "out.png", b"old")
    line = refused(tmp_path, 5, "clean", page, "-o", tmp_path / "out.png", *FAKE)
    assert "exists already" in line


def test_a_file_in_place_of_the_output_folder(tmp_path: Path) -> None:
    page = _text(tmp_path / "page.png", GOOD)
    _text(tmp_path / "out", b"")
    line = refused(tmp_path, 5, "clean", page, "-o", tmp_path / "out" / "page.png", *FAKE)
    assert "cannot write" in line


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody can look into; those of pytest are private."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@pytest.mark.skipif(os.name != "posix", reason="rights are those of POSIX")
def test_a_read_only_output_folder(open_folder: Path) -> None:
    """In a process of its own, which gives up the rights of root: nothing can keep those out."""
    _text(open_folder / "page.png", GOOD)
    closed = open_folder / "closed"
    closed.mkdir()
    closed.chmod(0o555)
    script = """
import os, sys
sys.path.insert(0, sys.argv[1])
folder = sys.argv[2]
from fakes import FakeDetector, FakeInpainter
from textclean import detect, inpaint
from textclean.cli import app
detect.register_detector("fake", lambda options: FakeDetector())
inpaint.register_inpainter("fake", lambda device, offline: FakeInpainter())
call = ["clean", f"{folder}/page.png", "-q", "--detector", "fake", "--inpainter", "fake", "-o"]
try:
    app([*call, f"{folder}/open.png"])  # loads everything, while it can be read
except SystemExit as ended:
    assert not ended.code
os.getuid() or os.setuid(65534)
app([*call, f"{folder}/closed/out.png"])
"""
    done = subprocess.run(
        [sys.executable, "-c", script, Path(__file__).parents[1], open_folder],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 5, done.stderr
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert "Permission denied" in line
    assert files_below(open_folder) == {"page.png", "open.png", "closed"}


@pytest.mark.parametrize(
    ("option", "name"),
    [("--detector", "nobody"), ("--inpainter", "nobody"), ("--profile", "nobody")],
)
def test_unknown_names(tmp_path: Path, option: str, name: str) -> None:
    page = _text(tmp_path / "page.png", GOOD)
    line = refused(tmp_path, 1, "clean", page, *FAKE, option, name)
    assert "'nobody'" in line
    assert "Known: " in line


def test_missing_weights(tmp_path: Path) -> None:
    page = _text(tmp_path / "page.png", GOOD)
    nowhere = tmp_path / "nowhere.onnx"
    refused(tmp_path, 3, "clean", page, "--inpainter", "fake", "--detector-weights", nowhere)
    nowhere = tmp_path / "nowhere.safetensors"
    refused(tmp_path, 3, "clean", page, "--detector", "fake", "--inpainter", nowhere)


def test_one_bad_page_in_an_archive_does_not_stop_the_others(tmp_path: Path) -> None:
    pages = {
        "1.png": GOOD,
        "2.png": GOOD[:60],
        "3.png": b"",
        "4.png": _png_that_claims(40_000, 40_000),
        "5.gif": encoded(lettered(mode="L"), "GIF"),
        "6.png": GOOD,
    }
    book = write_archive(tmp_path / "book.cbz", pages)
    out = tmp_path / "out.cbz"
    result = run("clean", book, "-o", out, "--json", *FAKE)
    assert result.exit_code == 4
    told = json.loads(result.stdout)["documents"][0]["pages"]
    assert [page["status"] for page in told] == [
        "cleaned", "failed", "failed", "failed", "failed", "cleaned",
    ]  # fmt: skip
    assert [page["error"] and page["error"]["exit_code"] for page in told] == [
        None, 2, 2, 2, 2, None,
    ]  # fmt: skip
    assert "Traceback" not in result.stderr
    assert result.stderr.count("error: [") == 4
    after = read_archive(out)
    for name in ("2.png", "3.png", "4.png", "5.gif"):
        assert after[name] == pages[name]
    for name in ("1.png", "6.png"):
        assert after[name] != pages[name]
        with PILImage.open(io.BytesIO(after[name])) as image:
            assert image.convert("L").getextrema()[0] > 60


def test_an_installed_command_fails_in_one_line(tmp_path: Path) -> None:
    """The same through a real process: nothing else writes to its streams."""
    done = subprocess.run(
        [sys.executable, "-m", "textclean", "clean", tmp_path / "missing.png"],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (5, "")
    assert len(done.stderr.splitlines()) == 1
    assert "No such file" in done.stderr
