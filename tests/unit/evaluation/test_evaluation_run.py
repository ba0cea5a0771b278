"""One evaluation from folders on disk to figures, with a cleaner and fills of the test's own."""

import io
import json
import math
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from textclean import types
from textclean.errors import (
    CorruptInputError,
    FileAccessError,
    OptionsError,
    PageError,
    UnknownNameError,
)
from textclean.evaluation import workers
from textclean.evaluation.__main__ import main
from textclean.evaluation.baselines import untouched
from textclean.evaluation.figures import REQUIREMENTS, Requirement, check_figures
from textclean.evaluation.html import render, write_html
from textclean.evaluation.report import print_report, write_json
from textclean.evaluation.results import Check, EvalReport, PageScores, SetScores, summarize
from textclean.evaluation.run import evaluate


def write_pair(folder, name, layout=("lettered", "cleanbubbles", "textmask"), ink=0):
    folder.mkdir(parents=True, exist_ok=True)
    clean = np.full((64, 96, 3), 240, np.uint8)
    text = np.zeros((64, 96), np.uint8)
    text[20:30, 10:60] = 255
    lettered = clean.copy()
    lettered[text > 0] = ink
    for suffix, array in zip(layout, (lettered, clean, text), strict=True):
        Image.fromarray(array).save(folder / f"{name}_{suffix}.png")


@pytest.fixture
def root(tmp_path):
    for name in ("E03P02_en", "E16P02_en"):
        write_pair(tmp_path / "comics", name)
    write_pair(tmp_path / "screentone", "E06P07_en")
    write_pair(tmp_path / "documents", "doc1", ("annotated", "clean", "mask"))
    return tmp_path


class ThresholdCleaner:
    """Masks what is black and paints it; fails on pages whose name it is told."""

    def __init__(self, profile, options):
        self.profile, self.options = profile, options

    def clean(self, page):
        if page.name == self.options.get("fail"):
            raise PageError("refused", page=page.name)
        mask = page.rgb.max(axis=2) < 60
        cleaned = page.rgb.copy()
        cleaned[mask] = 240
        return types.PageResult(
            types.Page.from_rgb(cleaned), mask, (), seconds={"detect": 1e-9}, versions={}
        )


def telea(image, mask, see_through=None):
    return cv2.inpaint(image, mask.astype(np.uint8), 5, cv2.INPAINT_TELEA)


def half(image, mask, see_through=None):
    result = image.copy()
    result[mask] = image[mask] // 2 + 120
    return result


def run(root, **options):
    given = {
        "factory": ThresholdCleaner,
        "inpainters": {"untouched": untouched, "telea": telea},
    }
    return evaluate(root, **{**given, **options})


def figures(report, suite, method, figure="region_psnr"):
    return {
        score.set: score.values[figure]
        for score in report.scores
        if (score.suite, score.method) == (suite, method)
    }


def test_every_set_gets_its_figures(root):
    report = run(root)
    cleaned = figures(report, "clean", "textclean")
    assert cleaned == dict.fromkeys(
        ("comics", "comics-e16-17", "comics-trained", "comics-validation", "screentone"), 100.0
    )
    filled = figures(report, "fill", "telea")
    assert set(filled) == {*cleaned, "documents"}
    assert min(filled.values()) > 45
    assert max(figures(report, "fill", "untouched").values()) < 15
    assert len(report.pages) == 3 + 4 * 2  # shared pages are measured once
    assert report.exit_code() == report.exit_code(check=False) == 0


def test_documents_go_end_to_end_when_named(root):
    report = run(root, sets=["documents"], suites=["clean"])
    assert [page.pair for page in report.pages] == ["documents/doc1"]
    assert [score.set for score in report.scores] == ["documents"]


