from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from builtin_font import builtin_font

from textclean.errors import OptionsError
from textclean.training.drawing import DrawnPage
from textclean.training.ink_pack import as_ink_sample, main, write_ink_pack
from textclean.training.ink_samples import BUBBLE, UNKNOWN, InkPack

FAMILIES = {"tone": 1.0, "document": 1.0}


@pytest.fixture
def font(tmp_path: Path) -> Path:
    return builtin_font(tmp_path)


def pixels(pack: InkPack) -> list[bytes]:
    return [pack[i].shown.tobytes() + pack[i].labels.tobytes() for i in range(len(pack))]


def test_rims_and_compression_noise_around_ink_are_unknown() -> None:
    clean = np.full((40, 40, 3), 255, np.uint8)
    shown, labels = clean.copy(), np.zeros((40, 40), np.uint8)
    labels[10:20, 10:20] = 1
    shown[10:20, 10:20] = 0
    shown[10:20, 20:25] = 200  # a rim of five pixels, three of them near the ink
    shown[30:35, 30:35] = 200  # far from any ink
    bubble = np.zeros((40, 40), bool)
    bubble[5:30, 5:30] = True
    sample = as_ink_sample(DrawnPage(clean, shown, labels, bubble, "tone"))
    row = sample.labels[15] & UNKNOWN
    assert row[10:20].tolist() == [1] * 10
    assert row[20:25].tolist() == [UNKNOWN] * 3 + [0] * 2
    assert not np.any(sample.labels[30:35, 30:35])
    assert np.array_equal(sample.labels >= BUBBLE, bubble)


def test_a_pack_depends_on_its_seed_alone(tmp_path: Path, font: Path) -> None:
    def written(name: str, seed: int = 3, count: int = 6, **more: object) -> InkPack:
        return write_ink_pack(
            tmp_path / name, fonts=[font], count=count, size=96, seed=seed, families=FAMILIES,
            **more,  # type: ignore[arg-type]
        )  # fmt: skip

    whole = written("whole")
    assert len(whole) == 6
    assert {whole[i].family for i in range(6)} == set(FAMILIES)
    assert {int(v) & UNKNOWN for i in range(6) for v in np.unique(whole[i].labels)} >= {0, 1, 5}
    assert pixels(written("again")) == pixels(whole)
    assert pixels(written("other", seed=4)) != pixels(whole)
    assert pixels(written("held", split="validation")) != pixels(whole)
    # Taken up again after an interruption, it ends the same.
    done = np.load(tmp_path / "again" / "done.npy", mmap_mode="r+")
    shown = np.load(tmp_path / "again" / "shown.npy", mmap_mode="r+")
    done[[1, 4]], shown[[1, 4]] = 0, 0
    del done, shown
    assert len(InkPack(tmp_path / "again")) == 4
    assert pixels(written("again")) == pixels(whole)


def test_processes_write_what_one_does(tmp_path: Path, font: Path) -> None:
    packs = [
        write_ink_pack(
            tmp_path / str(workers), fonts=[font], count=3, size=64, families={"tone": 1.0},
            workers=workers,
        )
        for workers in (1, 2)
    ]  # fmt: skip
    assert pixels(packs[0]) == pixels(packs[1])


def test_families_that_cannot_be_drawn_are_told(tmp_path: Path, font: Path) -> None:
    for families, message in (
        ({"chess": 1.0}, "chess"),
        ({"tone": 0.0}, "above 0"),
        ({"comic": 1.0}, "comic"),
    ):
        with pytest.raises(OptionsError, match=message):
            write_ink_pack(tmp_path / "p", fonts=[font], count=1, size=64, families=families)


def test_the_command_writes_a_pack(
    tmp_path: Path, font: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["--out", str(tmp_path / "p"), "--fonts", str(font), "--count", "2", "--size", "64"]
    assert main(command) == 0
    assert "2 samples" in capsys.readouterr().err
    assert main([*command, "--seed", "9"]) == 5
    assert "another recipe" in capsys.readouterr().err
