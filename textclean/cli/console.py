"""Messages go to stderr, results to stdout."""

from __future__ import annotations

import copy
import json
import re
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
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
        log_json: All of it as JSON, one object a line; see :mod:`textclean.cli.events`.
    """

    quiet: bool = False
    verbose: bool = False
    log_json: bool = False

    def say(self, text: str) -> None:
        """Tell what happens."""
        if self.quiet:
            return
        if self.log_json:
            tell_event("message", text=text)
        else:
            typer.echo(one_line(text), err=True)

    def detail(self, text: str) -> None:
        """Tell what only the curious want to know; may have several lines."""
        if not self.verbose:
            return
        if self.log_json:
            tell_event("detail", text=text)
        else:
            for line in text.splitlines():
                typer.echo(_CONTROL.sub(" ", _decodable(line)), err=True)

    def warn(self, text: str) -> None:
        """Tell what may surprise."""
        if self.quiet:
            return
        if self.log_json:
            tell_event("warning", text=text)
        else:
            typer.secho(f"warning: {one_line(text)}", err=True, fg="yellow")

    def error(self, problem: str | TextcleanError) -> None:
        """Tell what went wrong; also when only errors are told."""
        tell_error(problem, log_json=self.log_json)

    @property
    def has_events(self) -> bool:
        """Whether what happens is told as events."""
        return self.log_json and not self.quiet

    def event(self, name: str, **values: Any) -> bool:
        """Tell something as an event, if events are told at all; whether they are."""
        if self.has_events:
            tell_event(name, **values)
        return self.has_events

    @property
    def has_bar(self) -> bool:
        """Whether a moving progress bar makes sense."""
        return not self.quiet and not self.verbose and sys.stderr.isatty()


def tell_error(problem: str | TextcleanError, *, log_json: bool = False) -> None:
    """One line on stderr: what is wrong and what helps."""
    if isinstance(problem, TextcleanError) and Path(problem.source or "").name == problem.page:
        # A file that is its own only page is named once.
        problem = copy.copy(problem)
        problem.page = None
    if log_json:
        kind, code = None, None
        if isinstance(problem, TextcleanError):
            kind, code = type(problem).__name__, problem.exit_code
        tell_event("error", text=str(problem), type=kind, exit_code=code)
        return
    typer.secho(f"error: {one_line(str(problem))}", err=True, fg="red")


def tell_event(event: str, **values: Any) -> None:
    """One JSON object on one line of stderr; names that are no text come out escaped.

    Args:
        event: What it is; see :mod:`textclean.cli.events`.
        **values: What is told of it.
    """
    now = datetime.now(UTC).astimezone().isoformat(timespec="milliseconds")
    line = json.dumps({"time": now, "event": event, **values}, allow_nan=False, default=str)
    typer.echo(line, err=True)


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
