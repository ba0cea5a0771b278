"""Names of outputs: pure arithmetic on paths."""

from __future__ import annotations

from pathlib import Path

import pytest

from textclean.batch import Input
from textclean.cli.outputs import common_folder, default_output, plan_clean, plan_detect
from textclean.errors import OptionsError


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scans").mkdir()
    (tmp_path / "taken").mkdir()
    (tmp_path / "file").write_bytes(b"")
    return tmp_path


@pytest.mark.parametrize(
    ("source", "output"),
    [
        ("page.png", "page.clean.png"),
        ("in/vol.1.cbz", "in/vol.1.clean.cbz"),
        ("noend", "noend.clean"),
    ],
)
def test_beside_a_file(source: str, output: str) -> None:
    assert default_output(Path(source)) == Path(output)


def test_beside_a_folder(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert default_output(Path("scans")) == here / "scans-clean"
    monkeypatch.chdir(here / "scans")
    assert default_output(Path()) == here / "scans-clean"


def test_beside_it_in_another_format(here: Path) -> None:
    assert default_output(Path("page.webp"), "png") == Path("page.clean.png")
    assert default_output(Path("book.cbz"), "png") == Path("book-clean")
    assert default_output(Path("scans"), "jpeg") == here / "scans-clean"


@pytest.mark.parametrize(
    ("source", "output", "expected"),
    [
        ("a.png", "b.png", "b.png"),
        ("a.png", "taken", "taken/a.png"),
        ("a.png", "new/", "new/a.png"),
        ("in/a.png", "new/b.png", "new/b.png"),
        ("scans", "taken", "taken"),
        ("scans", "new", "new"),
    ],
)
@pytest.mark.usefixtures("here")
def test_one_input(source: str, output: str, expected: str) -> None:
    (plan,) = plan_clean([Path(source)], output)
    assert plan.output == Path(expected)


@pytest.mark.usefixtures("here")
def test_several_inputs() -> None:
    plans = plan_clean(
        [Path("a.png"), Path("b.cbz"), Path("scans")],
        "out",
        mask=Path("m"),
        patch=Path("p"),
        regions=Path("r"),
    )
    assert [str(plan.output) for plan in plans] == ["out/a.png", "out/b.cbz", "out/scans"]
    assert [str(plan.mask) for plan in plans] == ["m", "m/b", "m/scans"]
    assert [str(plan.patch) for plan in plans] == ["p", "p/b", "p/scans"]
    assert [str(plan.regions) for plan in plans] == ["r", "r", "r"]


@pytest.mark.usefixtures("here")
def test_several_inputs_each_beside_itself() -> None:
    plans = plan_clean([Path("x/a.png"), Path("y/a.png")], None)
    assert [str(plan.output) for plan in plans] == ["x/a.clean.png", "y/a.clean.png"]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("inputs", "output", "beside"),
    [
        (["x/a.png", "y/a.png"], "out", {}),
        (["a.png", "a.png"], None, {}),
        (["a.png", "a.jpg"], "out", {"mask": "m"}),
        (["a.png", "b.png"], "file", {}),
        (["a.png", "b.png"], None, {"mask": "m.png"}),
        (["a.png", "b.png"], None, {"patch": "p.PNG"}),
        (["a.png", "b.png"], None, {"regions": "r.json"}),
    ],
)
def test_names_that_would_meet(
    inputs: list[str], output: str | None, beside: dict[str, str]
) -> None:
    with pytest.raises(OptionsError):
        plan_clean(
            [Path(name) for name in inputs],
            output,
            **{kind: Path(path) for kind, path in beside.items()},
        )


def test_what_detect_writes(here: Path) -> None:
    picture, book, folder = plan_detect([Path("in/a.png"), Path("b.pdf"), Path("scans")], None)
    assert (picture.output, picture.overlay, picture.regions) == (
        None,
        Path("in/a.overlay.png"),
        Path("in"),
    )
    assert book.overlay == Path("b.overlay")
    assert folder.overlay == here / "scans.overlay"
    (placed,) = plan_detect([Path("in/a.png")], "found", regions=Path("r.json"))
    assert placed.overlay == Path("found/a.overlay.png")
    assert placed.regions == Path("r.json")


@pytest.mark.usefixtures("here")
def test_what_detect_cannot_write() -> None:
    with pytest.raises(OptionsError):
        plan_detect([Path("x/a.png"), Path("y/a.png")], "found")
    assert len(plan_detect([Path("x/a.png"), Path("y/a.png")], None)) == 2


@pytest.mark.usefixtures("here")
def test_documents_of_a_folder_keep_their_place_in_it() -> None:
    tree = [
        Input(Path("series"), Path(), Path("series")),
        Input(Path("series/1/a.cbz"), Path("1/a.cbz"), Path("series")),
        Input(Path("series/2/a.cbr"), Path("2/a.cbr"), Path("series")),
    ]
    plans = plan_clean(tree, "out")
    assert [str(plan.output) for plan in plans] == ["out", "out/1/a.cbz", "out/2/a.cbz"]
    assert common_folder(tree, "out") == Path("out")
    beside = plan_clean(tree, None)
    folder = default_output(Path("series"))
    assert [plan.output for plan in beside][1] == folder / "1/a.cbz"
    assert common_folder(tree, None) == folder
    mixed = plan_clean([*tree[1:], Input(Path("b.png"))], "out")
    assert [str(p.output) for p in mixed] == [
        "out/series/1/a.cbz",
        "out/series/2/a.cbz",
        "out/b.png",
    ]
    assert common_folder([Input(Path("b.png"))], "out") is None
