from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from builtin_font import builtin_font

from textclean.errors import CorruptInputError, FileAccessError, OptionsError, OutputExistsError
from textclean.training.pack import Pack, PackWriter, augment
from textclean.training.packing import completed, write_pack
from textclean.training.sample import Sample

SIZE = 24


def _sample(seed: int, size: int = SIZE) -> Sample:
    rng = np.random.default_rng(seed)
    pictures = [rng.integers(0, 256, (size, size, 3), dtype=np.uint8) for _ in range(4)]
    hole = rng.random((size, size)) < 0.4
    return Sample(
        *pictures[:2],
        hole,
        hole & (rng.random((size, size)) < 0.5),
        projection=pictures[2],
        smooth=pictures[3],
        family="ba"[seed % 2],
    )


def _equal(one: Sample, other: Sample) -> bool:
    pictures = ("target", "shown", "hole", "see_through", "projection", "smooth")
    same = (np.array_equal(getattr(one, name), getattr(other, name)) for name in pictures)
    return all(same) and one.family == other.family


def _write(folder: Path, numbers: list[int], count: int = 4) -> PackWriter:
    writer = PackWriter(folder, count, SIZE, ("a", "b"), {"seed": 1})
    for number in numbers:
        writer.write(number, _sample(number))
    return writer


def test_what_is_written_is_read(tmp_path: Path) -> None:
    _write(tmp_path / "pack", [0, 1, 2, 3])
    pack = Pack(tmp_path / "pack")
    assert len(pack) == 4
    assert pack.families == ("a", "b")
    assert pack.recipe == {"seed": 1}
    assert all(_equal(pack[i], _sample(i)) for i in range(4))
    assert pack[1].hole.dtype == pack[1].see_through.dtype == bool


def test_samples_are_copies(tmp_path: Path) -> None:
    _write(tmp_path / "pack", [0])
    pack = Pack(tmp_path / "pack")
    pack[0].target[:] = 7
    assert _equal(pack[0], _sample(0))


def test_only_finished_samples_count(tmp_path: Path) -> None:
    writer = _write(tmp_path / "pack", [2, 0])
    assert writer.missing() == [1, 3]
    pack = Pack(tmp_path / "pack")
    assert len(pack) == 2
    assert _equal(pack[1], _sample(2))
    with pytest.raises(IndexError):
        pack[2]


def test_writing_goes_on_where_it_stopped(tmp_path: Path) -> None:
    _write(tmp_path / "pack", [0, 1])
    again = _write(tmp_path / "pack", [3])
    assert again.missing() == [2]
    assert _equal(Pack(tmp_path / "pack")[0], _sample(0))


def test_another_recipe_is_refused(tmp_path: Path) -> None:
    _write(tmp_path / "pack", [0])
    with pytest.raises(OutputExistsError, match="another recipe"):
        PackWriter(tmp_path / "pack", 4, SIZE, ("a", "b"), {"seed": 2})
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "holiday.jpg").write_bytes(b"")
    with pytest.raises(OutputExistsError, match="not empty"):
        PackWriter(tmp_path / "other", 4, SIZE, ("a",))


def test_packs_without_projections(tmp_path: Path) -> None:
    writer = PackWriter(tmp_path / "pack", 1, SIZE, ("a", "b"), projection=False)
    writer.write(0, replace(_sample(0), projection=None))
    assert Pack(tmp_path / "pack")[0].projection is None
    with pytest.raises(ValueError, match="no projection"):
        _write(tmp_path / "full", []).write(0, replace(_sample(0), projection=None))


