"""The files of a report: which were asked for, and how they get their names."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from textclean.batch import PageViewer
from textclean.errors import FileAccessError, OptionsError, OutputExistsError
from textclean.io.atomic import (
    OutputFile,
    cannot_write,
    is_folder,
    refuse_existing,
    temporary_name,
)
from textclean.report import html
from textclean.report.collect import PICTURES_BYTES, Collector
from textclean.report.data import report_dict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from textclean.errors import TextcleanError

_PAGES: Final = (".html", ".htm")
_PICTURE: Final = re.compile(r"[0-9]{6,}-(thumbnail|before|patch)\.(jpg|webp)")


@dataclass(frozen=True, slots=True)
class Written:
    """A file of a report.

    Attributes:
        path: Its name.
        bytes: Its size.
        folder: The folder beside it that holds its pictures, or None.
        picture_bytes: Bytes of the pictures, wherever they are.
    """

    path: Path
    bytes: int
    folder: Path | None = None
    picture_bytes: int = 0


class ReportFiles:
    """Checks the names of a report at the start of a run and writes it at its end.

    Args:
        paths: Names; ``.html`` is a page to look at, anything else JSON.
        overwrite: Replace what is there already.
        inside: Bytes of pictures up to which they lie in the page itself.
        budget: Bytes that the pictures may take at all.

    Raises:
        OptionsError: A name is given twice.
        FileAccessError: A name is a folder's, or that of the pictures is something else's.
        OutputExistsError: A name is taken and ``overwrite`` is off.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        *,
        overwrite: bool = False,
        inside: int = html.INSIDE_BYTES,
        budget: int = PICTURES_BYTES,
    ) -> None:
        self._paths = tuple(paths)
        self._overwrite = overwrite
        self._inside = inside
        if len({path.resolve() for path in paths}) < len(paths):
            raise OptionsError("two reports have the same name", remedy="Leave one of them out")
        for path in paths:
            refuse_existing(path, overwrite)
            if path.suffix.lower() in _PAGES:
                _refuse_foreign(pictures_folder(path), overwrite)
        first = paths[0]
        hidden = first.with_name(f".{first.name[:80]}.views")
        self.collector = Collector(hidden, first, budget=budget)

    @property
    def viewer(self) -> PageViewer:
        """Makes what the report shows of a page."""
        return PageViewer(pictures=any(path.suffix.lower() in _PAGES for path in self._paths))

    def refuse_inputs(self, inputs: Iterable[Path]) -> None:
        """Refuse to write pictures where they would be read as pages.

        Args:
            inputs: The inputs of the run.

        Raises:
            FileAccessError: A page to look at would lie in an input folder, or replace an input.
        """
        for source in (item.resolve() for item in inputs):
            for path in self._paths:
                if path.resolve() == source:
                    raise FileAccessError(
                        f"the report {path} is the input: the input is never overwritten",
                        remedy="Choose another name",
                    )
                within = source.is_dir() and path.resolve().is_relative_to(source)
                if within and path.suffix.lower() in _PAGES:
                    raise FileAccessError(
                        f"{path} lies in the input folder, where the pictures beside it would be "
                        "read as pages the next time",
                        remedy="Choose a folder outside it",
                    )

    def write(
        self, failures: Mapping[str, TextcleanError], options: Mapping[str, Any]
    ) -> tuple[Written, ...]:
        """Write all files, each whole or not at all.

        Args:
            failures: Inputs of which nothing came out, with the reason.
            options: The options of the run, plain values.

        Raises:
            FileAccessError: A file cannot be written.
        """
        return tuple(self._write(path, failures, options) for path in self._paths)

    def close(self, *, keep: bool = False) -> None:
        """Let go of what was put aside; safe to call twice.

        Args:
            keep: Leave it for a run that goes on from here and writes the same report.
        """
        self.collector.close(keep=keep)

    def _write(
        self, path: Path, failures: Mapping[str, TextcleanError], options: Mapping[str, Any]
    ) -> Written:
        out = OutputFile(path, overwrite=self._overwrite)
        folder: Path | None = None
        size = 0
        try:
            if path.suffix.lower() in _PAGES:
                size = html.picture_bytes(self.collector)
                if size > self._inside:
                    folder = pictures_folder(path)
                name = None if folder is None else folder.name
                html.write_html(out.file, self.collector, failures, options, folder=name)
                self._write_pictures(pictures_folder(path), wanted=folder is not None)
            else:
                told = report_dict(self.collector, failures, options)
                out.file.write(json.dumps(told, indent=2, allow_nan=False).encode() + b"\n")
            written = out.file.tell()
            out.commit()
        except OSError as error:
            out.discard()
            raise cannot_write(path, error) from None
        except BaseException:
            out.discard()
            raise
        return Written(path, written, folder, size)

    def _write_pictures(self, folder: Path, *, wanted: bool) -> None:
        """Write the pictures into a new folder that then takes the place of the last report's."""
        hidden = temporary_name(folder)
        try:
            if wanted:
                hidden.mkdir()
                for name, data in html.pictures(self.collector):
                    (hidden / name).write_bytes(data)
            _remove(folder)
            if wanted:
                hidden.rename(folder)
        except BaseException:
            _remove(hidden)
            raise


def pictures_folder(path: Path) -> Path:
    """``report.html`` -> ``report-files``."""
    return path.with_name(f"{path.stem}-files")


def _refuse_foreign(folder: Path, overwrite: bool) -> None:
    """The folder of a report's pictures may be replaced when it holds nothing else."""
    if not folder.exists():
        return
    if not is_folder(folder) or not all(_PICTURE.fullmatch(item.name) for item in folder.iterdir()):
        raise FileAccessError(
            f"{folder}, where the report's pictures may have to go, is something else",
            remedy="Give the report another name",
        )
    if not overwrite:
        raise OutputExistsError(
            f"{folder} exists already",
            remedy="Choose another name, or ask for it to be overwritten",
        )


def _remove(folder: Path) -> None:
    """Remove a folder of pictures; one that is not there is fine."""
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(folder)
