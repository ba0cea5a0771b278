"""Reads the tensors of network checkpoints without executing anything that a file holds.

What is in the wild: safetensors; zip archives of ``torch.save``, holding state dicts, the state of
a trainer or whole modules; and TorchScript archives, which are the same with code beside the data.
The data of both is a pickle. Here it is read by an unpickler that knows dictionaries and tensors
and puts an inert placeholder in the place of everything else that the file asks to import: nothing
is imported, nothing of the file's choosing is called. A tensor stays a description of where its
numbers lie until it is asked for.
"""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple

from textclean.errors import FileAccessError, WeightsError

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

MAX_PICKLE = 16 * 2**20
"""Bytes of the largest pickle that is read; those of networks hold names and shapes only."""

STORAGES = {
    "DoubleStorage": "float64",
    "FloatStorage": "float32",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
}
"""Type names of ``torch.save`` -> of torch."""


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """An opened checkpoint.

    Attributes:
        path: The file.
        form: What sort of file it is, for messages.
        shapes: Shape of each tensor; names inside nested dictionaries and modules joined by dots.
        metadata: What a safetensors file says about itself.
    """

    path: Path
    form: str
    shapes: Mapping[str, tuple[int, ...]]
    metadata: Mapping[str, str]
    _read: Callable[[Iterable[str]], dict[str, Tensor]]

    def read(self, names: Iterable[str]) -> dict[str, Tensor]:
        """Load the tensors of these names.

        Raises:
            WeightsError: The numbers are missing or damaged.
            FileAccessError: The file cannot be read.
        """
        with explained(self.path):
            return self._read(names)


def open_checkpoint(path: Path) -> Checkpoint:
    """Look into a checkpoint of any known form.

    Raises:
        WeightsError: It is damaged, hostile, or no checkpoint.
        FileAccessError: It cannot be read.
    """
    with explained(path):
        with path.open("rb") as stream:
            head = stream.read(9)
        if not head:
            raise WeightsError("the file is empty", source=path.name)
        if head[8:9] == b"{":
            return _open_safetensors(path)
        if head.startswith(b"PK"):
            return _open_archive(path)
    if head[0] == 0x80:
        raise WeightsError(
            "the file is a bare pickle, the form of torch.save before version 1.6",
            remedy="Save it again with torch 1.6 or newer, on a machine where you trust it",
            source=path.name,
        )
    raise WeightsError(
        f"the file is no network checkpoint; it starts with the bytes {head[:8].hex(' ')}",
        remedy="Known are safetensors, torch.save archives and TorchScript archives",
        source=path.name,
    )


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn whatever a damaged or hostile file brings about into an error that says so."""
    # What the reading of untrusted bytes may raise is no short list: the unpickler alone raises
    # whatever Python raises on operands of the wrong type. Nothing but reading happens inside.
    try:
        yield
    except WeightsError:
        raise
    except OSError as error:
        raise FileAccessError(
            f"the file cannot be read: {error.strerror or error}", source=path.name
        ) from error
    except Exception as error:
        raise WeightsError(
            f"the file is truncated, damaged or hostile: {type(error).__name__}: {error}",
            remedy="Get it again from where it was published",
            source=path.name,
        ) from error


def _open_safetensors(path: Path) -> Checkpoint:
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
        metadata = dict(file.metadata() or {})

    def read(names: Iterable[str]) -> dict[str, Tensor]:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in names}

    return Checkpoint(path, "safetensors", shapes, metadata, read)


def _open_archive(path: Path) -> Checkpoint:
    with zipfile.ZipFile(path) as archive:
        entries = archive.namelist()
        data = [name for name in entries if name.endswith("/data.pkl") and name.count("/") == 1]
        if len(data) != 1:
            shown = ", ".join(repr(name) for name in entries[:3]) or "nothing"
            raise WeightsError(
                f"the file is a zip archive of something else: it holds no data.pkl, but {shown}",
                source=path.name,
            )
        root = data[0].removesuffix("data.pkl")
        if root + "byteorder" in entries and _read_entry(archive, root + "byteorder") != b"little":
            raise WeightsError("the file was saved on a big-endian machine", source=path.name)
        if archive.getinfo(data[0]).file_size > MAX_PICKLE:
            raise WeightsError("the file's pickle is far larger than a network's", source=path.name)
        tensors = dict(flatten(Unpickler(_read_entry(archive, data[0])).load()))
    script = any(name.startswith(root + "code/") for name in entries)

    def read(names: Iterable[str]) -> dict[str, Tensor]:
        with zipfile.ZipFile(path) as archive:
            # Many tensors may lie in one storage.
            load = lru_cache(maxsize=4)(lambda key: _read_entry(archive, f"{root}data/{key}"))
            return {name: _load_tensor(tensors[name], load) for name in names}

    shapes = {name: tensor.shape for name, tensor in tensors.items()}
    return Checkpoint(path, "TorchScript" if script else "torch.save", shapes, {}, read)


def _read_entry(archive: zipfile.ZipFile, name: str) -> bytes:
    """An entry of an archive; its checksum is tested.

    Torch compresses code, but never data: what unpacks to more than it is would be a bomb.
    """
    info = archive.getinfo(name)
    if info.compress_type != zipfile.ZIP_STORED or info.file_size > info.compress_size:
        raise zipfile.BadZipFile(f"the entry {name} is compressed, which torch never does to data")
    return archive.read(info)


class Storage(NamedTuple):
    """A run of numbers in an archive: type name in torch, entry under ``data/``."""

    dtype: str
    key: str


class TensorRecord(NamedTuple):
    """How a tensor lies in a storage; strides and offset in elements."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _Placeholder:
    """Stands for an object of any class; keeps the state it is given, does nothing."""

    state: Any = None

    def __init__(self, *parts: Any) -> None:
        """What the object would be made from is not looked at."""

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def __setitem__(self, key: Any, value: Any) -> None:
        """Items of dictionary-like objects are not looked at."""

    def append(self, value: Any) -> None:
        """Items of list-like objects are not looked at."""

    add = append


