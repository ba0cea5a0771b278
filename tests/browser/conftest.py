"""One browser for all tests of this folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from chromium import Browser

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with Browser() as browser:
        yield browser


@pytest.fixture
def browser(chromium: Browser) -> Iterator[Browser]:
    """The browser, for a test in which the page must not complain."""
    chromium.problems.clear()
    chromium.requests.clear()
    yield chromium
    assert chromium.problems == []
    assert [url for url in chromium.requests if not url.startswith("file:")] == []
