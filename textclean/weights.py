"""The weights that come with textclean, and the loading and saving of anybody's.

Nothing here downloads, and nothing in a file of weights is executed: see
:mod:`textclean.checkpoints`. Importing this module loads no torch.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textclean.checkpoints import Checkpoint, explained, open_checkpoint
from textclean.errors import FileAccessError, UnknownNameError, WeightsError

if TYPE_CHECKING:
    from torch import Tensor

    from textclean.nets import Network, Spec

PACKAGE = Path(__file__).parent
FOLDERS = (PACKAGE / "models", PACKAGE.parent / "models")
"""Where shipped weights lie: inside an installed package, beside the package in a checkout."""

LAMA_STEM = "model.1.ffc.convl2l.weight"
"""What tells a LaMa generator; the tensors around it carry the same prefix."""

MPE_STEM = "rel_pos_emb.weight"
"""The same for the mask position encoding, which some files hold apart."""


@dataclass(frozen=True, slots=True)
class SizeRequirement:
    """What sizes a network takes.

    Attributes:
        minimum: Smallest height and width, in pixels.
        multiple: What both must be a multiple of.
    """

    minimum: int = 16
    multiple: int = 8

    def fit(self, length: int) -> int:
        """The smallest length that is allowed and not less than ``length``."""
        return -(-max(length, self.minimum) // self.multiple) * self.multiple


@dataclass(frozen=True, slots=True)
class WeightsEntry:
    """One file of weights that comes with textclean.

    Attributes:
        name: What users call it.
        file: Its name in the folder ``models``.
        sha256: Digest of the file, in hexadecimal.
        size: Its length in bytes.
        licence: SPDX identifier.
        architecture: One of :data:`textclean.nets.ARCHITECTURES`.
        requirement: What sizes the network takes.
    """

    name: str
    file: str
    sha256: str
    size: int
    licence: str
    architecture: str
    requirement: SizeRequirement = SizeRequirement()


WEIGHTS: tuple[WeightsEntry, ...] = (
    WeightsEntry(
        name="textclean-inpaint",
        file="textclean-inpaint.safetensors",
        sha256="5ec065f6be2b7291b6936a79228ae378d8f60d9428f348be236d67bef73452b9",
        size=2052056,
        licence="CC-BY-4.0",
        architecture="fourier-unet",
    ),
    WeightsEntry(
        name="textclean-ink",
        file="textclean-ink.safetensors",
        sha256="006cead7e29bb7ad7675ec25291b7b317f20d1bc99e3ba83cc2d6fb2c3bd382b",
        size=5729656,
        licence="CC-BY-4.0",
        architecture="ink-unet",
        requirement=SizeRequirement(minimum=64, multiple=32),
    ),
)
"""All weights that come with textclean; the one place that names them."""


@dataclass(frozen=True, eq=False)
class LoadedNetwork:
    """A network with its weights.

    Attributes:
        module: The bare module, fp32 on the CPU, in eval mode, without gradients.
        architecture: One of :data:`textclean.nets.ARCHITECTURES`.
        spec: The hyper-parameters.
        requirement: What sizes it takes.
        path: The file it is from.
        metadata: What the file says about itself.
    """

    module: Network
    architecture: str
    spec: Spec
    requirement: SizeRequirement
    path: Path
    metadata: Mapping[str, str]


def is_offline(flag: bool = False) -> bool:
    """Whether nothing may be downloaded: asked for, or ordered by the environment.

    ``TEXTCLEAN_OFFLINE`` and ``HF_HUB_OFFLINE`` count when they are 1, true, yes or on.
    """
    names = ("TEXTCLEAN_OFFLINE", "HF_HUB_OFFLINE")
    yes = ("1", "true", "yes", "on")
    return flag or any(os.environ.get(name, "").strip().lower() in yes for name in names)


def find_entry(name: str) -> WeightsEntry:
    """The entry of :data:`WEIGHTS` with this name.

    Raises:
        UnknownNameError: There is none.
    """
    for entry in WEIGHTS:
        if entry.name == name:
            return entry
    known = ", ".join(entry.name for entry in WEIGHTS) or "none"
    raise UnknownNameError(
        f"there are no weights {name!r}", remedy=f"Known: {known}; or give a path to a file"
    )


def locate(name: str) -> Path:
    """Where the file of a known name lies.

    Raises:
        UnknownNameError: No weights of that name.
        WeightsError: The installation lacks the file.
    """
    entry = find_entry(name)
    for folder in FOLDERS:
        if (path := folder / entry.file).is_file():
            return path
    raise WeightsError(
        f"the installation lacks the weights {name!r}: there is no {entry.file} in "
        + " or ".join(str(folder) for folder in FOLDERS),
        remedy="Install textclean again",
    )


def verify(name: str) -> Path:
    """Check the file of a known name against its recorded length and digest.

    Raises:
        UnknownNameError: No weights of that name.
        WeightsError: The file is missing, or not the one that was published.
        FileAccessError: It cannot be read.
    """
    path, entry = locate(name), find_entry(name)
    try:
        found = path.stat().st_size
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise FileAccessError(
            f"the weights cannot be read: {error.strerror or error}", source=path.name
        ) from error
    for what, expected, actual in (
        ("bytes", entry.size, found),
        ("sha256", entry.sha256, digest),
    ):
        if expected != actual:
            raise WeightsError(
                f"the file is not the published one: {what} {actual}, not {expected}",
                remedy="Install textclean again",
                source=path.name,
            )
    return path


def load_network(name_or_path: str | Path) -> LoadedNetwork:
    """Load a network in eval mode.

    Args:
        name_or_path: A name in :data:`WEIGHTS`, whose digest is checked, or a file of any form that
            :mod:`textclean.checkpoints` reads and that holds one of our networks or a LaMa
            generator.

    Raises:
        UnknownNameError: Neither a known name nor an existing file.
        WeightsError: The file is missing, damaged, hostile, or holds something else.
        FileAccessError: It cannot be read.
    """
    if any(entry.name == name_or_path for entry in WEIGHTS):
        return _load(open_checkpoint(verify(str(name_or_path))))
    path = Path(name_or_path)
    if not path.is_file():
        if path.suffix or len(path.parts) > 1:
            raise WeightsError(f"there is no file {str(path)!r}")
        find_entry(str(name_or_path))
    return _load(open_checkpoint(path))


def convert(source: Path, destination: Path) -> Path:
    """Rewrite a checkpoint of any form as safetensors with its specification; values are kept.

    Raises:
        WeightsError: The source is damaged, hostile, or holds something else.
        FileAccessError: A file cannot be read or written.
    """
    loaded = load_network(source)
    return save_safetensors(
        loaded.module, loaded.spec, destination, dtype="float32", metadata=loaded.metadata
    )


def save_safetensors(
    module: Network,
    spec: Spec,
    path: Path,
    *,
    dtype: str = "float16",
    metadata: Mapping[str, str] | None = None,
) -> Path:
    """Write a network; the file appears whole, or not at all. Same network, same bytes.

    Args:
        module: The network.
        spec: Its hyper-parameters.
        path: Where to.
        dtype: Type of the convolutions' weights; biases and batch statistics, which are few and
            of any magnitude, stay in fp32.
        metadata: More to say about it.

    Returns:
        ``path``.

    Raises:
        WeightsError: A weight is not finite, in itself or in ``dtype``.
        FileAccessError: The file cannot be written.
    """
    import torch
    from safetensors.torch import save

    from textclean import nets

    tensors = {}
    for name, tensor in module.state_dict().items():
        kind = getattr(torch, dtype) if tensor.ndim > 1 else torch.float32
        value = tensor.detach().cpu()
        value = value.to(kind) if value.is_floating_point() else value
        if value.is_floating_point() and not bool(value.isfinite().all()):
            raise WeightsError(f"the tensor {name} holds values that {kind} cannot")
        tensors[name] = value.contiguous()
    architecture, values = nets.describe(spec)
    about = {
        **(metadata or {}),
        "architecture": architecture,
        "spec": json.dumps(values, sort_keys=True),
    }
    _write_atomically(path, _in_order(save(tensors, about)))
    return path


def _in_order(data: bytes) -> bytes:
    """Sort the metadata of a safetensors file, which the library writes in random order."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data[8 + length :]