def test_damaged_packs_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileAccessError, match="not a pack"):
        Pack(tmp_path)
    _write(tmp_path / "empty", [])
    with pytest.raises(CorruptInputError, match="no finished sample"):
        Pack(tmp_path / "empty")
    _write(tmp_path / "cut", [0])
    (tmp_path / "cut" / "mask.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(CorruptInputError, match=r"mask\.npy"):
        Pack(tmp_path / "cut")
    _write(tmp_path / "swapped", [0])
    np.save(tmp_path / "swapped" / "target.npy", np.zeros((1, 2, 2, 3), np.uint8))
    with pytest.raises(CorruptInputError, match=r"target\.npy"):
        Pack(tmp_path / "swapped")
    about = json.loads((tmp_path / "swapped" / "pack.json").read_text())
    (tmp_path / "swapped" / "pack.json").write_text(json.dumps({**about, "format": 99}))
    with pytest.raises(CorruptInputError, match="99"):
        Pack(tmp_path / "swapped")


def test_packs_travel_to_workers(tmp_path: Path) -> None:
    _write(tmp_path / "pack", [0, 1, 2, 3])
    sent = pickle.dumps(Pack(tmp_path / "pack"))
    assert len(sent) < 2000
    assert _equal(pickle.loads(sent)[3], _sample(3))


def _marked(size: int = 40) -> Sample:
    """A sample whose pictures tell where each pixel came from."""
    y, x = np.mgrid[:size, :size].astype(np.uint8)
    picture = np.dstack([x, y, np.full_like(x, 100)])
    hole = (x.astype(int) * 7 + y * 3) % 5 == 0
    none = np.zeros_like(hole)
    return Sample(picture, picture, hole, none, projection=picture, smooth=picture, family="a")


def test_augmentation_moves_everything_together() -> None:
    sample, seen = _marked(), set()
    for seed in range(60):
        got = augment(sample, np.random.default_rng(seed), 16)
        assert got.target.shape == (16, 16, 3)
        assert got.hole.shape == got.see_through.shape == (16, 16)
        assert np.array_equal(got.target, got.shown)
        assert np.array_equal(got.target, got.projection)
        assert np.array_equal(got.target, got.smooth)
        plain = 255 - got.target if got.target.max() > 200 else got.target
        constant = next(c for c in range(3) if (plain[..., c] == 100).all())
        a, b = (plain[..., c].astype(int) for c in range(3) if c != constant)
        straight, swapped = (a * 7 + b * 3) % 5 == 0, (b * 7 + a * 3) % 5 == 0
        assert np.array_equal(got.hole, straight) or np.array_equal(got.hole, swapped)
        turned = abs(int(a[0, 1]) - int(a[0, 0])) == 1
        seen.add((turned, bool(a[0, 0] > a[-1, -1]), bool(b[0, 0] > b[-1, -1]), constant))
        assert got.family == "a"
    assert len(seen) > 12


def test_augmentation_depends_on_its_generator_alone() -> None:
    sample = _sample(1, 40)
    first, second = (augment(sample, np.random.default_rng(5), 32) for _ in range(2))
    assert _equal(first, second)


def test_see_through_ink_is_never_inverted() -> None:
    sample = replace(_marked(), see_through=_marked().hole)
    tops = [augment(sample, np.random.default_rng(s), 16).target.max() for s in range(40)]
    assert max(tops) < 200
    opaque = [augment(_marked(), np.random.default_rng(s), 16).target.max() for s in range(40)]
    assert 0 < sum(top > 200 for top in opaque) < 20


def test_windows_are_cut_where_there_is_a_hole() -> None:
    hole = np.zeros((64, 64), bool)
    hole[40:60, 40:60] = True
    sample = replace(_marked(64), hole=hole)
    found = [augment(sample, np.random.default_rng(s), 24).hole.any() for s in range(40)]
    assert np.mean(found) > 0.8


def test_windows_larger_than_the_sample_are_refused() -> None:
    with pytest.raises(ValueError, match="less than 64"):
        augment(_marked(), np.random.default_rng(0), 64)


@pytest.fixture
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("one_thread")
def test_the_fills_keep_what_is_known_and_do_not_see_the_truth() -> None:
    sample = replace(_sample(3, 32), projection=None, smooth=None)
    other = sample.target.copy()
    other[sample.hole] = 255 - other[sample.hole]
    one = completed(sample, projection=True)
    two = completed(replace(sample, target=other), projection=True)
    assert one.smooth is not None
    assert one.projection is not None
    known = ~sample.hole
    for fill, again in ((one.smooth, two.smooth), (one.projection, two.projection)):
        assert np.array_equal(fill[known], sample.target[known])
        assert np.array_equal(fill, again)
    assert completed(sample, projection=False).projection is None


def test_a_pack_is_the_same_from_one_process_or_two(tmp_path: Path) -> None:
    font = builtin_font(tmp_path)
    told: list[tuple[int, int]] = []

    def make(name: str, workers: int, **more: object) -> Pack:
        return write_pack(
            tmp_path / name,
            fonts=[font],
            count=4,
            size=64,
            seed=3,
            families={"tone": 1.0, "document": 1.0},
            projection=False,
            workers=workers,
            progress=lambda done, of: told.append((done, of)),
            **more,  # type: ignore[arg-type]
        )

    one, two = make("one", 1), make("two", 2)
    assert len(one) == len(two) == 4
    assert all(_equal(one[i], two[i]) for i in range(4))
    assert {one[i].family for i in range(4)} <= {"tone", "document"}
    assert told[-1] == (4, 4)
    assert all(np.array_equal(s.target[~s.hole], s.shown[~s.hole]) for s in (one[0], one[3]))


def test_time_runs_out_and_the_pack_goes_on(tmp_path: Path) -> None:
    font = builtin_font(tmp_path)
    families = {"document": 1.0}
    with pytest.raises(CorruptInputError, match="no finished sample"):
        write_pack(tmp_path / "p", fonts=[font], count=2, size=64, families=families,
                   projection=False, minutes=0)  # fmt: skip
    pack = write_pack(tmp_path / "p", fonts=[font], count=2, size=64, families=families,
                      projection=False)  # fmt: skip
    assert len(pack) == 2


def test_unknown_families_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionsError, match="landscape"):
        write_pack(tmp_path / "p", families={"landscape": 1.0})
    with pytest.raises(OptionsError, match="weight above 0"):
        write_pack(tmp_path / "p", families={"tone": 0.0})
