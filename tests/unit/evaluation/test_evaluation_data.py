"""Ground truth on disk: what belongs together, and what is refused."""

import json

import numpy as np
import pytest
from PIL import Image

from textclean.errors import CorruptInputError, FileAccessError, InputError
from textclean.evaluation.data import is_validation, load_pairs, load_sets, unique_pairs


def save(path, array, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path, **options)


def write_page(folder, name, *, suffix="webp", annotated=False):
    clean = np.full((20, 30, 3), 200, np.uint8)
    lettered = clean.copy()
    lettered[5:9, 5:20] = (10, 20, 30)
    text = np.zeros((20, 30), np.uint8)
    text[5:9, 5:20] = 255
    before, after, mask = (
        ("annotated", "clean", "mask") if annotated else ("lettered", "cleanbubbles", "textmask")
    )
    options = {"lossless": True} if suffix == "webp" else {}
    save(folder / f"{name}_{before}.{suffix}", lettered, **options)
    save(folder / f"{name}_{after}.webp", clean, lossless=True)
    save(folder / f"{name}_{mask}.png", text)
    return lettered, clean, text > 0


@pytest.fixture
def root(tmp_path):
    for name in ("E03P02_en", "E16P02_en", "E17P07_ja", "E06P07_en"):
        write_page(tmp_path / "comics", name)
    write_page(tmp_path / "screentone", "E06P07_en")
    write_page(tmp_path / "manga", "bj_pdf007", suffix="png")
    write_page(tmp_path / "manga", "msdemo-1")
    (tmp_path / "manga" / "bj_pdf007_regions.json").write_text(
        json.dumps({"text_regions": [[0, 0, 9, 9]], "ignore": [[1, 2, 3, 4]], "text_pixels": 60})
    )
    write_page(tmp_path / "documents", "doc2", annotated=True)
    write_page(tmp_path / "documents", "doc10", annotated=True)
    for name in ("doc2", "doc10"):
        classes = np.zeros((20, 30), np.uint8)
        classes[5, 5:9] = 1
        classes[6, 5:9] = 2
        save(tmp_path / "documents" / f"{name}_class.png", classes)
    (tmp_path / "documents" / "list.json").write_text("[]")
    (tmp_path / "art").mkdir()
    return tmp_path


def test_sets_keep_validation_pages_apart(root):
    sets = {s.name: [pair.name for pair in s.pairs] for s in load_sets(root)}
    assert sets == {
        "manga-bj": ["bj_pdf007"],
        "manga-vector": ["msdemo-1"],
        "comics": ["E03P02_en", "E06P07_en", "E16P02_en", "E17P07_ja"],
        "comics-e16-17": ["E16P02_en", "E17P07_ja"],
        "comics-validation": ["E06P07_en", "E16P02_en", "E17P07_ja"],
        "comics-trained": ["E03P02_en"],
        "screentone": ["E06P07_en"],
        "documents": ["doc2", "doc10"],
    }


def test_validation_pages():
    kept = ("E14P01", "E15P09_cn", "E17P08", "E04P07_ja", "E06P06", "E06P07", "E12P04", "E13P02")
    assert all(map(is_validation, kept))
    assert not any(map(is_validation, ("E04P06_ja", "E13P05_en", "E12P05_cn", "E01P01", "doc04")))


def test_pages_of_several_sets_come_once(root):
    pairs = unique_pairs(load_sets(root))
    keys = [pair.key for pair, _ in pairs]
    assert len(keys) == len(set(keys)) == 9
    assert {"comics/E06P07_en", "screentone/E06P07_en"} < set(keys)
    profiles = {pair.group: profile for pair, profile in pairs}
    assert profiles == {
        "manga": "manga",
        "comics": "comic",
        "screentone": "manga",
        "documents": "annotations",
    }


def textless_names(root):
    return [
        [pair.name for pair in group.pairs] for group in load_sets(root) if group.name == "textless"
    ]


def test_ten_textless_pages_are_spread_over_the_validation_episodes(root):
    page = np.zeros((4, 4, 3), np.uint8)
    for episode, pages in (("E13", 4), ("E14", 8), ("E15", 10), ("E16", 8), ("E17", 9)):
        for number in range(pages):
            save(root / "art" / f"{episode}P{number:02d}.png", page)
    (names,) = textless_names(root)
    assert len(names) == len(set(names)) == 10
    assert names == sorted(names)
    assert {name[:3] for name in names} == {"E14", "E15", "E16", "E17"}
    assert not {"E14P07", "E15P00", "E15P09", "E16P07", "E17P08"} & set(names)
    assert (names[0], names[-1]) == ("E14P00", "E17P07")


def test_a_textless_page_is_its_own_truth(root):
    art = np.random.default_rng(1).integers(0, 256, (6, 7, 3), dtype=np.uint8)
    for name in ("E17P01", "E17P08", "E02P01"):
        save(root / "art" / f"{name}.png", art)
    assert textless_names(root) == [["E17P01"]]
    (pair,) = load_sets(root)[-1].pairs
    assert (pair.key, pair.kind) == ("art/E17P01", "textless")
    images = pair.load()
    assert np.array_equal(images.lettered, art)
    assert images.clean is images.lettered
    assert not images.text.any()
    assert images.see_through is None