def _write_atomically(path: Path, data: bytes) -> None:
    temporary = None
    try:
        with tempfile.NamedTemporaryFile(
            dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as stream:
            temporary = Path(stream.name)
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        raise FileAccessError(
            f"the weights cannot be written: {error.strerror or error}", source=path.name
        ) from error


def _load(checkpoint: Checkpoint) -> LoadedNetwork:
    import torch

    from textclean import nets

    architecture, values, inside = _recognize(checkpoint)
    # Without memory: drawing initial weights that are replaced at once takes seconds.
    with explained(checkpoint.path), torch.device("meta"):
        module = nets.build(architecture, values)
    expected = module.state_dict()
    # Counters of batch norms play no part in inference, and old files lack them.
    counters = {name for name in expected if name.endswith("num_batches_tracked")}
    if missing := sorted(set(expected) - set(inside) - counters):
        raise _strange(checkpoint, f"{_count(len(missing))} missing, such as {missing[0]}")
    names = {name: inside[name] for name in expected if name in inside}
    for name, found in names.items():
        if checkpoint.shapes[found] != tuple(expected[name].shape):
            raise _strange(
                checkpoint,
                f"{found} is {checkpoint.shapes[found]}, not {tuple(expected[name].shape)}",
            )
    tensors = checkpoint.read(names.values())
    state = {name: torch.zeros((), dtype=torch.int64) for name in counters}
    state |= {name: _usable(tensors[found], found, checkpoint) for name, found in names.items()}
    module.load_state_dict(state, assign=True)
    module.eval().requires_grad_(False)
    requirement = SizeRequirement(module.spec.minimum, module.spec.multiple)
    return LoadedNetwork(
        module, architecture, module.spec, requirement, checkpoint.path, checkpoint.metadata
    )


def _recognize(checkpoint: Checkpoint) -> tuple[str, dict[str, Any], dict[str, str]]:
    """Architecture, hyper-parameters, and the file's names by the network's own."""
    from textclean import nets

    shapes, metadata = checkpoint.shapes, checkpoint.metadata
    for architecture in (nets.FOURIER_UNET, nets.INK_UNET):
        if metadata.get("architecture") != architecture:
            continue
        try:
            values = dict(json.loads(metadata.get("spec", "")))
        except (TypeError, ValueError) as error:
            raise _strange(checkpoint, f"its specification cannot be read: {error}") from None
        return architecture, values, {name: name for name in shapes}
    prefix = _prefix(shapes, LAMA_STEM)
    if prefix is None:
        about = metadata.get("architecture")
        some = ", ".join(list(shapes)[:3]) or "none"
        said = f"it calls itself {about!r} and holds" if about else "it holds"
        raise _strange(checkpoint, f"{said} {_count(len(shapes))}: {some} ...")
    inside = {n.removeprefix(prefix): n for n in shapes if n.startswith(prefix)}
    encoding = _prefix(shapes, MPE_STEM)
    if encoding is not None:
        for n in shapes:
            if n.startswith(encoding):
                inside["mpe." + n.removeprefix(encoding)] = n
    from textclean.nets.lama import LamaSpec

    try:
        spec = LamaSpec.from_shapes({name: shapes[n] for name, n in inside.items()})
    except ValueError as error:
        raise _strange(checkpoint, str(error)) from None
    return *nets.describe(spec), inside


def _prefix(names: Mapping[str, Any], stem: str) -> str | None:
    """What stands before the first name that ends in ``stem``."""
    for name in names:
        if name == stem or name.endswith("." + stem):
            return name.removesuffix(stem)
    return None


def _usable(tensor: Tensor, name: str, checkpoint: Checkpoint) -> Tensor:
    import torch

    if not tensor.is_floating_point():
        return tensor
    # A copy: in a mapped file numbers lie where they happen to, and what a matrix product comes to
    # depends, in its last bit, on how they are aligned.
    tensor = tensor.to(torch.float32, copy=True)
    if not bool(tensor.isfinite().all()):
        raise _strange(checkpoint, f"{name} holds values that are not finite")
    return tensor


def _count(tensors: int) -> str:
    return f"{tensors} tensor{'s' if tensors != 1 else ''}"


def _strange(checkpoint: Checkpoint, found: str) -> WeightsError:
    return WeightsError(
        f"this {checkpoint.form} file holds no network that textclean knows: {found}",
        remedy="Known are the networks of textclean and LaMa generators",
        source=checkpoint.path.name,
    )
