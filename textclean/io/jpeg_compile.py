"""Loops over single bits, compiled where numba is installed (``pip install textclean[jpeg]``).

Numba compiles a function, or plain Python runs it on memory views, of which single items are read
faster than of arrays. Where NumPy is faster than a loop in plain Python, it does the same until
loops are compiled, number for number. Compiled code checks every index that a file has a say in, as
Python does: a damaged one can make it stop, never read beyond an array.

Loading numba takes half a second, and compiling for the first time on a machine three or four more
(it is kept); a page in plain Python takes a fifth of a second more than compiled. So some pages are
done in plain Python, and what comes after them compiled.
"""

from __future__ import annotations

import importlib.util
import time
from functools import cache, wraps
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    P = ParamSpec("P")
    R = TypeVar("R")

PATIENCE: Final = 1.0
"""Seconds that kernels may take in plain Python before they are compiled."""

_spent = 0.0


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Decorator of a function of numbers and contiguous arrays that loops over single items.

    It may use arithmetic, comparisons, loops, indexing and tuples, and no Python object.
    """
    return _kernel(function, checked=True)


def trusted_kernel(function: Callable[P, R]) -> Callable[P, R]:
    """The same for one whose indices come from sizes alone, never from a file: none is checked."""
    return _kernel(function, checked=False)


def _kernel(function: Callable[P, R], *, checked: bool) -> Callable[P, R]:
    @wraps(function)
    def call(*args: P.args, **_: P.kwargs) -> R:
        if is_compiled():
            found: R = _compiled(function, checked)(*args)
            return found
        views = _viewed(args)
        plain: Callable[..., R] = function
        start = time.perf_counter()
        try:
            return plain(*views)
        finally:
            _count(time.perf_counter() - start)

    return call


def _viewed(value: Any) -> Any:
    """Memory views in place of arrays, also of those in tuples."""
    if isinstance(value, tuple):
        return tuple(map(_viewed, value))
    return value.data if isinstance(value, np.ndarray) else value


def is_compiled() -> bool:
    """Whether kernels are compiled from now on."""
    return _spent > PATIENCE and _has_numba()


def _count(seconds: float) -> None:
    global _spent
    _spent += seconds


@cache
def _has_numba() -> bool:
    return importlib.util.find_spec("numba") is not None


@cache
def _compiled(function: Callable[..., Any], checked: bool) -> Callable[..., Any]:
    import numba

    try:
        made: Callable[..., Any] = numba.njit(cache=True, boundscheck=checked)(function)
    except RuntimeError:  # no folder for the cache can be written
        made = numba.njit(boundscheck=checked)(function)
    return made
