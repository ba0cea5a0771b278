"""Messages go to stderr, results to stdout."""

from __future__ import annotations

import copy
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from textclean.errors import TextcleanError

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


@dataclass(frozen=True, slots=True)
class Console:
    """Where a command talks to its user.

    Attributes:
        quiet: Only errors are told.
        verbose: Every decision is told.
    """

    quiet: bool = False
    verbose: bool = False

    def say(self, text: str) -> None:
        """Tell what happens."""
        if not self.quiet:
            typer.echo(one_line(text), err=True)

    def detail(self, text: str) -> None:
        """Tell what only the curious want to know; may have several lines."""
        if self.verbose:
            for line in text.splitlines():
                typer.echo(_CONTROL.sub(" ", _decodable(line)), err=True)

    def warn(self, text: str) -> None:
        """Tell what may surprise."""
        if not self.quiet:
            typer.secho(f"warning: {one_line(text)}", err=True, fg="yellow")

    def error(self, problem: str | TextcleanError) -> None:
        """Tell what went wrong; also when only errors are told."""
        tell_error(problem)

    @property
    def has_bar(self) -> bool:
        """Whether a moving progress bar makes sense."""
        return not self.quiet and not self.verbose and sys.stderr.isatty()


def tell_error(problem: str | TextcleanError) -> None:
    """One line on stderr: what is wrong and what helps."""
    if isinstance(problem, TextcleanError) and Path(problem.source or "").name == problem.page:
        # A file that is its own only page is named once.
        problem = copy.copy(problem)
        problem.page = None
    typer.secho(f"error: {one_line(str(problem))}", err=True, fg="red")


def put(text: str) -> None:
    """Print a result."""
    typer.echo(text)


def put_json(value: Any) -> None:
    """Print a result as JSON; names that are not UTF-8 come out escaped."""
    put(json.dumps(value, indent=2, allow_nan=False, default=str))


def one_line(text: str) -> str:
    """Text from files on one line, without what a terminal would obey."""
    return _CONTROL.sub(" ", _decodable(text)).strip()


def plural(count: int, noun: str) -> str:
    """``1 page``, ``2 pages``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _decodable(text: str) -> str:
    """File names may hold bytes that are no text."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
