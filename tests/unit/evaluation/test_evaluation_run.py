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
from textclean.detect.lines import box_line
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
from textclean.evaluation.results import (
    SUITES,
    Check,
    EvalReport,
    PageScores,
    SetScores,
    summarize,
)
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


class WidthReader:
    """Finds one line and reads how many pixels in its row are dark."""

    read_pages = 0

    def find(self, image):
        return [box_line(5, 15, 90, 35)]

    def read(self, image, lines):
        type(self).read_pages += 1
        return [(str(np.count_nonzero(image[25].max(axis=1) < 100)), 1.0) for _ in lines]


def telea(image, mask, see_through=None):
    return cv2.inpaint(image, mask.astype(np.uint8), 5, cv2.INPAINT_TELEA)


def half(image, mask, see_through=None):
    result = image.copy()
    result[mask] = image[mask] // 2 + 120
    return result


def run(root, **options):
    given = {
        "factory": ThresholdCleaner,
        "reader": WidthReader,
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
        (
            "comics", "comics-e16-17", "comics-trained", "comics-validation", "screentone",
            "documents",
        ), 100.0,
    )  # fmt: skip
    filled = figures(report, "fill", "telea")
    assert set(filled) == set(cleaned)
    assert min(filled.values()) > 45
    assert max(figures(report, "fill", "untouched").values()) < 15
    assert len(report.pages) == 4 * 3  # shared pages are measured once
    assert report.exit_code() == report.exit_code(check=False) == 0


@pytest.mark.parametrize(
    ("ocr", "suites"), [(None, {"clean"}), (True, {"clean", "fill"}), (False, set())]
)
def test_print_is_read_where_it_is_wanted(root, monkeypatch, ocr, suites):
    monkeypatch.setattr(WidthReader, "read_pages", 0)
    report = run(root, ocr=ocr)
    read = {s.suite: s for s in report.scores if "ocr_agreement" in s.values}
    assert set(read) == suites
    assert {score.set for score in read.values()} <= {"documents"}
    for score in read.values():
        assert score.values["ocr_annotated"] == 0.0  # "0" on the truth, "50" under the ink
        assert score.values["ocr_agreement"] == (1.0 if score.method != "untouched" else 0.0)
    # The truth and the page as it came once, then each result.
    assert WidthReader.read_pages == {None: 3, True: 5, False: 0}[ocr]


def test_a_reader_that_fails_fails_its_page(root):
    class Failing(WidthReader):
        def find(self, image):
            raise PageError("no weights")

    report = run(root, sets=["documents"], reader=Failing)
    assert {page.error for page in report.failed_pages} == {"no weights"}
    assert len(report.failed_pages) == 3


def write_art(root, *names):
    (root / "art").mkdir()
    for name in names:
        art = np.full((50, 40, 3), 200, np.uint8)
        art[:2, :5] = 0
        Image.fromarray(art).save(root / "art" / f"{name}.png")


def test_the_textless_suite_has_its_own_set_and_default_sound_effects(root):
    write_art(root, "E14P01", "E15P02", "E01P01")
    made = []

    def factory(profile, options):
        made.append((profile, dict(options)))
        return ThresholdCleaner(profile, options)

    options = {"sfx": "remove", "device": "cpu"}
    report = run(root, suites=["textless"], factory=factory, options=options)
    assert made == [("comic", {"device": "cpu"})]
    assert [page.pair for page in report.pages] == ["art/E14P01", "art/E15P02"]
    (score,) = report.scores
    assert (score.set, score.suite) == ("textless", "textless")
    assert score.values["masked"] == score.values["masked_max"] == pytest.approx(0.005)
    (check,) = report.checks
    assert (check.figure, check.must, check.passed) == ("masked_max", 0.001, False)
    assert report.notes == ()
    assert "Pages without text" in shown(report)
    made.clear()
    both = run(root, suites=["clean", "textless"], factory=factory, options=options)
    assert [profile for profile, _ in made] == ["comic", "comic", "manga", "annotations"]
    assert [("sfx" in given) for _, given in made] == [True, False, True, True]
    assert {page.suite for page in both.pages if page.pair.startswith("art/")} == {"textless"}
    assert len(both.pages) == 6


