from __future__ import annotations

import csv
import io
import logging
import sys

import cv2
import numpy as np
import pytest
import torch

from textclean.errors import FileAccessError
from textclean.training.log import CsvLog, Diary, Meter, Reporter, save_png, sheet


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_rows_are_appended_and_new_figures_add_columns(tmp_path):
    path = tmp_path / "log.csv"
    log = CsvLog(path)
    log.add(1, {"loss": 0.5})
    log.add(2, {"loss": 0.25})
    log.add(3, {"loss": 0.125, "adversarial": 2.0})
    assert rows(path) == [
        {"step": "1", "loss": "0.5", "adversarial": ""},
        {"step": "2", "loss": "0.25", "adversarial": ""},
        {"step": "3", "loss": "0.125", "adversarial": "2"},
    ]


def test_a_resumed_log_drops_what_came_after_the_checkpoint(tmp_path):
    path = tmp_path / "log.csv"
    log = CsvLog(path)
    for step in (5, 10, 15):
        log.add(step, {"loss": float(step)})
    with path.open("a") as file:
        file.write("20,")  # cut off by a kill
    log = CsvLog(path, resume=10)
    log.add(12, {"loss": 1.0})
    assert [row["step"] for row in rows(path)] == ["5", "10", "12"]


def test_a_new_run_starts_a_new_log(tmp_path):
    path = tmp_path / "log.csv"
    CsvLog(path).add(5, {"loss": 1.0})
    CsvLog(path).add(6, {"other": 1.0})
    assert rows(path) == [{"step": "6", "other": "1"}]


def test_an_unwritable_log_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FileAccessError):
        CsvLog(tmp_path / "file" / "log.csv").add(1, {"loss": 1.0})


def test_the_meter_gives_means_over_the_steps_that_had_a_figure():
    meter = Meter()
    meter.add({"loss": torch.tensor(1.0)})
    meter.add({"loss": torch.tensor(3.0), "late": torch.tensor(5.0)})
    with meter.timed("data"):
        pass
    figures = meter.take()
    assert (figures["loss"], figures["late"]) == (2.0, 5.0)
    assert figures["data_share"] == 1.0
    assert meter.steps == 0
    meter.add({"loss": torch.tensor(7.0)})
    assert meter.take()["loss"] == 7.0


def test_the_diary_is_silent_where_it_is_not_wanted(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    figures = {"loss": 1.0, "lr": 0.1, "steps_per_second": 2.0, "data_share": 0.5}
    with Diary(tmp_path, 0, on=False) as diary:
        diary.trained(1, 0.5, figures)
        diary.judged(1, {"score": 1.0}, "table")
    assert not list(tmp_path.iterdir())
    assert not caplog.text
    with Diary(tmp_path, 0) as diary:
        diary.trained(1, 0.5, figures)
        diary.judged(1, {"score": 1.0}, "table")
    assert "2.00 it/s" in caplog.text
    assert "table" in caplog.text
    assert rows(tmp_path / "validation.csv")[0]["score"] == "1"


def test_on_a_terminal_there_is_a_bar_and_lines_that_stay(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr("sys.stderr", Terminal())
    with Reporter() as reporter:
        reporter.show(0.25, "step 5")
        reporter.say("a [table]")
    assert " 25.0%" in sys.stderr.getvalue()
    assert "step 5" in sys.stderr.getvalue()
    assert "a [table]" in sys.stderr.getvalue()


def test_without_a_terminal_progress_is_logged_now_and_then(caplog):
    caplog.set_level(logging.INFO)
    with Reporter() as reporter:
        reporter.show(0.1, "first")
        reporter.show(0.2, "second")
        reporter.show(0.3, "third", every=0.0)
    assert [r.message for r in caplog.records] == [" 10.0%  first", " 30.0%  third"]


def test_a_sheet_shows_every_picture_whole():
    generator = np.random.default_rng(0)
    images = [generator.integers(0, 255, (h, w, 3), dtype=np.uint8) for h, w in ((8, 9), (5, 12))]
    canvas = sheet([("first", images), ("second", images[:1])])
    for image in images:
        h, w = image.shape[:2]
        found = any(
            np.array_equal(canvas[y : y + h, x : x + w], image)
            for y in range(canvas.shape[0] - h + 1)
            for x in range(canvas.shape[1] - w + 1)
        )
        assert found
    assert sheet([]).shape == (1, 1, 3)


def test_pictures_are_written_as_they_are(tmp_path):
    image = np.random.default_rng(0).integers(0, 255, (6, 7, 3), dtype=np.uint8)
    save_png(image, tmp_path / "deep" / "p.png")
    assert np.array_equal(cv2.imread(str(tmp_path / "deep" / "p.png"))[..., ::-1], image)
