"""Network modules: torch.nn.Module only, no files, no images.

Importing this package loads no torch; the modules in it do. An architecture is known by a name and
made from a plain dictionary of hyper-parameters, which is what files of weights store.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from textclean.nets.fourier_unet import FourierUNet, FourierUNetSpec
    from textclean.nets.ink import InkUNet, InkUNetSpec
    from textclean.nets.lama import LamaGenerator, LamaSpec

    Network = FourierUNet | LamaGenerator | InkUNet
    Spec = FourierUNetSpec | LamaSpec | InkUNetSpec

FOURIER_UNET = "fourier-unet"
LAMA = "lama"
INK_UNET = "ink-unet"
ARCHITECTURES = (FOURIER_UNET, LAMA, INK_UNET)


def build(architecture: str, values: Mapping[str, Any]) -> Network:
    """An untrained network.

    Args:
        architecture: One of :data:`ARCHITECTURES`.
        values: Its hyper-parameters, as :func:`describe` gives them.

    Raises:
        ValueError: No such architecture, or hyper-parameters that it does not have.
    """
    if architecture == FOURIER_UNET:
        from textclean.nets.fourier_unet import FourierUNet, FourierUNetSpec

        return FourierUNet(FourierUNetSpec.from_dict(values))
    if architecture == LAMA:
        from textclean.nets.lama import LamaGenerator, LamaSpec

        return LamaGenerator(LamaSpec.from_dict(values))
    if architecture == INK_UNET:
        from textclean.nets.ink import InkUNet, InkUNetSpec

        return InkUNet(InkUNetSpec.from_dict(values))
    raise ValueError(f"there is no architecture {architecture!r}")


def describe(spec: Spec) -> tuple[str, dict[str, Any]]:
    """Architecture and hyper-parameters, in values that JSON can hold; what :func:`build` takes."""
    from textclean.nets.fourier_unet import FourierUNetSpec
    from textclean.nets.ink import InkUNetSpec

    if isinstance(spec, InkUNetSpec):
        return INK_UNET, spec.to_dict()
    return FOURIER_UNET if isinstance(spec, FourierUNetSpec) else LAMA, spec.to_dict()
