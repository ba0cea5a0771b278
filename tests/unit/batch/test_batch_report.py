from __future__ import annotations

import json
from pathlib import Path

import pytest

from textclean.batch.report import DocumentResult, PageReport, counts, nothing_worked, run_dict
from textclean.errors import CorruptInputError, PageError, ResidualTextError

PAGES = (
    PageReport("1.png", 1, "cleaned", regions=3, removed=2, seconds=1.23456, stages={"fill": 0.5}),
    PageReport("2.png", 2, "untouched", "no text was found"),
    PageReport("3.png", 3, "failed", "cut off", error=CorruptInputError("cut off", remedy="Again")),
    PageReport("4.png", 4, "skipped"),
    PageReport("5.png", 5, "cleaned", regions=1, removed=1, residual=1),
)
RESULT = DocumentResult(
    "book.cbz", Path("out.cbz"), PAGES, seconds=2.0, versions={"textclean": "1"}
)


def test_pages_by_what_became_of_them() -> None:
    assert [page.number for page in RESULT.failed] == [3]
    assert [page.number for page in RESULT.residual] == [5]
    assert [page.number for page in RESULT.with_status("cleaned", "skipped")] == [1, 4, 5]


def test_counts() -> None:
    assert counts(PAGES) == {
        "pages": 5,
        "cleaned": 2,
        "untouched": 1,
        "skipped": 1,
        "failed": 1,
        "regions": 4,
        "removed": 3,
        "residual": 1,
    }


def test_the_report_is_json() -> None:
    told = json.loads(
        json.dumps(run_dict([RESULT], {"no.pdf": PageError("none worked")}, {"profile": "manga"}))
    )
    assert told["report_version"] == 1
    assert told["options"] == {"profile": "manga"}
    assert told["counts"]["pages"] == 5
    (document,) = told["documents"]
    assert document["output"] == "out.cbz"
    assert document["pages"][0]["seconds"] == 1.235
    assert document["pages"][2]["error"] == {
        "type": "CorruptInputError",
        "message": "cut off",
        "remedy": "Again",
        "exit_code": 2,
    }
    assert told["failed_documents"][0]["source"] == "no.pdf"


def test_residual_text_says_where_the_output_is() -> None:
    with pytest.raises(ResidualTextError) as caught:
        RESULT.raise_for_residual()
    assert "1 region on 5.png" in caught.value.message
    assert "written to out.cbz" in caught.value.message
    DocumentResult("book.cbz", None, PAGES[:4]).raise_for_residual()


def test_many_pages_with_residual_text_are_not_all_named() -> None:
    pages = tuple(PageReport(f"{n}.png", n, "cleaned", residual=2) for n in range(1, 9))
    with pytest.raises(ResidualTextError, match=r"16 regions on 1\.png, 2\.png, 3\.png and 5 more"):
        DocumentResult("book", None, pages).raise_for_residual()


def test_when_nothing_worked_the_first_reason_is_told() -> None:
    one = nothing_worked([PAGES[2]], "a.png")
    assert isinstance(one, CorruptInputError)
    many = nothing_worked([PAGES[2]] * 3, "a.cbz")
    assert isinstance(many, PageError)
    assert "none of the 3 pages" in many.message
    assert "cut off" in many.message
