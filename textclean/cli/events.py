"""``--log-json``: what happens, one JSON object a line, on stderr.

Each object has ``time`` (ISO 8601 with the zone) and ``event``:

``document_opened``
    ``source``, ``pages`` (to process), ``document`` (its number), ``documents`` (of how many).
``document_resumed``
    ``source``, ``pages`` (that an earlier run did).
``page_started``
    ``page`` (name), ``number``.
``page_finished``
    The page as in ``--report report.json``, and ``progress``: ``done``, ``failed``, ``left``,
    ``pages_per_second``, ``seconds_left``, ``memory``. Failed pages have ``status`` "failed".
``document_finished``
    ``source``, ``output``, ``seconds``, ``counts``.
``report_written``
    ``path``, ``bytes``, ``pictures`` (the folder, or null), ``picture_bytes``.
``run_finished``
    ``counts`` over all documents, ``failed_documents``.
``message``, ``detail``, ``warning``
    ``text``.
``error``
    ``text``, ``type``, ``exit_code``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from textclean.batch import BatchWatcher
from textclean.cli.console import tell_event

if TYPE_CHECKING:
    from textclean.batch import PageReport
    from textclean.cli.tally import Tally
    from textclean.types import PageResult


class Events(BatchWatcher):
    """Tells every page as events."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally

    def opened(self, source: str, pages: int) -> None:
        """A document was opened."""
        self._tally.open(pages)
        tell_event(
            "document_opened",
            source=source,
            pages=pages,
            document=self._tally.document,
            documents=self._tally.documents,
        )

    def resumed(self, source: str, pages: int) -> None:
        """Pages were done by an earlier run."""
        self._tally.pass_over(pages)
        tell_event("document_resumed", source=source, pages=pages)

    def started(self, name: str, number: int) -> None:
        """A page is about to be read."""
        tell_event("page_started", page=name, number=number)

    def finished(self, report: PageReport, result: PageResult | None) -> None:
        """A page is done."""
        self._tally.add(report)
        tell_event("page_finished", **report.as_dict(), progress=self._tally.as_dict())