class _Known:
    """A name that a pickle may refer to, and what is done when it is called."""

    __slots__ = ("call",)

    def __init__(self, call: Callable[..., Any]) -> None:
        self.call = call

    def __call__(self, *parts: Any) -> Any:
        return self.call(*parts)

    def __setstate__(self, state: Any) -> None:
        raise pickle.UnpicklingError("the pickle tries to change a function")


class _Dict(dict[Any, Any]):
    """Stands for an OrderedDict, whose attributes are dropped."""

    def __setstate__(self, state: Any) -> None:
        """Such as ``_metadata``, which torch puts on state dicts."""


class _StorageType:
    """Stands for the storage class of one type."""

    __slots__ = ("dtype",)

    def __init__(self, dtype: str) -> None:
        self.dtype = dtype

    def __setstate__(self, state: Any) -> None:
        raise pickle.UnpicklingError("the pickle tries to change a type")


# The unpickler in C keeps its memo in an array as long as the largest index that the file names,
# which lets a file of a few bytes claim all memory; the one in Python keeps a dictionary.
class Unpickler(pickle._Unpickler):
    """Knows dictionaries and tensors; a placeholder stands for everything else."""

    def __init__(self, data: bytes) -> None:
        super().__init__(BytesIO(data))

    def find_class(self, module: str, name: str) -> Any:
        """What stands for an imported name; nothing is imported."""
        if (module, name) == ("collections", "OrderedDict"):
            return _Known(_Dict)
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _Known(_tensor)
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return _Known(lambda data, *_: data)
        if module == "torch" and name in STORAGES:
            return _StorageType(STORAGES[name])
        return type(name, (_Placeholder,), {})

    def get_extension(self, code: int) -> None:
        """Extension codes stand for imports that this process has registered."""
        self.append(self.find_class("copyreg", f"extension {code}"))  # type: ignore[attr-defined]

    def persistent_load(self, pid: Any) -> Any:
        """A storage, from ``("storage", type, key, device, elements)``."""
        match pid:
            case ("storage", _StorageType() as kind, str() as key, *_):
                return Storage(kind.dtype, key)
        return _Placeholder(pid)


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> Any:
    """Stands for ``torch._utils._rebuild_tensor_v2``."""
    if not isinstance(storage, Storage):
        return _Placeholder(storage)
    numbers = (offset, *shape, *strides)
    if len(shape) != len(strides) or not all(isinstance(n, int) and n >= 0 for n in numbers):
        raise pickle.UnpicklingError(f"a tensor of shape {shape!r} and strides {strides!r}")
    return TensorRecord(storage, offset, tuple(shape), tuple(strides))


def flatten(root: Any) -> Iterator[tuple[str, TensorRecord]]:
    """The tensors in nested dictionaries and in the states of modules, with dotted names.

    An object that is reached by several ways is entered once: neither loops nor nested sharing
    make the walk long.
    """
    seen: set[int] = set()
    stack: list[tuple[str, Any]] = [("", root)]
    while stack:
        name, value = stack.pop()
        if isinstance(value, TensorRecord):
            yield name, value
            continue
        if isinstance(value, _Placeholder):
            value = value.state
        if not isinstance(value, dict) or id(value) in seen:
            continue
        seen.add(id(value))
        for key, inner in reversed(dict.items(value)):
            if isinstance(key, str):
                # Where an eager module keeps its parts; no part of the parameter's name.
                hidden = key in ("_parameters", "_buffers", "_modules")
                stack.append((name if hidden else f"{name}.{key}".removeprefix("."), inner))


def _load_tensor(record: TensorRecord, load: Callable[[str], bytes]) -> Tensor:
    import torch

    data = load(record.storage.key)
    dtype: torch.dtype = getattr(torch, record.storage.dtype)
    count = len(data) // dtype.itemsize
    size, last = 1, record.offset
    for n, stride in zip(record.shape, record.strides, strict=True):
        size, last = size * n, last + (n - 1) * stride
    # A tensor that repeats its numbers (stride 0) could be of any size.
    if size > count or (size and last >= count):
        raise pickle.UnpicklingError(f"a tensor of shape {record.shape} in {count} numbers")
    if not count:
        return torch.empty(record.shape, dtype=dtype)
    flat = torch.frombuffer(bytearray(data), dtype=dtype, count=count)
    return flat.as_strided(record.shape, record.strides, record.offset).clone(
        memory_format=torch.contiguous_format
    )
