"""``textclean train inpaint --art``: samples out of a folder of pages, and a run on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFont
from typer.testing import CliRunner, Result

from textclean.cli import training_packs
from textclean.cli.app import app

CONFIG = """
batch = 2
workers = 0
warmup = 1
ema = 0.5
log_every = 1
recalibrate = 1
[model]
widths = [4, 6]
blocks = [1, 1]
spectral = [2, 2]
[data]
size = 32
rows = 1
"""


def run(*args: object) -> Result:
    return CliRunner().invoke(app, [str(arg) for arg in args])


@pytest.fixture
def art(tmp_path: Path) -> Path:
    """Two pages of stripes to train on, and one that is set aside for validation by its name."""
    folder = tmp_path / "art"
    folder.mkdir()
    y, x = np.mgrid[:300, :320]
    for number, name in enumerate(("one.png", "two.png", "E14P01.png")):
        wave = np.sin(x / (5 + number)) * np.cos(y / (9 - number))
        grey = np.rint(127.5 * (wave + 1)).astype(np.uint8)
        page = np.stack([grey, 255 - grey, grey // 2 + 60], axis=2)
        Image.fromarray(page).save(folder / name)
    return folder


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "run.toml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


@pytest.fixture
def font(tmp_path: Path) -> Path:
    """The font inside Pillow: every machine has it."""
    face = ImageFont.load_default(20)
    assert isinstance(face, ImageFont.FreeTypeFont)
    path = tmp_path / "builtin.ttf"
    path.write_bytes(face.path.getvalue())  # type: ignore[union-attr]
    return path


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training_packs, "SAMPLES", 4)
    monkeypatch.setattr(training_packs, "VALIDATION_SAMPLES", 2)


class Recorded:
    """Stands for the training room: remembers what it was asked for, writes nothing."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.packs: list[dict[str, Any]] = []
        self.runs: list[dict[str, Any]] = []
        monkeypatch.setattr("textclean.training.packing.write_pack", self._pack)
        monkeypatch.setattr("textclean.training.run.run_from_cli", self._run)

    def _pack(self, out: Path, **settings: Any) -> None:
        self.packs.append({"out": out, **settings})
        for done in range(0, 21, 5):
            settings["progress"](done, 20)

    def _run(self, **settings: Any) -> Path:
        self.runs.append(settings)
        return Path("sheet.png")


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Recorded:
    return Recorded(monkeypatch)


@pytest.mark.slow
def test_from_a_folder_of_pages_to_weights(
    art: Path, config: Path, font: Path, few: None, tmp_path: Path
) -> None:
    from textclean.training.pack import Pack

    out = tmp_path / "run"
    call = ("train", "inpaint", "--config", config, "--art", art, "--fonts", font, "--out", out)
    more = ("--device", "cpu", "--workers", 1)
    result = run(*call, *more, "--steps", 2)
    assert result.exit_code == 0, result.output
    weights = Path(result.stdout.strip())
    assert weights.is_file() and out in weights.parents
    assert len(Pack(out / "pack")) == 4
    assert Pack(out / "pack").recipe["art"] == "art"
    assert len(Pack(out / "validation-pack")) == 2
    assert Pack(out / "validation-pack").recipe["split"] == "validation"

    again = run(*call, *more, "--steps", 3)
    assert again.exit_code == 5
    assert "--resume" in again.stderr
    written = (out / "pack" / "target.npy").stat().st_mtime_ns
    resumed = run(*call, *more, "--steps", 3, "--resume")
    assert resumed.exit_code == 0, resumed.output
    assert "finished after 3 steps" in resumed.stderr
    assert (out / "pack" / "target.npy").stat().st_mtime_ns == written


