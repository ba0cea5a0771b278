from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from textclean.errors import FileAccessError
from textclean.training.art import (
    ArtFolder,
    art_crop,
    color_art,
    grey_art,
    halftone_art,
    is_validation,
)


def _picture(seed: int, size: tuple[int, int] = (220, 180)) -> np.ndarray:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: size[0], : size[1]]
    waves = [np.sin(x / rng.uniform(8, 30) + y / rng.uniform(8, 30)) for _ in range(3)]
    return np.uint8(127 + 120 * np.dstack(waves))


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    art, lettering = tmp_path / "art", tmp_path / "lettering"
    art.mkdir()
    lettering.mkdir()
    for k, name in enumerate(["E01P01", "E02P03", "E04P07", "E14P01", "E10P06"]):
        PillowImage.fromarray(_picture(k)).save(art / f"{name}.png")
    bare = np.zeros((220, 180, 4), np.uint8)
    bare[40:120, 30:150] = 255
    full = bare.copy()
    full[60:70, 50:130, :3] = 0
    for name in ("E01P01_en", "E14P01_en", "E02P04_en"):
        PillowImage.fromarray(full).save(lettering / f"{name}_all.png")
        PillowImage.fromarray(bare).save(lettering / f"{name}_nolet.png")
    PillowImage.fromarray(full).save(lettering / "E02P03_ja_all.png")
    return art, lettering


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("E14P01.webp", True),
        ("E17P08_en_all.webp", True),
        ("E15P00.png", True),
        ("some/folder/E04P07.webp", True),
        ("E06P06_ja_nolet.webp", True),
        ("E06P07.webp", True),
        ("E12P04.webp", True),
        ("E13P02.webp", True),
        ("E13P03.webp", False),
        ("E04P06.webp", False),
        ("E01P04.webp", False),
        ("E18P01.webp", False),
        ("mine.png", False),
    ],
)
def test_validation_pages_are_known_by_name(name: str, expected: bool) -> None:
    assert is_validation(name) is expected


def test_the_splits_share_no_page(folders: tuple[Path, Path]) -> None:
    art, lettering = folders
    train = ArtFolder(art, "train", lettering)
    held = ArtFolder(art, "validation", lettering)
    assert train.names == ("E01P01.png", "E02P03.png")
    assert held.names == ("E04P07.png", "E14P01.png")
    assert train.layers == ("E01P01_en_*.png",)
    assert held.layers == ("E14P01_en_*.png",)


def test_layers_come_in_pairs(folders: tuple[Path, Path]) -> None:
    art = ArtFolder(folders[0], "train", folders[1])
    full, bare = art.layer(art.layers[0])
    assert full.shape == bare.shape == (220, 180, 4)
    assert (full != bare).any(axis=2).sum() == 10 * 80


def test_a_folder_without_pages_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileAccessError, match="no train page"):
        ArtFolder(tmp_path)
    with pytest.raises(FileAccessError, match="cannot list"):
        ArtFolder(tmp_path / "nothing")


def test_a_damaged_page_is_named(folders: tuple[Path, Path]) -> None:
    (folders[0] / "E03P01.png").write_bytes(b"no picture")
    art = ArtFolder(folders[0])
    with pytest.raises(FileAccessError, match="E03P01"):
        art.page("E03P01.png")


@pytest.mark.parametrize("draw", [art_crop, color_art, grey_art, halftone_art])
@pytest.mark.parametrize("size", [(64, 64), (50, 90)])
def test_pieces_have_the_size_asked_for(
    folders: tuple[Path, Path], draw: object, size: tuple[int, int]
) -> None:
    art = ArtFolder(folders[0])
    for seed in range(6):
        piece = draw(np.random.default_rng(seed), art, size)  # type: ignore[operator]
        assert piece.shape == (*size, 3)
        assert piece.dtype == np.uint8
        again = draw(np.random.default_rng(seed), ArtFolder(folders[0]), size)  # type: ignore[operator]
        assert np.array_equal(piece, again)


def test_a_crop_is_a_piece_of_the_page(tmp_path: Path) -> None:
    y, x = np.mgrid[:300, :300]
    page = np.dstack([np.uint8(x % 256), np.uint8(y % 256), np.uint8((x // 256) * 10 + y // 256)])
    PillowImage.fromarray(page).save(tmp_path / "one.png")
    art, seen = ArtFolder(tmp_path), 0
    codes = {tuple(pixel) for pixel in page.reshape(-1, 3).tolist()}
    for seed in range(20):
        piece = art_crop(np.random.default_rng(seed), art, (40, 40))
        inside = np.mean([tuple(pixel) in codes for pixel in piece.reshape(-1, 3).tolist()])
        seen += inside == 1.0
    assert seen >= 5  # half of the crops are at scale 1


def test_grey_and_halftone_have_no_colour(folders: tuple[Path, Path]) -> None:
    art = ArtFolder(folders[0])
    for draw in (grey_art, halftone_art):
        piece = draw(np.random.default_rng(1), art, (64, 64))
        assert (piece[..., 0] == piece[..., 2]).all()


def test_halftone_is_mostly_ink_and_paper(folders: tuple[Path, Path]) -> None:
    art = ArtFolder(folders[0])
    extremes = []
    for seed in range(16):
        piece = halftone_art(np.random.default_rng(seed), art, (96, 96))[..., 0]
        extremes.append(float(((piece < 40) | (piece > 215)).mean()))
    assert np.mean(extremes) > 0.65
    grey = grey_art(np.random.default_rng(0), art, (96, 96))[..., 0]
    assert ((grey < 40) | (grey > 215)).mean() < 0.6
