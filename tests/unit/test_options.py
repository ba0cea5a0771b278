from __future__ import annotations

import pickle

import pytest

from textclean import errors
from textclean.options import PROFILES, Options, change_options, make_options


@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_every_profile_makes_options(profile):
    assert make_options(profile).profile == profile


def test_none_means_as_in_the_profile():
    assert make_options("comic", reading_order=None).reading_order == "ltr"
    assert make_options("comic", reading_order="rtl").reading_order == "rtl"


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"mask": "blobs"}, "mask"),
        ({"min_score": 1.5}, "min_score"),
        ({"dilate": -1}, "dilate"),
        ({"verify": 9}, "verify"),
        ({"only": ("sfx",), "except_": ("sign",)}, "exclude"),
        ({"detector": "regions"}, "regions"),
        ({"keep_text": "("}, "regular expression"),
        ({"pdf_dpi": 1}, "pdf_dpi"),
        ({"reading_order": "up"}, "reading_order"),
    ],
)
def test_what_cannot_be_is_refused_with_a_remedy(changes, word):
    with pytest.raises(errors.OptionsError, match=word) as caught:
        make_options(**changes)
    assert caught.value.remedy


def test_unknown_names_are_refused():
    with pytest.raises(errors.UnknownNameError, match="profile 'x'"):
        make_options("x")
    with pytest.raises(errors.UnknownNameError, match="no option 'colour'"):
        make_options(colour=1)


def test_changes_are_checked_again():
    with pytest.raises(errors.OptionsError):
        change_options(Options(), verify=7)


def test_as_dict_holds_plain_values():
    values = make_options(only=("sfx", "sign")).as_dict()
    assert values["only"] == ["sfx", "sign"]
    assert values["profile"] == "manga"


def _tree(kind):
    return [kind, *(leaf for child in kind.__subclasses__() for leaf in _tree(child))]


def test_the_drawn_tree_of_errors_is_the_real_one():
    for kind in _tree(errors.TextcleanError):
        assert f"{kind.__name__}" in errors.__doc__
        assert kind.exit_code in range(1, 7)


def test_an_error_reads_as_place_cause_and_remedy_and_survives_pickling():
    error = errors.CorruptInputError("the file is empty", remedy="Scan it again").at(
        source="a.cbz", page="003.png"
    )
    assert str(error) == "a.cbz, 003.png: the file is empty. Scan it again"
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again)) == (type(error), str(error))


def test_at_keeps_what_is_known_already():
    error = errors.PageError("broken", source="first").at(source="second", page="7")
    assert (error.source, error.page) == ("first", "7")


def test_a_file_that_is_one_page_is_named_once():
    error = errors.PageError("it is cut off").at(source="a.jp2", page="a.jp2")
    assert str(error) == "a.jp2: it is cut off"


def test_sound_effects_stay_in_comics_and_go_from_lists_made_by_hand() -> None:
    assert make_options("manga").sfx == make_options("comic").sfx == "keep"
    assert make_options("document").sfx == "remove"
    assert make_options("manga", detector="regions", regions="r.json").sfx == "remove"
    assert make_options("manga", detector="regions", regions="r.json", sfx="keep").sfx == "keep"
