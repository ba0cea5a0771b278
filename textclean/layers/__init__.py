"""A cleaned page as layers, for image editors: PSD and OpenRaster.

:func:`stack_of` lays a result out as layers, :func:`split` cuts what is too long for a format, and
:func:`encode_psd` and :func:`encode_ora` write them.
"""

from __future__ import annotations

from textclean.layers.build import stack_of
from textclean.layers.ora import encode_ora
from textclean.layers.pieces import split
from textclean.layers.psd import MAX_PSB, MAX_PSD, encode_psd, refuse_large
from textclean.layers.stack import Group, Layer, Stack

__all__ = [
    "MAX_PSB",
    "MAX_PSD",
    "Group",
    "Layer",
    "Stack",
    "encode_ora",
    "encode_psd",
    "refuse_large",
    "split",
    "stack_of",
]
