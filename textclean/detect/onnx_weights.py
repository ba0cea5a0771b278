"""Weights of ONNX files, made fast: numbers too small to matter become zero.

Training leaves some weights so near zero that they are denormal, below 2**-126. Many processors
multiply those a hundred times slower than others: in the text detector, two layers full of them
took three quarters of the time. As zeros they change no result, because what they add to a sum is
far below its last bit; and unlike the processor's own switch for it, which onnxruntime can set too,
this concerns nobody else in the process.

Of protocol buffers only what leads to the weights is read: ``ModelProto.graph`` (field 7),
``GraphProto.initializer`` (5), ``TensorProto.data_type`` (2, 1 = float) and ``raw_data`` (9), see
https://github.com/onnx/onnx/blob/main/onnx/onnx.proto and
https://protobuf.dev/programming-guides/encoding/.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

_GRAPH, _INITIALIZER, _DATA_TYPE, _RAW_DATA = 7, 5, 2, 9
_FLOAT = 1
_SMALLEST = np.uint32(0x00800000)
"""Bits of the smallest float32 that is normal, 2**-126."""
_MAGNITUDE = np.uint32(0x7FFFFFFF)


def without_denormals(model: bytes) -> bytes:
    """A model whose denormal weights are zero; as it is where it has none or is no ONNX model.

    Args:
        model: Content of an ``.onnx`` file.
    """
    changed = bytearray(model)
    try:
        places = list(_float_weights(model))
    except (IndexError, ValueError):
        return model  # whoever loads it tells what is wrong with it
    for start, end in places:
        bits = np.frombuffer(model, "<u4", (end - start) // 4, start)
        tiny = (bits & _MAGNITUDE) < _SMALLEST
        signed = np.where(tiny, bits & ~_MAGNITUDE, bits)
        changed[start : start + bits.nbytes] = signed.tobytes()
    return bytes(changed)


def _float_weights(model: bytes) -> Iterator[tuple[int, int]]:
    """Where the float32 weights lie: first byte, and the byte after the last."""
    for graph in _parts(model, (0, len(model)), _GRAPH):
        for tensor in _parts(model, graph, _INITIALIZER):
            kind, raw = None, None
            for number, start, end in _fields(model, tensor):
                if number == _DATA_TYPE:
                    kind, _ = _varint(model, start)
                elif number == _RAW_DATA:
                    raw = start, end
            if kind == _FLOAT and raw is not None:
                yield raw


def _parts(model: bytes, within: tuple[int, int], number: int) -> Iterator[tuple[int, int]]:
    """The places of a message's fields of one number."""
    return ((start, end) for found, start, end in _fields(model, within) if found == number)


def _fields(model: bytes, within: tuple[int, int]) -> Iterator[tuple[int, int, int]]:
    """Number, start and end of the fields of a message.

    Raises:
        ValueError: This is no message.
        IndexError: It ends too early.
    """
    place, last = within
    while place < last:
        key, start = _varint(model, place)
        match key & 7:
            case 0:
                _, end = _varint(model, start)
            case 1:
                end = start + 8
            case 2:
                length, start = _varint(model, start)
                end = start + length
            case 5:
                end = start + 4
            case kind:
                raise ValueError(f"no wire type is {kind}")
        if end > last:
            raise ValueError("a field is longer than what holds it")
        yield key >> 3, start, end
        place = end


def _varint(model: bytes, place: int) -> tuple[int, int]:
    """A number of 7 bits a byte, the lowest first, and the place after it."""
    value = 0
    for shift in range(0, 70, 7):
        byte = model[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
    raise ValueError("a number is longer than 64 bits")
