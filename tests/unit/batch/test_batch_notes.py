"""What a page's report says of the way it was written, and the wishes that reach the writer."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from textclean.batch.run import Job, run_job
from textclean.io import read_image
from textclean.native import merge
from textclean.options import make_options
from textclean.types import PageResult

if TYPE_CHECKING:
    from pathlib import Path

    from textclean.types import Page

HOLE = np.s_[8:21, 8:30]


def work(page: Page) -> PageResult:
    mask = np.zeros(page.rgb.shape[:2], bool)
    mask[HOLE] = True
    return PageResult(page=merge(page, np.full_like(page.rgb, 99), mask), mask=mask, regions=())


def cleaned(path: Path, out: Path, **options: Any) -> tuple[str, ...]:
    """Clean the one page of a file; the report's warnings."""
    result = run_job(Job(path, out, make_options(**options)), lambda: work)
    assert [page.status for page in result.pages] == ["cleaned"]
    return result.pages[0].warnings


def picture() -> Image.Image:
    small = np.random.default_rng(0).integers(0, 256, (6, 8, 3)).astype(np.uint8)
    return Image.fromarray(small).resize((64, 48), Image.Resampling.BICUBIC)


def changed(before: Path, after: Path) -> int:
    """Pixels that differ outside the hole."""
    differ = (read_image(before).pixels != read_image(after).pixels).any(axis=2)
    differ[HOLE] = False
    return int(differ.sum())


def test_a_jpeg_page_tells_how_many_pixels_changed(tmp_path: Path) -> None:
    picture().save(tmp_path / "in.jpg", quality=60)
    (line,) = cleaned(tmp_path / "in.jpg", tmp_path / "out.jpg")
    assert f"{changed(tmp_path / 'in.jpg', tmp_path / 'out.jpg'):,} of 2,786 pixels" in line
    assert "all in the blocks it touches" in line


@pytest.mark.parametrize("allow", [False, True])
def test_a_lossy_page_is_lossless_unless_lossy_is_allowed(tmp_path: Path, allow: bool) -> None:
    picture().save(tmp_path / "in.webp", quality=60)
    lines = cleaned(tmp_path / "in.webp", tmp_path / "out.webp", allow_lossy=allow)
    assert (changed(tmp_path / "in.webp", tmp_path / "out.webp") > 0) == allow
    assert any("comes back lossless" in line for line in lines) != allow


@pytest.mark.parametrize("promote", [False, True])
def test_a_palette_page_becomes_rgb_when_that_is_asked_for(tmp_path: Path, promote: bool) -> None:
    picture().quantize(7).save(tmp_path / "in.png")
    lines = cleaned(tmp_path / "in.png", tmp_path / "out.png", promote=promote)
    with Image.open(io.BytesIO((tmp_path / "out.png").read_bytes())) as image:
        assert image.mode == ("RGB" if promote else "P")
    assert bool(lines) == promote
    after = read_image(tmp_path / "out.png")
    assert (after.rgb[HOLE] == 99).all() == promote
