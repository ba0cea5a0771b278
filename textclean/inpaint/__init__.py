"""Inpainting: names and lazy factories of the inpainters.

Listing, registering or importing costs nothing: an inpainter's libraries and weights are loaded
when :func:`load_inpainter` makes it.
"""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from textclean.errors import UnknownNameError, UsageError, WeightsError
from textclean.inpaint.wrapped import fill_with_error
from textclean.weights import WEIGHTS

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from textclean.protocols import Inpainter
    from textclean.types import Image, Mask
    from textclean.weights import WeightsEntry

__all__ = ["InpainterFactory", "list_inpainters", "load_inpainter", "register_inpainter"]

AUTO = "fourier"
"""What ``auto`` hands to what is not plain: the shipped network, which unmixes ink, too."""

_OURS = "fourier-unet"
_LAMA = "lama"
_SUFFIXES = frozenset({".safetensors", ".ckpt", ".pt", ".pth", ".bin"})


class InpainterFactory(Protocol):
    """Makes an inpainter."""

    def __call__(self, *, device: str, offline: bool) -> Inpainter:
        """The inpainter, ready to be called.

        Args:
            device: "auto", "cpu", "cuda", "cuda:N" or "mps".
            offline: Whether downloads are forbidden.
        """


class _Lazy:
    """An inpainter that is made when first called: many pages need none, and torch is heavy."""

    def __init__(self, make: Callable[[], Inpainter]) -> None:
        self._make = make
        self._made: Inpainter | None = None
        self._lock = Lock()

    @property
    def unmixes(self) -> bool:
        """Whether it makes use of see-through pixels."""
        return bool(getattr(self._inpainter(), "unmixes", False))

    def __call__(self, image: Image, mask: Mask, see_through: Mask | None = None) -> Image:
        """See :class:`textclean.protocols.Inpainter`."""
        return self._inpainter()(image, mask, see_through)

    def fill_with_error(
        self, image: Image, mask: Mask, see_through: Mask | None = None
    ) -> tuple[Image, NDArray[np.float32] | None]:
        """See :class:`textclean.protocols.ErrorPredictor`."""
        return fill_with_error(self._inpainter(), image, mask, see_through)

    def _inpainter(self) -> Inpainter:
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made


def _flat(*, device: str, offline: bool) -> Inpainter:
    from textclean.inpaint.flat import FlatInpainter

    return FlatInpainter()


def _telea(*, device: str, offline: bool) -> Inpainter:
    from textclean.inpaint.classical import DiffusionInpainter

    return DiffusionInpainter("telea")


def _ns(*, device: str, offline: bool) -> Inpainter:
    from textclean.inpaint.classical import DiffusionInpainter

    return DiffusionInpainter("ns")


def _fsr(*, device: str, offline: bool) -> Inpainter:
    from textclean.inpaint.classical import FSRInpainter

    return FSRInpainter()


def _projection(*, device: str, offline: bool) -> Inpainter:
    from textclean.inpaint.projection import ProjectionInpainter

    return ProjectionInpainter(device)


def _fourier(*, device: str, offline: bool) -> Inpainter:
    return _network(_shipped(_OURS), _OURS, device)


def _lama(*, device: str, offline: bool) -> Inpainter:
    return _network(_shipped(_LAMA), _LAMA, device)


def _choice(*, device: str, offline: bool) -> Inpainter:
    from textclean.inpaint.choose import ChoosingInpainter

    return ChoosingInpainter({"network": _fourier(device=device, offline=offline)})


