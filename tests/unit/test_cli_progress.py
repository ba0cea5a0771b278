"""What a user sees while a run goes on."""

from __future__ import annotations

import io
import json
import re
from typing import TYPE_CHECKING

import pytest
from rich.console import Console as RichConsole
from rich.progress import Progress

from textclean.batch import DocumentResult, PageReport
from textclean.cli.console import Console
from textclean.cli.events import Events
from textclean.cli.progress import Bar, Lines, Several, document_line, page_line, run_line, watching
from textclean.cli.tally import Tally, duration
from textclean.errors import CorruptInputError

if TYPE_CHECKING:
    from collections.abc import Callable

CLEANED = PageReport("1.png", 1, "cleaned", regions=3, removed=2, residual=1, seconds=1.25)
FAILED = PageReport("2.png", 2, "failed", "cut off", error=CorruptInputError("cut off"))


@pytest.mark.parametrize(
    ("report", "line"),
    [
        (CLEANED, "2 regions removed, 1 kept, text is still found in 1 (1.2 s)"),
        (PageReport("1.png", 1, "untouched"), "no text found (0.0 s)"),
        (PageReport("1.png", 1, "cleaned"), "filled (0.0 s)"),
        (PageReport("1.png", 1, "untouched", regions=2), "2 regions kept (0.0 s)"),
        (PageReport("1.png", 1, "untouched", regions=1, removed=1), "1 region to remove (0.0 s)"),
    ],
)
def test_a_page_in_a_few_words(report: PageReport, line: str) -> None:
    assert page_line(report) == line


def test_a_document_in_one_line() -> None:
    skipped = PageReport("3.png", 3, "skipped")
    result = DocumentResult("book.cbz", None, (CLEANED, FAILED, skipped), seconds=4.0)
    assert document_line(result) == (
        "book.cbz: 2 pages, 3 regions found, 2 to remove, 1 failed; 4.0 s, 0.50 pages/s"
    )


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_every_page_has_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines(Console())
    lines.opened("book.cbz", 2)
    lines.finished(CLEANED, None)
    lines.finished(FAILED, None)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "[1/2] 1.png: 2 regions removed, 1 kept, text is still found in 1 (1.2 s)",
        "error: [2/2] 2.png: cut off",
    ]


def test_in_a_pipe_there_is_a_line_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    lines = Lines(Console(), Tally(clock=clock, device="cpu"), every=False, clock=clock)
    lines.opened("book.cbz", 5000)
    for number in range(1, 5001):
        clock.now += 1
        lines.finished(PageReport(f"{number}.png", number, "untouched"), None)
    told = capsys.readouterr().err.splitlines()
    first = [int(re.findall(r"\[(\d+)/5000\]", line)[0]) for line in told]
    assert first[:3] == [1, 11, 21]
    assert first[-1] - first[-2] == 60
    assert 80 < len(told) < 120
    assert told[0] == "[1/5000] 1.png: no text found (0.0 s)"
    assert re.match(
        r"\[11/5000\] 11\.png: no text found \(0\.0 s\); 1\.00 pages/s, 83 min left", told[1]
    )


def test_but_every_failure(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    lines = Lines(Console(), Tally(clock=clock), every=False, clock=clock)
    lines.opened("book.cbz", 3)
    lines.finished(CLEANED, None)
    lines.finished(CLEANED, None)
    lines.finished(FAILED, None)
    told = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in told] == ["[1/3] 1.png", "error"]


def test_the_failure_of_an_only_page_is_left_to_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    for tally in (Tally(), Tally(documents=2, pages=2)):
        lines = Lines(Console(), tally)
        lines.opened("2.png", 1)
        lines.finished(FAILED, None)
    assert capsys.readouterr().err == ""


def test_pictures_of_which_each_is_a_document_are_told_together(
    capsys: pytest.CaptureFixture[str],
) -> None:
    clock = Clock()
    tally = Tally(documents=500, pages=500, clock=clock, device="cpu")
    lines = Lines(Console(), tally, every=False, clock=clock)
    for number in range(1, 501):
        lines.opened(f"shelf/{number}.png", 1)
        clock.now += 0.5
        lines.finished(PageReport(f"{number}.png", 1, "untouched"), None)
    told = capsys.readouterr().err.splitlines()
    assert len(told) < 25
    assert told[0] == "[1/500] shelf/1.png: no text found (0.0 s)"
    assert told[1].startswith("[21/500] shelf/21.png: no text found (0.0 s); 2.00 pages/s, 4 min")


def test_pages_that_were_done_before_are_not_counted() -> None:
    clock = Clock()
    tally = Tally(documents=2, pages=30, clock=clock)
    tally.open(10)
    tally.open(5)
    tally.pass_over(15)
    clock.now += 5
    tally.add(CLEANED)
    assert (tally.total, tally.done, tally.left) == (15, 1, 14)
    assert tally.seconds_left == 70


def test_the_whole_run_in_one_line() -> None:
    one = DocumentResult("a.png", None, (CLEANED,))
    two = DocumentResult("b.cbz", None, (CLEANED, FAILED))
    assert run_line([one, two], 150.0) == (
        "2 documents, 3 pages: 2 cleaned, 1 failed; 2 min, 0.02 pages/s"
    )