def test_each_profile_gets_its_own_cleaner_and_a_warm_up(root):
    made = []

    class Recording(ThresholdCleaner):
        def __init__(self, profile, options):
            super().__init__(profile, options)
            made.append([profile, dict(options), []])

        def clean(self, page):
            made[-1][2].append(page.name)
            return super().clean(page)

    run(root, suites=["clean"], factory=Recording, options={"device": "cpu"})
    assert made == [
        ["comic", {"device": "cpu"}, ["", "E03P02_en", "E16P02_en"]],
        ["manga", {"device": "cpu"}, ["", "E06P07_en"]],
    ]


def test_limit_takes_the_first_pages_and_checks_nothing(root):
    report = run(root, sets=["comics"], suites=["clean"], limit=1)
    assert [page.pair for page in report.pages] == ["comics/E03P02_en"]
    assert report.checks == ()


def test_a_failing_page_does_not_stop_the_others(root):
    report = run(root, options={"fail": "E16P02_en"}, suites=["clean"])
    assert [page.pair for page in report.failed_pages] == ["comics/E16P02_en"]
    comics = next(score for score in report.scores if score.set == "comics")
    assert (comics.pages, comics.failed) == (1, 1)
    assert report.exit_code() == 4
    alone = next(score for score in report.scores if score.set == "comics-e16-17")
    assert alone.pages == 0
    assert alone.values == {"residual": 0.0}


def test_a_damaged_page_fails_in_every_suite(root):
    (root / "screentone" / "E06P07_en_lettered.png").write_bytes(b"no")
    report = run(root, sets=["screentone"])
    assert [(page.suite, page.method) for page in report.failed_pages] == [
        ("clean", "textclean"),
        ("fill", "untouched"),
        ("fill", "telea"),
    ]


def test_a_pool_gives_the_same_figures(root):
    inpainters = {"telea": telea, "half": half}
    one = run(root, inpainters=inpainters, views=1)
    two = run(root, inpainters=inpainters, views=1, jobs=2)
    for a, b in zip(one.pages, two.pages, strict=True):
        assert (a.pair, a.suite, a.method, a.views) == (b.pair, b.suite, b.method, b.views)
        for name in set(a.values) - {"seconds", "peak_mb", "overhead"}:
            assert a.values[name] == b.values[name] or math.isnan(a.values[name]), name


def test_progress_is_told_page_by_page(root):
    told = []
    run(root, suites=["clean"], progress=lambda *step: told.append(step))
    assert told == [(1, 3, "comics/E03P02_en"), (2, 3, "comics/E16P02_en"), (3, 3, told[2][2])]


def test_pairs_folders_are_sets_of_their_own(root, tmp_path):
    folder = tmp_path / "mine"
    write_pair(folder, "x", ("a", "b", "c"))
    for source, target in (("x_a", "all_images/1"), ("x_b", "all_labels/1")):
        (folder / target).parent.mkdir()
        (folder / f"{source}.png").rename(folder / f"{target}.png")
    report = run(None, pairs=[folder])
    assert {score.set for score in report.scores} == {"mine"}
    assert figures(report, "clean", "textclean", "mse") == {"mine": 0.0}
    with pytest.raises(OptionsError, match="two sets are called 'mine'"):
        run(None, pairs=[folder, folder])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        ({"suites": ["clean", "dirty"]}, OptionsError, "no suite 'dirty'"),
        ({"limit": 0}, OptionsError, "limit is 0"),
        ({"jobs": 0}, OptionsError, "jobs is 0"),
        ({"sets": ["comics", "nope"]}, UnknownNameError, "no set 'nope'"),
    ],
)
def test_wrong_calls_are_refused_before_any_work(root, call, error, message):
    with pytest.raises(error, match=message) as caught:
        run(root, **call)
    assert caught.value.remedy


def test_nothing_to_measure():
    with pytest.raises(OptionsError, match="nothing to measure"):
        evaluate()


