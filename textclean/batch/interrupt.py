"""Ctrl-C and a polite request to end (SIGTERM), while a run goes on."""

from __future__ import annotations

import signal
import threading
import time
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from types import FrameType, TracebackType


class Interrupt:
    """Whether the run is to stop; in a ``with`` block it listens to signals.

    Args:
        at_once: Whether a signal raises :class:`KeyboardInterrupt` where the program is, as Python
            does by itself for Ctrl-C. Without, it is noted, and a second one raises.
    """

    def __init__(self, *, at_once: bool) -> None:
        self._at_once = at_once
        self._since: float | None = None
        self._before: dict[int, Any] = {}

    @property
    def wanted(self) -> bool:
        """Whether the run is to stop."""
        return self._since is not None

    @property
    def seconds(self) -> float:
        """For how long it has been wanted."""
        return 0.0 if self._since is None else time.monotonic() - self._since

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                before = signal.getsignal(number)
                # Who started the program in the background may want it to ignore Ctrl-C.
                if before is not signal.SIG_IGN:
                    self._before[number] = before
                    signal.signal(number, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)
        self._before.clear()

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._at_once or self._since is not None:
            raise KeyboardInterrupt
        self._since = time.monotonic()
