"""The splice: blocks that are not touched keep their coefficients, whatever the JPEG looks like."""

from __future__ import annotations

import io
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from io_samples import changed_outside, cleaned, encoded, exif, noise, rgb_profile, smooth
from PIL import Image, ImageFile

from textclean.errors import InputError
from textclean.io import jpeg, read_image, write_image
from textclean.io.jpeg_coefficients import read_coefficients
from textclean.io.jpeg_frame import DHT, SOS, NotSpliceable, read_frame, walk
from textclean.io.jpeg_scans import Stored, read_stored
from textclean.io.jpeg_tables import codes_of, optimal_table
from textclean.io.notes import collected_notes
from textclean.native import upright


@dataclass(frozen=True)
class Spec:
    """A JPEG that can be drawn."""

    mode: str
    width: int
    height: int
    seed: int
    quality: int
    sampling: int
    progressive: bool
    optimized: bool
    restarts: int
    keep_rgb: bool
    orientation: int
    profile: bool
    rough: bool


@st.composite
def specs(draw: st.DrawFn) -> Spec:
    mode = draw(st.sampled_from(["L", "RGB", "CMYK"]))
    keep_rgb = mode == "RGB" and draw(st.booleans())
    return Spec(
        mode=mode,
        width=draw(st.integers(1, 90)),
        height=draw(st.integers(1, 90)),
        seed=draw(st.integers(0, 2**16)),
        quality=draw(st.sampled_from([5, 30, 75, 92, 100])),
        sampling=0 if keep_rgb else draw(st.sampled_from([0, 1, 2])),
        progressive=draw(st.booleans()),
        optimized=draw(st.booleans()),
        restarts=draw(st.sampled_from([0, 0, 1, 3])),
        keep_rgb=keep_rgb,
        orientation=draw(st.integers(1, 8)),
        profile=draw(st.booleans()),
        rough=draw(st.booleans()),
    )


