"""What a user sees while a run goes on."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console as RichConsole
from rich.progress import Progress

from textclean.batch import DocumentResult, PageReport
from textclean.cli.console import Console
from textclean.cli.progress import Bar, Lines, document_line, page_line, watching
from textclean.errors import CorruptInputError

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


def test_lines(capsys: pytest.CaptureFixture[str]) -> None:
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


def test_the_failure_of_an_only_page_is_left_to_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines(Console())
    lines.opened("2.png", 1)
    lines.finished(FAILED, None)
    assert capsys.readouterr().err == ""


def test_the_bar() -> None:
    out = io.StringIO()
    console = RichConsole(file=out, force_terminal=True, width=120, color_system=None)
    with watching_on(console) as bar:
        bar.opened("shelf/book.cbz", 2)
        bar.started("1.png", 1)
        bar.finished(CLEANED, None)
        bar.started("2.png", 2)
        bar.finished(FAILED, None)
    shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", out.getvalue())
    assert "shelf/book.cbz" in shown
    assert "2/2" in shown
    assert "2.png" in shown
    assert "pages/s" in shown


class watching_on:  # noqa: N801
    """The columns of the real bar, on another console."""

    def __init__(self, console: RichConsole) -> None:
        from textclean.cli.progress import columns

        self._progress = Progress(*columns(), console=console)

    def __enter__(self) -> Bar:
        self._progress.start()
        return Bar(Console(), self._progress)

    def __exit__(self, *error: object) -> None:
        self._progress.stop()


def test_no_bar_in_a_pipe() -> None:
    with watching(Console()) as watcher:
        assert type(watcher) is Lines


def test_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stderr", terminal)
    with watching(Console()) as watcher:
        assert type(watcher) is Bar
    for console in (Console(quiet=True), Console(verbose=True)):
        with watching(console) as watcher:
            assert type(watcher) is Lines
