"""What came of a run, to look at in a browser and as data."""

from __future__ import annotations

from textclean.report.data import page_warnings
from textclean.report.files import ReportFiles, Written

__all__ = ["ReportFiles", "Written", "page_warnings"]