def file_of(spec: Spec) -> bytes:
    channels = len(spec.mode)
    shape = (spec.height, spec.width) if channels == 1 else (spec.height, spec.width, channels)
    samples = noise(*shape, seed=spec.seed) if spec.rough else np.full(shape, 200, np.uint8)
    if not spec.rough:
        small = noise(3, 3, *shape[2:], seed=spec.seed)
        samples[: spec.height // 2] = np.asarray(
            Image.frombytes(spec.mode, (3, 3), small.tobytes()).resize(
                (spec.width, spec.height), Image.Resampling.BICUBIC
            )
        ).reshape(shape)[: spec.height // 2]
    image = Image.frombytes(spec.mode, (spec.width, spec.height), samples.tobytes())
    options: dict[str, Any] = {"icc_profile": rgb_profile()} if spec.profile else {}
    return encoded(
        image,
        "JPEG",
        quality=spec.quality,
        subsampling=spec.sampling,
        progressive=spec.progressive,
        optimize=spec.optimized,
        restart_marker_blocks=spec.restarts,
        keep_rgb=spec.keep_rgb,
        exif=b"Exif\0\0" + exif(spec.orientation),
        dpi=(300, 200),
        **options,
    )


def stored_of(data: bytes) -> Stored:
    return read_stored(read_frame(data), data)


def coefficients_of(data: bytes) -> tuple[np.ndarray, ...]:
    return read_coefficients(read_frame(data), stored_of(data))


def everything_else(data: bytes) -> list[bytes]:
    """All header segments but Huffman tables."""
    return [s.raw for s in read_frame(data).segments if s.marker != DHT]


FLAT = Spec("RGB", 64, 48, 1, 75, 2, False, True, 0, False, 1, False, False)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(spec=specs(), box=st.tuples(*[st.floats(0, 1)] * 4), value=st.integers(0, 255))
@example(FLAT, (0.2, 0.2, 0.6, 0.6), 0)
def test_only_the_touched_blocks_change(
    spec: Spec, box: tuple[float, float, float, float], value: int
) -> None:
    data = file_of(spec)
    page = read_image(data)
    y0, y1 = sorted(int(box[i] * spec.height) for i in (0, 2))
    x0, x1 = sorted(int(box[i] * spec.width) for i in (1, 3))
    mask = np.zeros((spec.height, spec.width), bool)
    mask[y0 : y1 + 1, x0 : x1 + 1] = True
    new = cleaned(page, mask, value)
    with collected_notes() as notes:
        out = write_image(new, mask, data)
    after = read_image(out)
    near = jpeg.touched(data, mask)
    assert changed_outside(page, after, near) == 0
    assert everything_else(out) == everything_else(data)
    assert not any("encoded again" in line for line in notes)
    outside = changed_outside(page, after, mask)
    assert any(f"{outside:,} of" in line and "blocks it touches" in line for line in notes) == (
        outside > 0
    )
    if np.array_equal(new.pixels, page.pixels):
        assert out == data


def near_by(sampling: int, mask: np.ndarray) -> np.ndarray:
    """Blocks under a mask by the book: 8 pixels, or 16 where chroma is halved, and one more."""
    wide = np.zeros_like(mask)
    for down, across in {0: [(8, 8)], 1: [(8, 8), (8, 16)], 2: [(8, 8), (16, 16)]}[sampling]:
        own = np.zeros_like(mask)
        for y in range(0, mask.shape[0], down):
            for x in range(0, mask.shape[1], across):
                if mask[y : y + down, x : x + across].any():
                    top = max(0, y - (down > 8))
                    left = max(0, x - (across > 8))
                    own[top : y + down + (down > 8), left : x + across + (across > 8)] = True
        wide |= own
    return wide


@pytest.mark.parametrize("sampling", [0, 1, 2])
def test_what_is_touched(sampling: int) -> None:
    data = encoded(Image.fromarray(smooth(70, 90, 3)), "JPEG", subsampling=sampling)
    for seed in range(5):
        mask = noise(70, 90, seed=seed, top=700, dtype=np.uint16) == 0
        assert np.array_equal(jpeg.touched(data, mask), near_by(sampling, mask))


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("sampling", [0, 2])
def test_the_hole_holds_what_was_asked_for(mode: str, progressive: bool, sampling: int) -> None:
    channels = len(mode)
    shape = (128, 160) if channels == 1 else (128, 160, channels)
    samples = smooth(*shape)
    image = Image.frombytes(mode, (160, 128), samples.tobytes())
    data = encoded(
        image, "JPEG", quality=92, progressive=progressive, subsampling=sampling if mode == "RGB"
        else 0,
    )  # fmt: skip
    page = read_image(data)
    mask = np.zeros((128, 160), bool)
    mask[30:90, 41:99] = True
    new = cleaned(page, mask, 140)
    after = read_image(write_image(new, mask, data))
    inner = np.zeros_like(mask)
    inner[34:86, 45:95] = True
    error = np.abs(after.pixels.astype(int) - new.pixels)
    assert error[inner].max() <= 8
    assert error[inner].mean() < 1.5
    # Within the blocks, what surrounds the hole is as good as the quality allows.
    assert error[~mask].mean() < 0.5


def test_ycck_stays_ycck() -> None:
    """Adobe's transform 2: the first three components are luma and chroma of inverted CMY."""
    data = bytearray(
        encoded(Image.frombytes("CMYK", (64, 48), smooth(48, 64, 4).tobytes()), "JPEG")
    )
    at = data.index(b"Adobe") + 11
    assert data[at] == 0
    data[at] = 2
    page = read_image(bytes(data))
    mask = np.zeros((48, 64), bool)
    mask[8:32, 16:40] = True
    new = cleaned(page, mask, 128)
    after = read_image(write_image(new, mask, bytes(data)))
    assert changed_outside(page, after, mask) == 0  # the mask is whole blocks
    assert np.abs(after.pixels.astype(int) - new.pixels)[mask].max() <= 8


def test_untouched_coefficients_are_the_same_numbers() -> None:
    data = encoded(Image.fromarray(smooth(80, 80, 3)), "JPEG", quality=50, progressive=True)
    page = read_image(data)
    mask = np.zeros((80, 80), bool)
    mask[20:30, 20:30] = True
    out = write_image(cleaned(page, mask, 0), mask, data)
    before = coefficients_of(data)
    after = coefficients_of(out)
    for a, b in zip(before, after, strict=True):
        differ = (a != b).any(axis=2)
        assert 0 < differ.sum() <= 4


def test_huffman_tables_stay_where_they_have_codes() -> None:
    data = encoded(Image.fromarray(smooth(80, 80, 3)), "JPEG", quality=80)
    page = read_image(data)
    mask = np.zeros((80, 80), bool)
    mask[20:30, 20:30] = True
    out = write_image(cleaned(page, mask), mask, data)
    assert out[: read_frame(out).body] == data[: read_frame(data).body]


def test_optimal_tables_are_prefix_codes() -> None:
    random = np.random.default_rng(0)
    for size in (1, 2, 3, 17, 256):
        counts = np.zeros(256, np.int64)
        # Fibonacci-like counts make codes far longer than 16 bits, which must be shortened.
        counts[random.permutation(256)[:size]] = (1.6 ** np.arange(size).clip(0, 60)).astype(int)
        table = optimal_table(counts)
        code, length = codes_of(table)
        used = np.flatnonzero(counts)
        assert (length[used] > 0).all() and length.max() <= 16
        words = sorted(f"{code[s]:0{length[s]}b}" for s in used)
        assert not any(b.startswith(a) for a, b in pairwise(words))
        assert "1" * 16 not in words
        assert sum(table[:16]) == size


def test_comments_between_scans_are_kept() -> None:
    data = encoded(Image.fromarray(smooth(40, 40, 3)), "JPEG", progressive=True)
    frame = read_frame(data)
    second = data.index(b"\xff\xda", frame.body + 2)
    # Between the tables of the second scan and its header.
    marked = data[:second] + b"\xff\xfe\x00\x07hello" + data[second:]
    page = read_image(marked)
    mask = np.zeros((40, 40), bool)
    mask[8:16, 8:16] = True
    out = write_image(cleaned(page, mask), mask, marked)
    assert out.count(b"\xff\xfe\x00\x07hello") == 1
    assert changed_outside(page, read_image(out), jpeg.touched(marked, mask)) == 0


def test_a_page_that_cannot_be_spliced_is_encoded_again_and_told_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise NotSpliceable("it is arithmetic-coded")

    monkeypatch.setattr(jpeg, "splice", refuse)
    data = encoded(Image.fromarray(smooth(64, 64, 3)), "JPEG", quality=60)
    page = read_image(data)
    mask = np.zeros((64, 64), bool)
    mask[16:24, 16:24] = True
    with collected_notes() as notes:
        out = write_image(cleaned(page, mask), mask, data)
    count = changed_outside(page, read_image(out), mask)
    assert any("encoded again, because it is arithmetic-coded" in line for line in notes)
    assert any(f"{count:,} of 4,032 pixels outside the mask" in line for line in notes)
    assert everything_else(out)[:2] == everything_else(data)[:2]


@pytest.mark.parametrize("progressive", [False, True])
def test_noise_is_encoded_again_in_pieces(
    progressive: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise NotSpliceable("it is arithmetic-coded")

    monkeypatch.setattr(jpeg, "splice", refuse)
    image = Image.fromarray(noise(400, 400, 3))
    fine = [[1] * 64] * 2
    # More than a byte a pixel, which is what Pillow makes room for.
    monkeypatch.setattr(ImageFile, "MAXBLOCK", 1 << 22)
    data = encoded(image, "JPEG", qtables=fine, subsampling=0, progressive=progressive)
    monkeypatch.undo()
    monkeypatch.setattr(jpeg, "splice", refuse)
    page, mask = read_image(data), np.zeros((400, 400), bool)
    mask[:40] = True
    with collected_notes() as notes:
        out = write_image(cleaned(page, mask), mask, data)
    assert any("too noisy" in line for line in notes) == progressive
    with Image.open(io.BytesIO(out)) as again:
        assert all(table == [1] * 64 for table in again.quantization.values())


def test_damaged_data_is_never_spliced_wrongly() -> None:
    data = file_of(Spec("RGB", 60, 50, 3, 75, 2, False, False, 2, False, 1, False, True))
    body = read_frame(data).body
    random = np.random.default_rng(5)
    for _ in range(60):
        broken = bytearray(data)
        for _ in range(random.integers(1, 4)):
            broken[random.integers(body, len(broken))] = random.integers(256)
        try:
            page = read_image(bytes(broken))
        except InputError:
            continue
        mask = np.zeros((50, 60), bool)
        mask[10:20, 10:20] = True
        with collected_notes() as notes:
            out = write_image(cleaned(page, mask), mask, bytes(broken))
        if not any("encoded again" in line for line in notes):
            near = jpeg.touched(bytes(broken), mask)
            assert changed_outside(page, read_image(out), near) == 0


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_of_the_view_alone(orientation: int) -> None:
    data = encoded(
        Image.fromarray(smooth(40, 64, 3)),
        "JPEG",
        subsampling=0,
        exif=b"Exif\0\0" + exif(orientation),
    )
    page = read_image(data)
    mask = np.zeros((40, 64), bool)
    mask[:8, :16] = True
    after = read_image(write_image(cleaned(page, mask, 255), mask, data))
    assert after.metadata.exif == page.metadata.exif
    white = (after.rgb > 240).all(axis=2)
    assert white[upright(mask, orientation)].mean() > 0.9


def test_the_scan_walker_stops_at_the_scan() -> None:
    data = encoded(Image.fromarray(smooth(16, 16)), "JPEG")
    found = list(walk(data, 2))
    assert found[-1][1].marker == SOS
    assert data[found[-1][0] : found[-1][0] + 2] == b"\xff\xda"
    assert io.BytesIO(data).read(2) == b"\xff\xd8"
