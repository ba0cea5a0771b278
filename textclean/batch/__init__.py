"""Many pages: the loop over a document, failures kept apart."""

from __future__ import annotations

from textclean.batch.pages import PageSelection
from textclean.batch.report import DocumentResult, PageReport, residual_error, run_dict
from textclean.batch.run import Job, Watcher, resolve_output, run_job, target_of
from textclean.batch.sidecars import SidecarPaths
from textclean.batch.staging import Staging
from textclean.batch.view import PageView, PageViewer

__all__ = [
    "DocumentResult",
    "Job",
    "PageReport",
    "PageSelection",
    "PageView",
    "PageViewer",
    "SidecarPaths",
    "Staging",
    "Watcher",
    "residual_error",
    "resolve_output",
    "run_dict",
    "run_job",
    "target_of",
]
