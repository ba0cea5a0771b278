from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from textclean.errors import OptionsError
from textclean.training import mining
from textclean.training.ink_samples import InkPack, InkPackWriter, InkSample


def pack(folder: Path, levels: list[int], size: int = 64) -> InkPack:
    """Windows of one grey level each, without ink."""
    writer = InkPackWriter(folder, len(levels), size, ("blank", "document"))
    for number, level in enumerate(levels):
        shown = np.full((size, size, 3), level, np.uint8)
        writer.write(number, InkSample(shown, np.zeros((size, size), np.uint8), "blank"))
    return InkPack(folder)


def test_the_hardest_and_some_of_the_rest_are_taken() -> None:
    scores = np.array([0.1, 0.9, 0.2, 0.8, 0.0, 0.3])
    assert mining.mined(scores, 2, 0) == [1, 3]
    assert mining.mined(scores, 2, 4) == [0, 1, 2, 3, 4, 5]
    some = mining.mined(scores, 1, 2)
    assert 1 in some and len(some) == len(set(some)) == 3


def test_packs_are_joined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pack(tmp_path / "a", [10, 20])
    pack(tmp_path / "b", [30, 40, 50])

    def bright(source: InkPack, weights: str | Path) -> np.ndarray:
        return np.array([float(source[i].shown[0, 0, 0]) for i in range(len(source))])

    monkeypatch.setattr(mining, "false_ink", bright)
    joined = mining.write_mixed_pack(
        tmp_path / "out", [tmp_path / "a"], tmp_path / "b", hardest=1, others=1
    )
    assert [int(joined[i].shown[0, 0, 0]) for i in range(len(joined))] == [10, 20, 30, 50]
    assert joined[0].family == "blank"


def test_false_ink_is_a_share_of_the_window(tmp_path: Path) -> None:
    scores = mining.false_ink(pack(tmp_path / "a", [255, 0]))
    assert scores.shape == (2,) and ((scores >= 0) & (scores < 0.05)).all()


def test_windows_of_two_sizes_do_not_join(tmp_path: Path) -> None:
    pack(tmp_path / "a", [10])
    pack(tmp_path / "b", [10], size=96)
    with pytest.raises(OptionsError, match="cannot be joined"):
        mining.write_mixed_pack(tmp_path / "out", [tmp_path / "a", tmp_path / "b"])
    assert mining.main(["--out", str(tmp_path / "c"), "--whole", str(tmp_path / "none")]) != 0
