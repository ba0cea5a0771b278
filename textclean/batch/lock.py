"""One run at a time for one output: a lock that the system lets go of when its holder dies."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from typing import TYPE_CHECKING, Final

from textclean.errors import FileAccessError
from textclean.io.atomic import cannot_write

if TYPE_CHECKING:
    from pathlib import Path

_WAYS: Final = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)


class Lock:
    """A file that is locked while a run writes to an output.

    The lock belongs to the process and not to the file: a file that a killed run left behind
    blocks nobody, whatever stands in it.

    Args:
        path: The file; removed by :meth:`release`.
        output: What it guards, for the message.
        shared: Whether others may hold it, too, if they ask for the same.

    Raises:
        FileAccessError: Another run holds it, or the folder cannot be written.
    """

    def __init__(self, path: Path, output: Path, *, shared: bool = False) -> None:
        self._path = path
        self._shared = shared
        while True:
            try:
                self._file = os.open(path, _WAYS, 0o644)
            except OSError as error:
                raise cannot_write(path.parent, error) from None
            if not _try_lock(self._file, shared):
                holder = os.read(self._file, 200).decode("utf-8", "replace").strip()
                os.close(self._file)
                raise FileAccessError(
                    f"another run is writing to {output}" + (f" ({holder})" if holder else ""),
                    remedy="Wait for it to end, or stop it",
                )
            # Its last holder may have removed the file after it was opened here.
            if _is_same(self._file, path):
                break
            os.close(self._file)
        if not shared:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, 0)
                os.write(self._file, f"process {os.getpid()} on {socket.gethostname()}\n".encode())

    def release(self) -> None:
        """Let go; the file goes with the last one that holds it."""
        alone = not self._shared or (sys.platform != "win32" and _try_lock(self._file, False))
        # Windows does not remove what is open; elsewhere nobody else can lock it in between.
        if sys.platform == "win32":
            os.close(self._file)
        if alone:
            with contextlib.suppress(OSError):
                self._path.unlink()
        if sys.platform != "win32":
            os.close(self._file)


def _try_lock(file: int, shared: bool) -> bool:
    """Whether the file could be locked; also where the file system knows no locks."""
    if sys.platform == "win32":
        import msvcrt

        try:
            # Far behind the text, which others want to read; shared locks do not exist.
            os.lseek(file, 1 << 20, os.SEEK_SET)
            if not shared:
                msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(file, 0, os.SEEK_SET)
        return True
    import fcntl

    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def _is_same(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except OSError:
        return False
