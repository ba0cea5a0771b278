"""Makes ``tests/fakes.py`` importable in every test, and offers its parts by name."""

from __future__ import annotations

import pytest
from fakes import FakeDetector, FakeInpainter

from textclean import detect, inpaint


@pytest.fixture
def fake_names(monkeypatch: pytest.MonkeyPatch) -> tuple[FakeDetector, FakeInpainter]:
    """Registers a detector and an inpainter named "fake" for one test; the two."""
    detector, inpainter = FakeDetector(), FakeInpainter()
    monkeypatch.setattr(detect, "_FACTORIES", dict(detect._FACTORIES))
    detect.register_detector("fake", lambda options: detector)
    monkeypatch.setattr(inpaint, "_FACTORIES", dict(inpaint._FACTORIES))
    inpaint.register_inpainter("fake", lambda *, device, offline: inpainter)
    return detector, inpainter
