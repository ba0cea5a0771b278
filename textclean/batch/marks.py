"""What tells whether a file, a page or the way it is processed is still the same."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from textclean.io.document import Document, ImageEntry
from textclean.io.folder import FolderSource

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from textclean.options import Options
    from textclean.protocols import PageEntry

# These change nothing about a page that comes out.
_WITHOUT_EFFECT: Final = ("strict", "offline", "max_pixels")
_CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Mark:
    """A file as it was: the same length and time, or else the same contents, make it the same.

    Times are compared and never ordered, so that a clock that was set back does no harm.

    Attributes:
        size: Bytes.
        modified: Time of the last change in nanoseconds, as the file system tells it.
        sha256: Digest of the contents that matter, in hexadecimal.
    """

    size: int
    modified: int
    sha256: str

    @classmethod
    def of(cls, path: Path, sha256: str | None = None) -> Self:
        """The mark of a file that is there.

        Args:
            path: The file.
            sha256: Digest of its contents where it is known already.

        Raises:
            OSError: It cannot be read.
        """
        status = path.stat()
        digest = sha256 if sha256 is not None else file_digest(path)
        return cls(status.st_size, status.st_mtime_ns, digest)

    def fits(self, path: Path) -> bool:
        """Whether the file at ``path`` is the one that was marked."""
        try:
            status = path.stat()
            if status.st_size != self.size:
                return False
            return status.st_mtime_ns == self.modified or file_digest(path) == self.sha256
        except OSError:
            return False

    def as_list(self) -> list[Any]:
        """Plain values for a journal."""
        return [self.size, self.modified, self.sha256]

    @classmethod
    def from_list(cls, values: Any) -> Self:
        """The mark that :meth:`as_list` wrote."""
        size, modified, digest = values
        return cls(int(size), int(modified), str(digest))


def file_digest(path: Path) -> str:
    """SHA-256 of a file's contents, in hexadecimal.

    Raises:
        OSError: It cannot be read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def digest_of(data: bytes) -> str:
    """SHA-256 of some bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def options_digest(options: Options, **more: Any) -> str:
    """What stands for everything that decides how a page comes out of it.

    Which GPU of several computes does not, only that it is one. Files that the options name count
    by their contents.

    Args:
        options: The options.
        **more: What else decides; plain values.
    """
    values = {k: v for k, v in options.as_dict().items() if k not in _WITHOUT_EFFECT}
    values["device"] = str(values["device"]).partition(":")[0]
    for name in (
        "regions",
        "detector_weights",
        "recognizer_weights",
        "ink_weights",
        "inpainter",
        "drawn_mask",
    ):
        values[name] = _contents(values[name])
    return digest_of(json.dumps({**values, **more}, sort_keys=True, default=str).encode())[:16]


def input_path(source: Document, entry: PageEntry) -> Path:
    """The file that a page is read from."""
    if isinstance(source, FolderSource):
        return source.path / source.files[entry.number - 1]
    return source.path


def input_digest(source: Document, entry: PageEntry, known: dict[Path, str]) -> str:
    """Digest of what a page is made of: its own bytes, or the whole file where it has none.

    Args:
        source: The document.
        entry: The page.
        known: Digests of whole files that were taken before; it grows.

    Raises:
        TextcleanError: It cannot be read.
        OSError: The same.
    """
    if isinstance(entry, ImageEntry):
        return digest_of(entry.read())
    if source.path not in known:
        known[source.path] = file_digest(source.path)
    return known[source.path]


def versions_digest(versions: Mapping[str, str]) -> str:
    """What stands for the weights and programs that make the results."""
    return digest_of(json.dumps(dict(versions), sort_keys=True).encode())[:16]


def _contents(name: str | None) -> str | None:
    """A name, or the digest of the file that it names; of a folder, of all its files."""
    if name is None or not os.path.exists(name):  # noqa: PTH110 - a name need not be a path
        return name
    from pathlib import Path

    path = Path(name)
    try:
        if path.is_dir():
            files = sorted(file for file in path.rglob("*") if file.is_file())
            return digest_of("".join(f"{f.name}:{file_digest(f)} " for f in files).encode())
        return file_digest(path)
    except OSError:
        return name
