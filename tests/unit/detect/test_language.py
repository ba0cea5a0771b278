from __future__ import annotations

import pytest

from textclean.detect.language import guess_language, guess_languages, matches


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("どうですか\n田村さん？", "ja"),
        ("オペが必要な", "ja"),
        ("救急車到着です", "ja"),
        ("一", "zh"),
        ("几乎所有物质都会被吸引到", "zh"),
        ("안녕하세요", "ko"),
        ("WHAT ?!!", "und-Latn"),
        ("À bientôt", "und-Latn"),
        ("ＦＵＬＬ", "und-Latn"),
        ("Привет", "und-Cyrl"),
        ("مرحبا", "und-Arab"),
        ("नमस्ते", "und-Deva"),
        ("สวัสดี", "th"),
        ("Γειά", "el"),
        ("試作機B-07", "zh"),
        ("Hello there 田", "und-Latn"),
        ("!!! … 12", None),
        ("", None),
        (None, None),
    ],
)
def test_the_script_tells_the_language_as_far_as_it_can(
    text: str | None, language: str | None
) -> None:
    assert guess_language(text) == language


def test_han_beside_kana_on_the_page_is_japanese() -> None:
    assert guess_languages(["研究室", "これは", "BANG", None]) == ["ja", "ja", "und-Latn", None]
    assert guess_languages(["研究室", "BANG"]) == ["zh", "und-Latn"]


@pytest.mark.parametrize(
    ("language", "wanted", "expected"),
    [
        ("ja", "ja", True),
        ("ja", "JA", True),
        ("zh", "zh-TW", True),
        ("ja", "zh", False),
        ("und-Latn", "en", True),
        ("und-Latn", "pt_BR", True),
        ("und-Latn", "latin", True),
        ("und-Latn", "und-latn", True),
        ("und-Latn", "ru", False),
        ("und-Cyrl", "ru", True),
        ("und-Arab", "fa", True),
        ("ko", "en", False),
        ("en", "en", True),
        ("en", "fr", False),
        (None, "en", False),
    ],
)
def test_a_shared_script_stands_for_each_of_its_languages(
    language: str | None, wanted: str, expected: bool
) -> None:
    assert matches(language, wanted) is expected