def test_missing_baselines_are_left_out_but_those_asked_for_are_not(root, monkeypatch):
    def load(name, options):
        if name == "fsr":
            raise UnknownNameError("no fsr here", remedy="Install it")
        return {"untouched": untouched}.get(name, half)

    monkeypatch.setattr(workers, "load_fill", load)
    monkeypatch.setattr("textclean.evaluation.run.load_fill", load)
    report = run(root, sets=["screentone"], suites=["fill"], inpainters=None)
    methods = [page.method for page in report.pages]
    assert methods == ["untouched", "flat", "telea", "ns", "projection", "auto"]
    assert report.skipped == {"fsr": "no fsr here. Install it"}
    with pytest.raises(UnknownNameError, match="no fsr"):
        run(root, suites=["fill"], inpainters=["untouched", "fsr"])


def test_paths_of_weights_are_shown_by_their_file_name(root, monkeypatch):
    monkeypatch.setattr("textclean.evaluation.run.load_fill", lambda *_: half)
    monkeypatch.setattr(workers, "load_fill", lambda *_: half)
    names = ["a/net.safetensors", "b/net.safetensors", "auto"]
    report = run(root, sets=["screentone"], suites=["fill"], inpainters=names)
    assert [page.method for page in report.pages] == [
        "net.safetensors",
        "b/net.safetensors",
        "auto",
    ]


def scored(set_, suite="fill", method="auto", **values):
    return SetScores(set_, suite, method, 3, 0, values)


def test_required_figures_are_compared_both_ways():
    needs = (
        Requirement("clean", "comics", "textclean", "mask_recall", 0.9),
        Requirement("clean", "comics", "textclean", "over_erased", 0.005, at_least=False),
        Requirement("fill", "screentone", "auto", "region_psnr", 21, 25),
        Requirement("fill", "screentone", "auto", "region_psnr", 1, over="projection"),
        Requirement("fill", "documents", "auto", "region_psnr", 25, 30),
    )
    scores = (
        scored("comics", "clean", "textclean", mask_recall=0.9, over_erased=0.006),
        scored("screentone", region_psnr=22.0),
        scored("screentone", method="projection", region_psnr=21.5),
    )
    recall, erased, tone, gain = check_figures(scores, needs)
    assert recall.passed
    assert not erased.passed
    assert tone.passed
    assert not tone.reached_aim
    assert gain.must == 22.5
    assert not gain.passed
    assert (gain.value, gain.reached_aim) == (22.0, False)


def test_a_missing_figure_fails_its_check():
    (check,) = check_figures(
        (scored("screentone", page_psnr=3.0),),
        (Requirement("fill", "screentone", "auto", "region_psnr", 21),),
    )
    assert math.isnan(check.value)
    assert not check.passed


def test_the_table_of_required_figures_names_known_sets_and_columns():
    from textclean.evaluation.columns import BY_FIGURE
    from textclean.evaluation.data import SET_NAMES

    for need in REQUIREMENTS:
        assert need.set in SET_NAMES
        assert need.figure in BY_FIGURE
        assert need.suite in ("clean", "fill")


def test_means_leave_unknown_values_out_and_counts_take_the_worst_page(root):
    from textclean.evaluation.data import load_sets

    comics = [group for group in load_sets(root) if group.name == "comics"]
    pages = [
        PageScores(
            pair.key,
            "clean",
            "textclean",
            {
                "region_psnr": 20.0 + 10 * index,
                "tone_distance": (math.nan, 4.0)[index],
                "changed_outside": index,
                "mask_recall": 0.8 + 0.1 * index,
            },
            confidences=((index, index * 2.0), (index + 5, index + 9.0)),
            residual=2,
        )
        for index, pair in enumerate(comics[0].pairs)
    ]
    (score,) = summarize(comics, pages)
    assert score.values["region_psnr"] == 25.0
    assert score.values["tone_distance"] == 4.0
    assert score.values["changed_outside"] == 1
    assert score.values["mask_recall_min"] == pytest.approx(0.8)
    assert score.values["confidence_rank"] == pytest.approx(1.0)
    assert score.values["residual"] == 4


def shown(report, width=160):
    screen = io.StringIO()
    print_report(Console(width=width, file=screen), report)
    return screen.getvalue()