class TestTally:
    def test_it_counts_one_document_after_the_other(self) -> None:
        clock = Clock()
        tally = Tally(documents=2, clock=clock)
        tally.open(10)
        assert (tally.speed, tally.seconds_left) == (None, None)
        clock.now += 4
        tally.add(CLEANED)
        tally.add(FAILED)
        assert (tally.done, tally.failed, tally.left) == (2, 1, 8)
        assert (tally.speed, tally.seconds_left) == (0.5, 16.0)
        assert tally.line().startswith("1 failed, 0.50 pages/s, 16 s left")
        told = tally.as_dict()
        assert {key: told[key] for key in ("done", "failed", "left")} == {
            "done": 2, "failed": 1, "left": 8,
        }  # fmt: skip
        assert (told["pages_per_second"], told["seconds_left"]) == (0.5, 16.0)
        tally.open(3)
        assert (tally.document, tally.done, tally.failed, tally.left) == (2, 0, 0, 3)

    @pytest.mark.parametrize(
        ("seconds", "text"), [(0.4, "0 s"), (99, "99 s"), (100, "2 min"), (11_100, "3 h 5 min")]
    )
    def test_durations(self, seconds: float, text: str) -> None:
        assert duration(seconds) == text


def shown_by_a_bar(
    width: int, tell: Callable[[Bar], None], documents: int = 1, pages: int | None = None
) -> list[str]:
    """What the columns of the real bar write to a terminal so wide."""
    from textclean.cli.progress import columns

    out = io.StringIO()
    console = RichConsole(file=out, force_terminal=True, width=width, color_system=None)
    with Progress(*columns(), console=console, auto_refresh=False, expand=True) as progress:
        tell(Bar(Console(), progress, Tally(documents=documents, pages=pages, device="cpu")))
        progress.refresh()
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "\n", out.getvalue()).splitlines()


@pytest.mark.parametrize("width", [80, 120, 200])
def test_the_bar(width: int, capsys: pytest.CaptureFixture[str]) -> None:
    def tell(bar: Bar) -> None:
        bar.opened("shelf/book.cbz", 200)
        bar.started("1.png", 1)
        bar.finished(CLEANED, None)
        bar.started("2.png", 2)
        bar.finished(FAILED, None)
        bar.started("a/name/that/is/rather/long/for/one/line.png", 3)

    lines = [line for line in shown_by_a_bar(width, tell, documents=3) if line.strip()]
    last = lines[-1]
    assert max(map(len, lines)) <= width
    assert last.startswith("1/3 ")
    assert "2/200" in last
    assert "1 failed" in last
    if width == 200:
        for part in ("shelf/book.cbz", "pages/s", "left", "line.png"):
            assert part in last
    assert capsys.readouterr().err == "error: 2.png: cut off\n"


def test_the_bar_of_the_next_document_takes_the_place_of_the_last() -> None:
    def tell(bar: Bar) -> None:
        bar.opened("one.cbz", 1)
        bar.opened("two.cbz", 1)

    last = [line for line in shown_by_a_bar(100, tell, documents=2) if line.strip()][-2:]
    assert all(line.startswith("2/2 two.cbz") for line in last)


def test_one_bar_for_the_whole_run() -> None:
    def tell(bar: Bar) -> None:
        for number in range(1, 4):
            bar.opened(f"{number}.png", 1)
            bar.finished(PageReport(f"{number}.png", 1, "cleaned"), None)
        bar.opened("4.png", 0)
        bar.resumed("4.png", 1)

    lines = [line for line in shown_by_a_bar(120, tell, documents=9, pages=9) if line.strip()]
    assert lines[-1].startswith("4/9 4.png")
    assert "3/8" in lines[-1]


def test_events_are_json_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with watching(Console(log_json=True), documents=2, device="cpu") as watcher:
        watcher.opened("book\udce9.cbz", 2)
        watcher.started("1.png", 1)
        watcher.finished(CLEANED, None)
        watcher.finished(FAILED, None)
    out, err = capsys.readouterr()
    told = [json.loads(line) for line in err.splitlines()]
    assert out == ""
    assert all(re.match(r"\d{4}-\d\d-\d\dT.*[+-]\d\d:\d\d$", event["time"]) for event in told)
    assert [event["event"] for event in told] == [
        "document_opened", "page_started", "page_finished", "page_finished",
    ]  # fmt: skip
    assert told[0]["pages"] == 2
    assert (told[0]["document"], told[0]["documents"]) == (1, 2)
    assert told[1]["page"] == "1.png"
    assert (told[2]["name"], told[2]["residual"]) == ("1.png", 1)
    assert told[3]["error"]["message"] == "cut off"
    progress = told[3]["progress"]
    assert (progress["done"], progress["failed"], progress["left"]) == (2, 1, 0)
    assert progress["seconds_left"] == 0


def test_several_watchers(capsys: pytest.CaptureFixture[str]) -> None:
    with watching(Console()) as lines:
        both = Several(lines, Events(Tally()))
        both.opened("book.cbz", 1)
        both.started("1.png", 1)
        both.finished(CLEANED, None)
    told = capsys.readouterr().err.splitlines()
    assert [line[:5] for line in told] == ['{"tim', '{"tim', "[1/1]", '{"tim']


def test_no_bar_in_a_pipe() -> None:
    with watching(Console()) as watcher:
        assert type(watcher) is Lines


def test_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stderr", terminal)
    with watching(Console()) as watcher:
        assert type(watcher) is Bar
    for console in (Console(quiet=True), Console(verbose=True), Console(True, log_json=True)):
        with watching(console) as watcher:
            assert type(watcher) is Lines
    with watching(Console(log_json=True)) as watcher:
        assert type(watcher) is Events
