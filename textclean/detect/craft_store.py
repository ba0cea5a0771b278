"""Where the weights of the CRAFT detector lie, and how they get there.

They are ``easyocr``'s own, in ``easyocr``'s own store, so that both programs share one copy. What
is loaded from them is tensors and nothing else: ``easyocr`` itself unpickles the file, which runs
whatever code is in it.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import URLError
from urllib.request import urlopen

from textclean.errors import FileAccessError, WeightsError

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE = "craft_mlt_25k.pth"
URL = "https://github.com/JaidedAI/EasyOCR/releases/download/pre-v1.1.6/craft_mlt_25k.zip"
MD5 = "2f8227d2def4037cdb3b34389dcf9ec1"
_LARGEST = 512 * 2**20  # bytes; the file has 83 MB
_TIMEOUT = 30  # seconds without an answer


def store() -> Path:
    """The folder in which ``easyocr`` keeps its weights."""
    base = os.environ.get("EASYOCR_MODULE_PATH") or os.environ.get("MODULE_PATH")
    return (Path(base) if base else Path.home() / ".EasyOCR") / "model"


def is_offline(asked: bool = False) -> bool:
    """Whether nothing may be downloaded: asked for, or by ``TEXTCLEAN_OFFLINE``/``HF_HUB_OFFLINE``.

    The variables count when they are set to anything but nothing, 0, false, no or off.
    """
    variables = (os.environ.get(name, "") for name in ("TEXTCLEAN_OFFLINE", "HF_HUB_OFFLINE"))
    return asked or any(
        value.strip().lower() not in ("", "0", "false", "no", "off") for value in variables
    )


def locate(path: Path | None = None, *, offline: bool = False, url: str = URL) -> Path:
    """The weights file; downloaded when it is missing and that is allowed.

    Args:
        path: A file that the user named, or None for the one in the store.
        offline: Never download.
        url: A ZIP file that holds the weights.

    Raises:
        WeightsError: The file is not there and may not or could not be downloaded.
        FileAccessError: The store cannot be written.
    """
    if path is not None:
        if path.is_file():
            return path
        raise WeightsError(f"there is no weights file {path}", remedy="Check --detector-weights")
    target = store() / FILE
    if target.is_file():
        return target
    by_hand = f"download {url} and unpack {FILE} into {target.parent}"
    if is_offline(offline):
        raise WeightsError(
            f"the detector easyocr needs {FILE}, it is not in {target.parent}, and downloading is "
            "switched off",
            remedy=f"Allow it once, or on another computer {by_hand}; EASYOCR_MODULE_PATH moves "
            "the store, --detector-weights names another file",
        )
    try:
        _download(url, target)
    except (URLError, TimeoutError, ConnectionError, zipfile.BadZipFile, ValueError) as error:
        raise WeightsError(
            f"the detector easyocr needs {FILE}, it is not in {target.parent}, and downloading it "
            f"failed: {error}",
            remedy=f"Try again, or {by_hand}",
        ) from None
    except OSError as error:
        raise FileAccessError(
            f"the weights {FILE} cannot be stored in {target.parent}: {error.strerror or error}",
            remedy="Set EASYOCR_MODULE_PATH to a folder that can be written",
        ) from None
    return target


def _download(url: str, target: Path) -> None:
    """Fetch the ZIP file, check what is in it, and put that in place."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        packed, plain = Path(folder) / "packed", Path(folder) / FILE
        with urlopen(url, timeout=_TIMEOUT) as answer, packed.open("wb") as file:
            _copy(answer, file)
        with zipfile.ZipFile(packed) as archive:
            if FILE not in archive.namelist():
                raise zipfile.BadZipFile(f"there is no {FILE} in {url}")
            with archive.open(FILE) as source, plain.open("wb") as file:
                _copy(source, file)
        with plain.open("rb") as file:
            found = hashlib.file_digest(file, "md5").hexdigest()
        if found != MD5:
            raise ValueError(f"its MD5 is {found}, not {MD5}")
        plain.replace(target)


def _copy(source: Any, target: Any) -> None:
    """Copy a stream, up to a size that weights do not have."""
    left = _LARGEST
    while block := source.read(min(1 << 20, left)):
        target.write(block)
        left -= len(block)
        if left <= 0:
            raise ValueError(f"it has more than {_LARGEST} bytes")


def load_tensors(path: Path) -> dict[str, Any]:
    """The tensors of a state dict, by name, without the prefix of ``DataParallel``.

    Raises:
        WeightsError: The file is damaged, or holds anything but tensors.
    """
    import torch

    try:
        state: Mapping[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        # pickle.UnpicklingError, RuntimeError, EOFError, KeyError ... by kind of damage.
        reason = str(error).strip().splitlines()[0] if str(error).strip() else "unreadable"
        raise WeightsError(
            f"{path} cannot be loaded as plain tensors: {reason}",
            remedy="It is damaged or holds code; remove it to have it downloaded again",
        ) from None
    if not isinstance(state, dict) or not all(isinstance(v, torch.Tensor) for v in state.values()):
        raise WeightsError(
            f"{path} does not hold a state dict of tensors",
            remedy=f"Give a file like {FILE} of EasyOCR",
        )
    return {str(name).removeprefix("module."): tensor for name, tensor in state.items()}
