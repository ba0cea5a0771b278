"""``textclean.__all__`` is complete, sorted, and what type checkers see."""

from __future__ import annotations

import ast
import inspect
from importlib import import_module
from pathlib import Path

import pytest

import textclean
from textclean import errors

SOURCE = Path(textclean.__file__)


def test_every_name_is_there() -> None:
    for name in textclean.__all__:
        assert getattr(textclean, name) is not None, name


def test_the_names_are_sorted_and_unique() -> None:
    names = textclean.__all__

    def key(name: str) -> tuple[int, str]:
        kind = 0 if name.isupper() else 1 if name[0].isupper() else 2
        return kind, name

    assert names == sorted(set(names), key=key)


def test_type_checkers_see_the_same_names() -> None:
    """The imports under TYPE_CHECKING, the lazy table and __all__ agree."""
    tree = ast.parse(SOURCE.read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.name: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == textclean._HOME_OF
    assert {*seen, "__version__"} == set(textclean.__all__)


def test_every_public_name_of_the_one_shot_modules_is_public() -> None:
    """Nothing that users are told to call, catch or annotate with is forgotten."""
    raised = {
        name
        for name, value in vars(errors).items()
        if inspect.isclass(value) and issubclass(value, errors.TextcleanError)
    }
    registries = {
        name
        for room in ("detect", "inpaint")
        for name in import_module(f"textclean.{room}").__all__
        if name.startswith(("list_", "load_", "register_"))
    }
    assert raised | registries <= set(textclean.__all__)


def test_dir_offers_the_public_names() -> None:
    assert set(textclean.__all__) <= set(dir(textclean))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'clean_everything'"):
        textclean.clean_everything  # noqa: B018


def test_names_are_fetched_once() -> None:
    first = textclean.Region
    assert vars(textclean)["Region"] is first
