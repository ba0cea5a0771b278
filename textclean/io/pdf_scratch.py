"""New streams kept on disk until the PDF is put together.

QPDF holds every stream that it is handed in memory until it writes the file. A stream that comes
from another PDF stays where it is until then: so what is new is put into a PDF of its own, in a
file without a name, and referred to from there.
"""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, BinaryIO, cast

import pikepdf

if TYPE_CHECKING:
    from pathlib import Path


class Scratch:
    """A PDF of bare streams, for writing first and then for reading."""

    def __init__(self, folder: Path) -> None:
        """Open the file in ``folder``, where the output will need the room anyway."""
        self._file = cast("BinaryIO", tempfile.TemporaryFile(dir=folder))  # noqa: SIM115
        self._places: list[int] = []
        self._pdf: pikepdf.Pdf | None = None
        self._file.write(b"%PDF-1.7\n")

    def add(self, data: bytes) -> int:
        """Keep the bytes of a stream; the number that :meth:`stream` takes."""
        if self._pdf is not None:
            raise ValueError("the scratch file is being read already")
        number = len(self._places) + 1
        self._places.append(self._file.tell())
        self._file.write(b"%d 0 obj\n<</Length %d>>\nstream\n" % (number, len(data)))
        self._file.write(data)
        self._file.write(b"\nendstream\nendobj\n")
        return number

    def stream(self, pdf: pikepdf.Pdf, number: int) -> pikepdf.Stream:
        """A stream of ``pdf`` with the bytes that were kept, and nothing in its dictionary."""
        if self._pdf is None:
            self._pdf = self._finished()
        copied = pdf.copy_foreign(self._pdf.get_object(number, 0))
        return cast("pikepdf.Stream", copied)

    def close(self) -> None:
        """Let go of the file; safe to call twice."""
        if self._pdf is not None:
            self._pdf.close()
        self._file.close()

    def _finished(self) -> pikepdf.Pdf:
        root = len(self._places) + 1
        self._places += [self._file.tell()]
        self._file.write(b"%d 0 obj\n<</Type/Catalog/Pages %d 0 R>>\nendobj\n" % (root, root + 1))
        self._places += [self._file.tell()]
        self._file.write(b"%d 0 obj\n<</Type/Pages/Count 0/Kids[]>>\nendobj\n" % (root + 1))
        table = self._file.tell()
        size = len(self._places) + 1
        self._file.write(b"xref\n0 %d\n0000000000 65535 f \n" % size)
        self._file.write(b"".join(b"%010d 00000 n \n" % place for place in self._places))
        self._file.write(
            b"trailer\n<</Size %d/Root %d 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (size, root, table)
        )
        self._file.flush()
        self._file.seek(0)
        return pikepdf.open(self._file, attempt_recovery=False)
