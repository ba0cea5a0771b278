"""The bits of a JPEG: blocks found, replaced and copied, compiled or not, damaged or not."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from io_samples import changed_outside, cleaned, encoded, noise, smooth
from PIL import Image

from textclean.errors import InputError
from textclean.io import jpeg, jpeg_compile, jpeg_patch, jpeg_stretches, read_image, write_image
from textclean.io.jpeg_blocks import Changes
from textclean.io.jpeg_coefficients import Grid, Layout, read_coefficients
from textclean.io.jpeg_entropy import locate
from textclean.io.jpeg_found import Found, find
from textclean.io.jpeg_frame import DHT, EOI, SOI, NotSpliceable, read_frame
from textclean.io.jpeg_huffman import differences
from textclean.io.jpeg_lookup import BAD_STEP, END_STEP, SIZE, STEP_BITS, block_looks, single_looks
from textclean.io.jpeg_patch import _New, patch
from textclean.io.jpeg_scans import Stored, Tables, read_stored
from textclean.io.jpeg_splice import _scan
from textclean.io.jpeg_tables import NoRoom, codes_of, extended
from textclean.io.notes import collected_notes

needs_numba = pytest.mark.skipif(
    importlib.util.find_spec("numba") is None, reason="numba is not installed"
)


@contextmanager
def patience(monkeypatch: pytest.MonkeyPatch, seconds: float) -> Iterator[None]:
    """Kernels run in plain Python for so long before they are compiled."""
    with monkeypatch.context() as patched:
        patched.setattr(jpeg_compile, "PATIENCE", seconds)
        yield


def stored_of(data: bytes) -> Stored:
    return read_stored(read_frame(data), data)


def coefficients(data: bytes) -> list[np.ndarray] | None:
    """The coefficients, or None where they cannot be read."""
    try:
        return list(read_coefficients(read_frame(data), stored_of(data)))
    except NotSpliceable:
        return None


def picture(mode: str, seed: int = 1, *, rough: bool = False) -> Image.Image:
    """A page of 90 x 70 pixels."""
    shape = (70, 90) if mode == "L" else (70, 90, len(mode))
    samples = (noise(*shape, seed=seed) if rough else smooth(*shape)).copy()
    samples[20:40] = 255
    return Image.frombytes(mode, (90, 70), samples.tobytes())


def variants() -> list[bytes]:
    """JPEGs of all kinds of coding."""
    found = []
    for progressive in (False, True):
        for number, (mode, rough) in enumerate([("L", True), ("RGB", False), ("CMYK", True)]):
            image = picture(mode, number, rough=rough)
            for restarts in (0, 3):
                found.append(
                    encoded(
                        image, "JPEG", quality=(30, 90, 100)[number], progressive=progressive,
                        restart_marker_blocks=restarts, optimize=number == 1,
                    )
                )  # fmt: skip
    return found


VARIANTS = variants()


def hole() -> np.ndarray:
    mask = np.zeros((70, 90), bool)
    mask[10:30, 41:57] = True
    mask[60:70, 80:90] = True
    return mask


@needs_numba
def test_compiled_loops_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(7)
    for data in VARIANTS:
        body = read_frame(data).body
        for damage in range(6):
            broken = bytearray(data)
            for _ in range(damage):
                broken[random.integers(body, len(broken))] = random.integers(256)
            with patience(monkeypatch, 1e9):
                plain = coefficients(bytes(broken))
            with patience(monkeypatch, -1):
                assert jpeg_compile.is_compiled()
                compiled = coefficients(bytes(broken))
            assert (plain is None) == (compiled is None)
            for a, b in zip(plain or [], compiled or [], strict=True):
                assert np.array_equal(a, b)
        assert plain is None or damage == 0 or len(plain) == len(read_frame(data).components)


@needs_numba
def test_compiled_loops_find_the_same_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(5)
    for number, data in enumerate(VARIANTS[:6]):
        frame, (scan, *_) = read_frame(data), stored_of(data).scans
        layout = Layout.of(frame, Grid.of(frame), scan.chosen)
        each = scan.each(layout.count, len(layout.pattern))
        bits = scan.bits(scan.pieces(-(-layout.count // each)))
        tables = [(scan.table(0, i).codes, scan.table(1, i).codes) for i in layout.pattern]
        for share in (0.0, 0.1, 1.0):
            wanted = random.permutation(np.flatnonzero(random.random(layout.count) < share))
            both = []
            for seconds in (1e9, -1):
                with patience(monkeypatch, seconds):
                    both.append(find(bits, tables, layout, each, wanted))
            plain, compiled = both
            own = plain.row >= 0
            assert (len(own) > 0) == (share > 0), number
            assert np.array_equal(plain.stops[own], compiled.stops[own])
            for name in ("number", "row", "starts", "values", "dc", "base", "before", "blocks"):
                assert np.array_equal(getattr(plain, name), getattr(compiled, name)), name
            assert np.array_equal(plain.closes, compiled.closes)
            assert np.array_equal(np.flatnonzero(own), np.flatnonzero(compiled.row >= 0))


@needs_numba
def test_compiled_loops_write_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    for data in VARIANTS:
        page = read_image(data)
        new = cleaned(page, hole(), 255)
        with patience(monkeypatch, 1e9):
            plain = write_image(new, hole(), data)
        with patience(monkeypatch, -1):
            assert write_image(new, hole(), data) == plain


@needs_numba
def test_compiled_loops_add_the_same_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = np.full((64, 64, 3), 255, np.uint8)
    samples[:8, :8] = 120, 90, 200
    for restarts in (0, 1):
        image = Image.fromarray(samples)
        data = encoded(image, "JPEG", optimize=True, restart_marker_rows=restarts)
        page = read_image(data)
        mask = np.zeros((64, 64), bool)
        mask[30:40, 30:44] = True
        found = []
        for seconds in (1e9, -1):
            with patience(monkeypatch, seconds):
                found.append(write_image(cleaned(page, mask, 0), mask, data))
        assert found[0] == found[1]
        assert sum(map(len, read_frame(found[0]).find(DHT))) > sum(
            map(len, read_frame(data).find(DHT))
        )


@needs_numba
def test_compiled_loops_end_as_many_blocks_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """More blocks without values than one code can stand for."""
    samples = np.full((1456, 1464), 255, np.uint8)
    samples[:40, :40] = noise(40, 40)
    samples[700:720, 700:720] = noise(20, 20)
    mask = np.zeros(samples.shape, bool)
    mask[700:712, 704:720] = True
    for restarts in (0, 33_000):
        data = encoded(
            Image.fromarray(samples), "JPEG", progressive=True, restart_marker_blocks=restarts
        )
        page = read_image(data)
        found = []
        for seconds in (1e9, -1):
            with patience(monkeypatch, seconds):
                found.append(write_image(cleaned(page, mask, 255), mask, data))
        assert found[0] == found[1]
        assert changed_outside(page, read_image(found[0]), jpeg.touched(data, mask)) == 0


@pytest.mark.parametrize("restarts", [0, 2])
def test_neighbours_are_the_blocks_of_the_same_component(restarts: int) -> None:
    data = encoded(picture("RGB"), "JPEG", subsampling=2, restart_marker_blocks=restarts)
    frame = read_frame(data)
    layout = Layout.of(frame, Grid.of(frame), [0, 1, 2])
    each = 6 * restarts or layout.count
    values = np.random.default_rng(0).integers(-900, 900, layout.count)
    every = np.arange(layout.count)
    before, behind = (layout.neighbours(each, every, step) for step in (-1, 1))
    difference = values - np.where(before < 0, 0, values[before])
    assert np.array_equal(difference, differences(values, layout.pattern, each))
    assert (before < 0).sum() == 3 * -(-layout.count // each)
    inner = behind >= 0
    assert np.array_equal(before[behind[inner]], every[inner])


def test_differences_that_no_code_can_tell_are_refused() -> None:
    data = encoded(picture("L"), "JPEG")
    frame = read_frame(data)
    layout = Layout.of(frame, Grid.of(frame), [0])
    found = found_in(data, layout, np.array([4]))
    blocks, differs = np.ones((1, 64), np.int16), np.array([True])
    assert len(_New.of(found, blocks, differs).which) == 2
    found.base[0] = 40_000
    with pytest.raises(NotSpliceable, match="damaged"):
        _New.of(found, blocks, differs)


def found_in(data: bytes, layout: Layout, wanted: np.ndarray) -> Found:
    """Blocks of a JPEG of one scan without restarts."""
    (scan,) = stored_of(data).scans
    bits = scan.bits(scan.pieces(1))
    tables = [(scan.table(0, i).codes, scan.table(1, i).codes) for i in layout.pattern]
    return find(bits, tables, layout, layout.count, wanted)


def test_damage_is_told_or_survived() -> None:
    """Cut off, bits flipped, tables and headers changed: never another error than ours."""
    random = np.random.default_rng(11)
    refused = 0
    for data in VARIANTS:
        for _ in range(60):
            broken = bytearray(data)
            for _ in range(random.integers(1, 5)):
                broken[random.integers(2, len(broken))] ^= 1 << random.integers(8)
            if random.integers(3) == 0:
                del broken[random.integers(20, len(broken)) :]
            try:
                frame = read_frame(bytes(broken))
            except InputError:
                continue
            if frame.width * frame.height > 10**5:
                continue
            refused += coefficients(bytes(broken)) is None
    assert refused > 50


def test_scans_of_noise_are_told_or_survived() -> None:
    random = np.random.default_rng(3)
    for data in VARIANTS:
        (first, *_), raw = stored_of(data).scans, data
        at = raw.index(first.head) + len(first.head)
        for _ in range(20):
            junk = random.integers(0, 255, len(first.body), np.uint8).tobytes()
            found = coefficients(raw[:at] + junk + raw[at + len(first.body) :])
            assert found is None or len(found) == len(read_frame(data).components)


def test_pieces_between_restarts_that_are_not_touched_are_the_same_bytes() -> None:
    data = encoded(picture("RGB"), "JPEG", quality=80, restart_marker_rows=1, subsampling=0)
    page = read_image(data)
    mask = np.zeros((70, 90), bool)
    mask[17:23, 20:40] = True
    out = write_image(cleaned(page, mask, 30), mask, data)
    (before,), (after,) = stored_of(data).scans, stored_of(out).scans
    pairs = [
        (before.body[slice(*a)], after.body[slice(*b)])
        for a, b in zip(before.pieces(9), after.pieces(9), strict=True)
    ]
    assert [a == b for a, b in pairs] == [row != 2 for row in range(9)]


def test_bits_of_other_blocks_are_copied() -> None:
    """Of a grey page, only the touched block and the DC difference behind it are new."""
    data = encoded(picture("L"), "JPEG", quality=80)
    page = read_image(data)
    mask = np.zeros((70, 90), bool)
    mask[8:16, 16:24] = True
    out = write_image(cleaned(page, mask, 30), mask, data)
    before, after = blocks_of(data), blocks_of(out)
    touched, behind = 12 + 2, 12 + 3
    assert [n for n, (a, b) in enumerate(zip(before, after, strict=True)) if a != b] == [
        touched,
        behind,
    ]
    # Behind its DC difference, even the next block is what it was.
    assert before[behind][-12:] == after[behind][-12:]


def blocks_of(data: bytes) -> list[str]:
    """The bits of each block of a grey JPEG without restarts."""
    (scan,) = stored_of(data).scans
    bits = scan.bits(scan.pieces(1))
    tables = [(scan.table(0, 0).codes, scan.table(1, 0).codes)]
    count = -(-70 // 8) * -(-90 // 8)
    located = locate(bits, tables, [0], count, count)
    every = "".join(f"{byte:08b}" for byte in bits.padded)
    return [every[a:b] for a, b in zip(located.starts, located.stops, strict=True)]


def test_a_table_gets_a_code_more() -> None:
    # All blocks are white but two, so that the best tables have next to no codes.
    samples = np.full((64, 64), 255, np.uint8)
    samples[:8, :8] = 120
    data = encoded(Image.fromarray(samples), "JPEG", optimize=True)
    page = read_image(data)
    mask = np.zeros((64, 64), bool)
    mask[30:40, 30:44] = True
    out = write_image(cleaned(page, mask, 0), mask, data)
    assert changed_outside(page, read_image(out), jpeg.touched(data, mask)) == 0
    tables = [read_frame(d).find(DHT) for d in (data, out)]
    assert sum(map(len, tables[1])) > sum(map(len, tables[0]))
    defined = (
        [t.codes for part in stored_of(d).parts if isinstance(part, Tables) for t in part.tables]
        for d in (data, out)
    )
    for before, after in zip(*defined, strict=True):
        (code, length), (new_code, new_length) = codes_of(before), codes_of(after)
        known = length > 0
        assert np.array_equal(code[known], new_code[known])
        assert np.array_equal(length[known], new_length[known])


def test_codes_more_are_prefix_codes_until_there_is_no_room() -> None:
    # Two codes of one bit each but for the code of all ones: 0, 10, 110 ... of up to 15 bits.
    table = bytes([1] * 15 + [0]) + bytes(range(15))
    one = extended(table, [200])
    assert codes_of(one)[0][200] == 0xFFFE and codes_of(one)[1][200] == 16
    with pytest.raises(NoRoom):
        extended(table, [200, 201])
    assert len(extended(bytes([0, 1] + [0] * 14) + b"\0", list(range(1, 256)))) == 16 + 256


def test_scans_are_made_anew_where_there_is_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(table: bytes, symbols: list[int]) -> bytes:
        raise NoRoom("its Huffman tables have no room for another code")

    monkeypatch.setattr(jpeg_patch, "extended", full)
    samples = np.full((64, 64, 3), 255, np.uint8)
    data = encoded(Image.fromarray(samples), "JPEG", optimize=True)
    page = read_image(data)
    mask = np.zeros((64, 64), bool)
    mask[30:40, 30:44] = True
    with collected_notes() as notes:
        out = write_image(cleaned(page, mask, 0), mask, data)
    assert not any("encoded again" in line for line in notes)
    after = read_image(out)
    assert changed_outside(page, after, jpeg.touched(data, mask)) == 0
    assert after.pixels[35, 37].max() < 20


def test_components_in_scans_of_their_own() -> None:
    image = picture("RGB")
    data = encoded(image, "JPEG", quality=85, subsampling=2)
    frame, stored = read_frame(data), stored_of(data)
    planes = read_coefficients(frame, stored)
    changes = Changes(frame, hole())
    scans = [part for i in range(3) for part in _scan(changes, planes, [i], (0, 63))]
    head = [s.raw for s in frame.segments if s.marker != DHT]
    apart = b"".join([SOI, *head, *scans, EOI])
    page = read_image(apart)
    assert np.array_equal(page.pixels, read_image(data).pixels)
    mask = hole()
    out = write_image(cleaned(page, mask, 99), mask, apart)
    assert len(stored_of(out).scans) == 3
    assert changed_outside(page, read_image(out), jpeg.touched(apart, mask)) == 0


def test_many_pieces_are_put_together_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    data = encoded(picture("RGB", rough=True), "JPEG", quality=95)
    page = read_image(data)
    new = cleaned(page, hole(), 255)
    whole = write_image(new, hole(), data)
    monkeypatch.setattr(jpeg_stretches, "_AT_ONCE", 50)
    assert write_image(new, hole(), data) == whole


def test_restarts_that_nothing_announces_are_refused() -> None:
    data = encoded(picture("L"), "JPEG", restart_marker_blocks=2)
    at = data.index(b"\xff\xdd")
    assert coefficients(data) is not None
    assert coefficients(data[:at] + data[at + 6 :]) is None


def test_no_end_of_scans_is_refused() -> None:
    data = encoded(picture("L"), "JPEG", progressive=True)
    last = stored_of(data).scans[-1]
    with pytest.raises(NotSpliceable, match="more than 500 scans"):
        stored_of(data[:-2] + (last.head + last.body) * 500 + EOI)


def test_entries_of_several_symbols_say_the_same() -> None:
    """Walking by joined entries ends where walking symbol by symbol does."""
    data = encoded(picture("L", rough=True), "JPEG", quality=75)
    (scan,) = stored_of(data).scans
    dc, ac = (scan.table(kind, 0).codes for kind in (0, 1))
    joined, head, tail = (
        block_looks(dc, ac),
        single_looks(dc, first=True),
        single_looks(ac),
    )
    random = np.random.default_rng(0)
    more = 0
    for look in random.integers(0, SIZE, 3000).tolist():
        for base, first in ((0, head), (SIZE, tail)):
            entry = int(joined[base + look])
            taken, step = entry & 63, entry >> STEP_BITS & 511
            single = int(first[look])
            own, at = single >> STEP_BITS & 511, single & 63
            while at < taken:
                assert own < END_STEP
                single = int(tail[look << at & (SIZE - 1)])
                at += single & 63
                own += single >> STEP_BITS & 511
                more += 1
            assert (at, own) == (taken, step)
            assert own < BAD_STEP or taken == 1
    assert more > 1000


def test_patch_notes_what_it_reaches() -> None:
    data = encoded(picture("L"), "JPEG")
    frame = read_frame(data)
    pixels = read_image(data).pixels.copy()
    pixels[12, 20] = 0
    mask = np.zeros((70, 90), bool)
    mask[12, 20] = True
    _, reach = patch(stored_of(data), Changes(frame, mask, pixels))
    wanted = np.zeros_like(reach)
    wanted[8:16, 16:24] = True
    assert np.array_equal(reach, wanted)


def test_fill_bytes_before_restarts_belong_to_no_piece() -> None:
    data = encoded(picture("L"), "JPEG", restart_marker_blocks=4)
    at = data.index(b"\xff\xd0", read_frame(data).body)
    filled = data[:at] + b"\xff" * 5 + data[at:]
    before, after = coefficients(data), coefficients(filled)
    assert before is not None and after is not None
    assert np.array_equal(before[0], after[0])