def test_the_terminal_shows_figures_checks_failures_and_what_was_left_out(root):
    report = run(root, options={"fail": "E16P02_en"})
    check = Check("screentone", "fill", "auto", "region_psnr", 20.0, 21.0, 25.0, True)
    report = EvalReport(
        report.sets, report.pages, report.scores, (check,), {"fsr": "not installed"},
        features_distance=1.5,
    )  # fmt: skip
    text = shown(report)
    assert "End to end, means over pages" in text
    assert "True hole, means over pages" in text
    assert "comics-validation" in text
    assert "✗" in text
    assert "20.00" in text
    assert "≥ 21" in text
    assert "left out: fsr (not installed)" in text
    assert "failed: comics/E16P02_en, textclean: E16P02_en: refused" in text
    assert "FID (own features): 1.500" in text
    assert "Scene-text removal" not in text


@pytest.mark.parametrize("width", [80, 120, 200])
def test_no_figure_is_cut_off_on_a_narrow_terminal(root, width):
    text = shown(run(root), width)
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width
    tables = text.count("End to end, means over pages")
    assert tables == 1 if width == 200 else tables >= 1
    for column in ("recall", "SSIM", "seam", "s/page", "MB"):
        assert column in text, column


def test_json_has_every_figure_and_no_nan(root, tmp_path):
    report = run(root)
    path = tmp_path / "out.json"
    write_json(report, path)
    content = json.loads(path.read_text(encoding="utf-8"))
    assert {row["set"] for row in content["scores"]} >= {"comics", "documents"}
    page = content["pages"][0]
    assert page["figures"]["tone_distance"] is None
    assert page["figures"]["region_psnr"] == 100.0
    assert {check["figure"] for check in content["checks"]} >= {"mask_recall", "over_erased"}
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    with pytest.raises(FileAccessError):
        write_json(report, tmp_path / "nowhere" / "out.json")


def test_html_stands_alone_and_escapes_what_it_shows(root, tmp_path):
    report = run(root, inpainters={"<half>": half, "telea": telea}, views=2)
    path = tmp_path / "out.html"
    write_html(report, path)
    text = path.read_text(encoding="utf-8")
    assert text == render(report)
    assert "&lt;half&gt;" in text
    assert "<half>" not in text
    assert text.count("data:image/webp;base64,") == 4 * 4  # four pages, one region each
    assert "http" not in text
    assert "Required figures" in text
    reader = TagReader()
    reader.feed(text)
    assert reader.open == []


class TagReader(HTMLParser):
    """Keeps the tags that are open; a closing tag must close the last one."""

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_plain_entry(root, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(
        "textclean.evaluation.__main__.evaluate",
        lambda data, **given: run(data, suites=["clean"], progress=given["progress"]),
    )
    out = tmp_path / "x.json"
    assert main(["--data", str(root), "--json", str(out), "--html", str(tmp_path / "x.html")]) == 0
    printed = capsys.readouterr()
    assert "means over pages" in printed.out
    assert "1/3 comics/E03P02_en" in printed.err
    assert json.loads(out.read_text())["scores"]
    assert (tmp_path / "x.html").stat().st_size > 1000
    assert main(["--data", str(root), "--check", "-q"]) == 0


def test_the_plain_entry_tells_errors_in_one_line(tmp_path, capsys):
    assert main(["--data", str(tmp_path / "missing")]) == FileAccessError.exit_code
    message = capsys.readouterr().err.replace("\n", " ")
    assert "no such folder" in message
    assert "Traceback" not in message
    assert main([]) == 1


def test_a_bad_features_file_is_refused(root, tmp_path):
    path = tmp_path / "f.npz"
    path.write_bytes(b"PK")
    with pytest.raises(CorruptInputError):
        run(root, suites=["clean"], features=path, sets=["screentone"])


def test_a_missed_figure_sets_the_exit_code_only_when_asked():
    check = Check("comics", "clean", "textclean", "mask_recall", 0.5, 0.9, None, True)
    report = EvalReport((), (), (), (check,))
    assert report.exit_code() == 0
    assert report.exit_code(check=True) == 1
    assert report.missed == (check,)
