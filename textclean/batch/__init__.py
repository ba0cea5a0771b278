"""Many pages: the loop over one document, and runs over many that can be gone on with.

:func:`run_job` processes a document in this process and writes it all or nothing.
:func:`run_batch` is for the command line and for archives: worker processes, a journal, resuming;
start reading it in :mod:`textclean.batch.engine`.
"""

from __future__ import annotations

from textclean.batch.engine import BatchResult, crew_of, run_batch
from textclean.batch.inputs import Input, expand
from textclean.batch.job import Job, Watcher
from textclean.batch.pages import PageSelection
from textclean.batch.plan import Batch, Plan, make_plan
from textclean.batch.report import DocumentResult, PageReport, residual_error, run_dict
from textclean.batch.run import resolve_output, run_job, target_of
from textclean.batch.sidecars import SidecarPaths
from textclean.batch.sizes import parse_bytes
from textclean.batch.staging import Staging
from textclean.batch.status import Status, merged, read_status
from textclean.batch.teller import BatchWatcher
from textclean.batch.view import PageView, PageViewer
from textclean.batch.workplace import Shard

__all__ = [
    "Batch",
    "BatchResult",
    "BatchWatcher",
    "DocumentResult",
    "Input",
    "Job",
    "PageReport",
    "PageSelection",
    "PageView",
    "PageViewer",
    "Plan",
    "Shard",
    "SidecarPaths",
    "Staging",
    "Status",
    "Watcher",
    "crew_of",
    "expand",
    "make_plan",
    "merged",
    "parse_bytes",
    "read_status",
    "residual_error",
    "resolve_output",
    "run_batch",
    "run_dict",
    "run_job",
    "target_of",
]