@pytest.mark.slow
def test_a_dry_run_draws_a_sheet_and_leaves_no_pack(
    art: Path, config: Path, font: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    result = run(
        *("train", "inpaint", "--config", config, "--art", art, "--fonts", font),
        *("--out", out, "--dry-run"),
    )
    assert result.exit_code == 0, result.output
    assert result.stdout.strip() == str(out / "samples.png")
    assert [path.name for path in out.iterdir()] == ["samples.png"]
    with Image.open(out / "samples.png") as sheet:
        assert min(sheet.size) > 32


def test_the_minutes_are_shared_out(
    room: Recorded, art: Path, config: Path, tmp_path: Path
) -> None:
    result = run(
        *("train", "inpaint", "--config", config, "--art", art, "--lettering", tmp_path),
        *("--out", tmp_path / "run", "--minutes", 100, "--workers", 3),
    )
    assert result.exit_code == 0, result.output
    validation, training = room.packs
    assert (validation["split"], training["split"]) == ("validation", "train")
    assert validation["minutes"] == pytest.approx(2)
    assert training["minutes"] == pytest.approx(18)
    assert training["count"] == training_packs.SAMPLES
    assert training["size"] == 256
    assert training["workers"] == 3
    assert training["lettering"] == validation["lettering"] == tmp_path
    assert training["projection"] is True
    (asked,) = room.runs
    assert asked["minutes"] == pytest.approx(80)
    assert asked["pack"] == tmp_path / "run" / "pack" == training["out"]
    assert asked["val"] == tmp_path / "run" / "validation-pack" == validation["out"]
    assert "[10/20] samples" in result.stderr


def test_without_minutes_nothing_is_cut_short(room: Recorded, art: Path, tmp_path: Path) -> None:
    result = run("train", "inpaint", "--art", art, "--out", tmp_path / "run", "--steps", 9)
    assert result.exit_code == 0, result.output
    assert [pack["minutes"] for pack in room.packs] == [None, None]
    assert room.runs[0]["minutes"] is None
    assert room.runs[0]["steps"] == 9


def test_the_file_may_say_how_long_and_where(room: Recorded, art: Path, tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text(
        f'minutes = 50.0\nout = "{(tmp_path / "there").as_posix()}"\nvalidation = "mine"\n'
        "seed = 4\n[data]\nsize = 384\npriors = []\n",
        encoding="utf-8",
    )
    result = run("train", "inpaint", "--config", path, "--art", art)
    assert result.exit_code == 0, result.output
    (training,) = room.packs  # validation samples there are already
    assert training["out"] == tmp_path / "there" / "pack"
    assert (training["size"], training["seed"], training["projection"]) == (384, 4, False)
    assert room.runs[0]["minutes"] == pytest.approx(40)
    assert room.runs[0]["val"] is None


def test_own_validation_samples_are_taken(room: Recorded, art: Path, tmp_path: Path) -> None:
    result = run("train", "inpaint", "--art", art, "--out", tmp_path, "--val", tmp_path / "mine")
    assert result.exit_code == 0, result.output
    assert [pack["split"] for pack in room.packs] == ["train"]
    assert room.runs[0]["val"] == tmp_path / "mine"


def test_pages_of_which_none_is_set_aside(room: Recorded, art: Path, tmp_path: Path) -> None:
    (art / "E14P01.png").unlink()
    result = run("train", "inpaint", "--art", art, "--out", tmp_path / "run")
    assert result.exit_code == 0, result.output
    validation, training = room.packs
    assert validation["art"] is None
    assert training["art"] == art
    assert "synthetic pages alone" in result.stderr


def test_a_resumed_run_takes_its_packs_as_they_are(
    room: Recorded, art: Path, tmp_path: Path
) -> None:
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "pack.json").write_text("{}", encoding="utf-8")
    call = ("train", "inpaint", "--art", art, "--out", tmp_path, "--minutes", 10)
    result = run(*call, "--resume")
    assert result.exit_code == 0, result.output
    assert [pack["split"] for pack in room.packs] == ["validation"]
    assert room.runs[0]["pack"] == tmp_path / "pack"
    assert room.runs[0]["minutes"] == pytest.approx(8)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--art", "art", "--pack", "samples", "--out", "run"), "--pack names one"),
        (("--art", "art"), "--out DIR"),
        (("--lettering", "layers", "--out", "run"), "--art"),
        (("--fonts", "fonts", "--out", "run"), "--art"),
    ],
)
def test_calls_that_contradict_themselves(
    room: Recorded, options: tuple[str, ...], said: str
) -> None:
    result = run("train", "inpaint", *options)
    assert result.exit_code == 1
    assert said in result.stderr
    assert not room.packs and not room.runs


def test_a_folder_that_is_not_there(tmp_path: Path, font: Path) -> None:
    result = run(
        *("train", "inpaint", "--art", tmp_path / "none", "--fonts", font, "--out", tmp_path / "o"),
        *("--minutes", 1, "--workers", 1, "--val", tmp_path),
    )
    assert result.exit_code == 5
    assert "none" in result.stderr


@pytest.mark.slow
def test_the_ink_network_is_trained_by_the_same_command(
    tmp_path: Path, art: Path, font: Path
) -> None:
    config = tmp_path / "ink.toml"
    config.write_text("batch = 2\nworkers = 0\n", encoding="utf-8")
    result = run(
        "train", "ink", "--config", config, "--art", art, "--fonts", font,
        "--out", tmp_path / "out", "--dry-run",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    sheet = Path(result.stdout.strip().splitlines()[-1])
    with Image.open(sheet) as picture:
        assert picture.width > 100
