"""A fuzz target for the readers and writers.

``python tests/corpora/fuzz.py CORPUS_DIR`` runs it under atheris (``pip install atheris``), with
the options of libFuzzer; ``python tests/corpora/broken.py CORPUS_DIR`` makes a corpus to begin
with. The normal tests run the same target on what Hypothesis draws.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from exercise import exercise


def one_input(data: bytes) -> str:
    """Treat some bytes as a document; anything but our own errors is a find."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "in"
        path.write_bytes(data)
        return exercise(path, Path(folder) / "out", max_pixels=2_000_000)


def main() -> None:
    """Run it under atheris."""
    try:
        import atheris
    except ImportError:
        raise SystemExit("fuzzing needs atheris: pip install atheris") from None
    atheris.instrument_all()
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
