"""The command line: the only place that prints, exits and maps errors to exit codes."""

from __future__ import annotations

from textclean.cli.app import app, main

__all__ = ["app", "main"]