def test_the_worst_page_without_text_counts(root):
    from textclean.evaluation.data import load_sets

    write_art(root, "E14P01", "E15P02")
    group = load_sets(root)[-1]
    pages = [
        PageScores(pair.key, "textless", "textclean", {"masked": share})
        for pair, share in zip(group.pairs, (0.0, 0.004), strict=True)
    ]
    (score,) = summarize([group], pages)
    assert score.values["masked"] == pytest.approx(0.002)
    assert score.values["masked_max"] == 0.004


def test_a_suite_without_any_set_is_refused(root):
    with pytest.raises(OptionsError, match="none of the sets goes through textless"):
        run(root, suites=["textless"])
    write_art(root, "E14P01")
    with pytest.raises(OptionsError, match="goes through clean or fill"):
        run(root, sets=["textless"])


def test_notes_tell_what_the_figures_stand_on(root):
    assert run(root, suites=["fill"]).notes == ()
    Image.fromarray(np.ones((64, 96), np.uint8)).save(root / "documents" / "doc1_class.png")
    (note,) = run(root, suites=["fill"]).notes
    assert "documents, true hole: all of the hole is see-through" in note
    (note,) = run(root, suites=["clean"]).notes
    assert "--sfx remove" in note
    report = run(root, options={"sfx": "remove"})
    assert len(report.notes) == 1
    assert "see-through" in " ".join(shown(report).split())
    assert "see-through" in render(report)
    assert report.as_dict()["notes"] == list(report.notes)
    assert run(root, suites=["clean"], limit=1).notes == ()


def test_the_rank_correlation_is_told_for_each_set(root):
    corners = np.array([[10, 20], [60, 20], [60, 30], [10, 30]], np.float32)

    class Sure(ThresholdCleaner):
        def clean(self, page):
            result = super().clean(page)
            regions = tuple(types.Region(polygon=corners, confidence=c) for c in (1.0, 2.0))
            return types.PageResult(result.page, result.mask, regions)

    report = run(root, suites=["clean"], factory=Sure)
    known = {score.set: score.values["confidence_rank"] for score in report.scores}
    assert set(known) >= {"comics", "screentone", "documents"}
    assert "rank" in shown(report)


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
        ["annotations", {"device": "cpu"}, ["", "doc1"]],
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
    names = ("comics/E03P02_en", "comics/E16P02_en", "screentone/E06P07_en", "documents/doc1")
    assert told == [(done, 4, name) for done, name in enumerate(names, 1)]


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
        assert need.suite in SUITES


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
    asked = {}
    monkeypatch.setattr(
        "textclean.evaluation.__main__.evaluate",
        lambda data, **given: (
            asked.update(given)
            or run(data, suites=["clean"], progress=given["progress"], views=given["views"])
        ),
    )
    out = tmp_path / "x.json"
    assert main(["--data", str(root), "--json", str(out), "--html", str(tmp_path / "x.html")]) == 0
    assert asked["options"] == {"device": None, "inpainter": None, "detector": None}
    assert (asked["ocr"], asked["views"], asked["suites"]) == (None, 3, ("clean", "fill"))
    printed = capsys.readouterr()
    assert "means over pages" in printed.out
    assert "1/4 comics/E03P02_en" in printed.err
    assert json.loads(out.read_text())["scores"]
    assert (tmp_path / "x.html").stat().st_size > 1000
    sheets = tmp_path / "sheets"
    given = ["--sfx", "remove", "--no-ocr", "--suites", "clean,textless", "--sheets", str(sheets)]
    assert main(["--data", str(root), "-q", *given]) == 0
    assert asked["options"]["sfx"] == "remove"
    assert (asked["ocr"], asked["views"]) == (False, 10)
    assert asked["suites"] == ("clean", "textless")
    assert sheets.is_dir()


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