def test_pixels_ignored_boxes_and_classes(root):
    sets = {s.name: s for s in load_sets(root)}
    pair = sets["manga-bj"].pairs[0]
    assert pair.ignore == ((1, 2, 3, 4),)
    images = pair.load()
    lettered, clean, text = write_page(root / "again", "x")
    assert np.array_equal(images.lettered, lettered)
    assert np.array_equal(images.clean, clean)
    assert np.array_equal(images.text, text)
    assert images.see_through is None
    assert not images.lettered.flags.writeable
    document = sets["documents"].pairs[0]
    assert document.kind == "annotations"
    assert document.load().see_through.sum() == 8
    assert document.is_see_through
    assert not pair.is_see_through


def test_grey_pages_become_rgb(root):
    save(root / "manga" / "bj_pdf007_lettered.png", np.full((20, 30), 9, np.uint8))
    images = load_sets(root)[0].pairs[0].load()
    assert images.lettered.shape == (20, 30, 3)


def test_a_page_without_mask_takes_what_differs(root):
    (root / "manga" / "bj_pdf007_textmask.png").unlink()
    lettered, clean, text = write_page(root / "again", "x")
    lettered[0, 0] = clean[0, 0] - 6
    lettered[0, 1, 2] = clean[0, 1, 2] - 7
    save(root / "manga" / "bj_pdf007_lettered.png", lettered)
    found = load_sets(root)[0].pairs[0].load().text
    assert found.sum() == text.sum() + 1
    assert found[0, 1]


def test_a_page_without_truth_is_refused(root):
    (root / "comics" / "E16P02_en_cleanbubbles.webp").unlink()
    with pytest.raises(InputError, match="no truth E16P02_en_cleanbubbles"):
        load_sets(root)


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"ignore": 3}', '{"ignore": [[1, 2]]}', '{"ignore": [["a"]]}']
)
def test_bad_regions_are_refused(root, content):
    (root / "manga" / "bj_pdf007_regions.json").write_text(content)
    with pytest.raises(CorruptInputError, match="box"):
        load_sets(root)


def test_folders_that_hold_nothing(tmp_path):
    with pytest.raises(FileAccessError, match="no such folder"):
        load_sets(tmp_path / "missing")
    with pytest.raises(InputError, match="no ground truth"):
        load_sets(tmp_path)
    (tmp_path / "comics").mkdir()
    with pytest.raises(InputError) as caught:
        load_sets(tmp_path)
    assert "--pairs" in caught.value.remedy
    (tmp_path / "file").touch()
    with pytest.raises(FileAccessError, match="not a folder"):
        load_sets(tmp_path / "file")


def test_damaged_and_missing_files_and_wrong_sizes(root):
    pair = load_sets(root)[0].pairs[0]
    path = root / "manga" / "bj_pdf007_lettered.png"
    whole = path.read_bytes()
    for damaged in (b"", b"garbage", whole[: len(whole) // 2]):
        path.write_bytes(damaged)
        with pytest.raises(CorruptInputError):
            pair.load()
    path.unlink()
    with pytest.raises(FileAccessError):
        pair.load()
    save(path, np.zeros((21, 30), np.uint8))
    with pytest.raises(CorruptInputError, match=r"30x20 pixels, but its page .* has 30x21"):
        pair.load()


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("img_2", "img_10"):
        clean = rng.integers(0, 200, (16, 16, 3), dtype=np.uint8)
        lettered = clean.copy()
        lettered[4:8, 4:8] += 50
        save(tmp_path / "set" / "all_images" / f"{name}.png", lettered)
        save(tmp_path / "set" / "all_labels" / f"{name}.png", clean)
    return tmp_path / "set"


def test_scut_enstext_layout(folder):
    group = load_pairs(folder)
    assert group.name == "set"
    assert [pair.name for pair in group.pairs] == ["img_2", "img_10"]
    images = group.pairs[0].load()
    assert images.text.sum() == 16
    assert images.text[4:8, 4:8].all()


@pytest.mark.parametrize(("folder_name", "ink"), [("mask", 255), ("mask", 0), ("masks", 0)])
def test_masks_may_be_white_on_black_or_black_on_white(folder, folder_name, ink):
    mask = np.full((16, 16), 255 - ink, np.uint8)
    mask[3:9, 3:9] = ink
    save(folder / folder_name / "img_2.png", mask)
    pairs = load_pairs(folder).pairs
    assert np.array_equal(pairs[0].load().text, mask == ink)
    assert pairs[1].load().text.sum() == 16


def test_jpeg_pairs_need_a_larger_difference(folder):
    for sub, value in (("all_images", 100), ("all_labels", 120)):
        save(folder / sub / "flat.jpg", np.full((16, 16), value, np.uint8), quality=100)
    pair = next(pair for pair in load_pairs(folder).pairs if pair.name == "flat")
    assert not pair.load().text.any()


def test_a_pairs_folder_that_is_incomplete(folder, tmp_path):
    with pytest.raises(FileAccessError):
        load_pairs(tmp_path / "nowhere")
    (folder / "all_labels" / "img_2.png").unlink()
    with pytest.raises(InputError, match="1 pictures have no label, first 'img_2'"):
        load_pairs(folder)
    for path in (folder / "all_images").iterdir():
        path.unlink()
    with pytest.raises(InputError, match="no pictures"):
        load_pairs(folder)
    (folder / "all_images").rmdir()
    with pytest.raises(FileAccessError):
        load_pairs(folder)