def _auto(*, device: str, offline: bool) -> Inpainter:
    from textclean.inpaint.by_parts import ByParts
    from textclean.inpaint.dyes import DyesFirst
    from textclean.inpaint.gutters import GuttersFirst
    from textclean.inpaint.hues import HuesLast
    from textclean.inpaint.limits import WithinLimits
    from textclean.inpaint.lines import LinesFirst
    from textclean.inpaint.paper import PaperLast
    from textclean.inpaint.pens import ThinPens
    from textclean.inpaint.plain import PlainFirst

    if device in ("auto", "cpu"):
        network: Inpainter = _Lazy(lambda: _FACTORIES[AUTO](device=device, offline=offline))
    else:  # a missing device is told now
        network = _FACTORIES[AUTO](device=device, offline=offline)
    on_paper = HuesLast(PaperLast(DyesFirst(WithinLimits(ThinPens(GuttersFirst(network))))))
    return ByParts(LinesFirst(PlainFirst(on_paper)))


_FACTORIES: dict[str, InpainterFactory] = {
    "auto": _auto,
    "choice": _choice,
    "flat": _flat,
    "fourier": _fourier,
    "fsr": _fsr,
    "lama": _lama,
    "ns": _ns,
    "projection": _projection,
    "telea": _telea,
}


def register_inpainter(name: str, factory: InpainterFactory, *, replace: bool = False) -> None:
    """Add an inpainter under a name.

    Args:
        name: What users write after ``--inpainter``.
        factory: Called with the keywords ``device`` and ``offline`` when the inpainter is needed;
            import what is heavy inside it.
        replace: Allow a name that is taken.

    Raises:
        UsageError: The name is taken, or empty.
    """
    if not name or (name in _FACTORIES and not replace):
        raise UsageError(
            f"an inpainter named {name!r} exists already" if name else "an inpainter needs a name",
            remedy="Choose another name, or pass replace=True",
        )
    _FACTORIES[name] = factory


def list_inpainters() -> tuple[str, ...]:
    """The names that :func:`load_inpainter` knows, sorted; shipped weights count as names."""
    return tuple(sorted({*_FACTORIES, *(entry.name for entry in _shipped_inpainters())}))


def load_inpainter(
    name_or_path: str | Path, *, device: str = "auto", offline: bool = False
) -> Inpainter:
    """Make an inpainter.

    Args:
        name_or_path: One of :func:`list_inpainters`, or the path of a file of network weights.
            A name wins over a file of that name in the current folder.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps"; fills without a network ignore it.
        offline: Never download anything.

    Raises:
        UnknownNameError: There is no inpainter of that name, and it is not a path.
        WeightsError: The weights are missing, damaged or not understood.
        DependencyError: A package or the device is missing.
    """
    name = str(name_or_path)
    if not isinstance(name_or_path, Path):
        if factory := _FACTORIES.get(name):
            return factory(device=device, offline=offline)
        if any(entry.name == name for entry in _shipped_inpainters()):
            return _load_network(name, device)
    path = Path(name).expanduser()
    if isinstance(name_or_path, Path) or _is_path(path):
        return _load_network(path, device)
    raise UnknownNameError(
        f"there is no inpainter {name!r}",
        remedy=f"Known: {', '.join(list_inpainters())}; or give a path to network weights",
    )


def _is_path(path: Path) -> bool:
    return len(path.parts) > 1 or path.suffix.lower() in _SUFFIXES or path.is_file()


def _shipped_inpainters() -> tuple[WeightsEntry, ...]:
    return tuple(entry for entry in WEIGHTS if entry.architecture in (_OURS, _LAMA))


def _shipped(architecture: str) -> WeightsEntry | None:
    """The first shipped weights of an architecture."""
    return next((entry for entry in WEIGHTS if entry.architecture == architecture), None)


def _network(entry: WeightsEntry | None, architecture: str, device: str) -> Inpainter:
    if entry is None:
        raise WeightsError(
            f"no weights of the architecture {architecture!r} come with textclean",
            remedy="Give the path of a file of weights in place of the name",
        )
    return _load_network(entry.name, device)


def _load_network(name_or_path: str | Path, device: str) -> Inpainter:
    from textclean.inpaint.fourier import FourierInpainter

    return FourierInpainter.load(name_or_path, device)
