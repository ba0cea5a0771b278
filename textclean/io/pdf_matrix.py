"""Affine maps in PDF's row-vector convention, and how an image lies on the page.

A matrix ``(a, b, c, d, e, f)`` maps ``(x, y)`` to ``(a x + c y + e, b x + d y + f)``, ISO 32000-1,
8.3.3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

Matrix: TypeAlias = tuple[float, float, float, float, float, float]

IDENTITY: Final[Matrix] = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
# Direction in which a stored row runs on the page as seen, direction in which stored columns run
# -> EXIF orientation. x grows to the right, y upwards.
_ORIENTATIONS: Final = {
    ((1, 0), (0, -1)): 1,
    ((-1, 0), (0, -1)): 2,
    ((-1, 0), (0, 1)): 3,
    ((1, 0), (0, 1)): 4,
    ((0, -1), (1, 0)): 5,
    ((0, -1), (-1, 0)): 6,
    ((0, 1), (-1, 0)): 7,
    ((0, 1), (1, 0)): 8,
}


def matrix_of(operands: Iterable[Any]) -> Matrix:
    """Six numbers as a matrix.

    Raises:
        TypeError: One of them is no number.
        ValueError: They are not six.
    """
    a, b, c, d, e, f = (float(value) for value in operands)
    return a, b, c, d, e, f


def multiply(m: Matrix, n: Matrix) -> Matrix:
    """``m`` followed by ``n``."""
    return (
        m[0] * n[0] + m[1] * n[2],
        m[0] * n[1] + m[1] * n[3],
        m[2] * n[0] + m[3] * n[2],
        m[2] * n[1] + m[3] * n[3],
        m[4] * n[0] + m[5] * n[2] + n[4],
        m[4] * n[1] + m[5] * n[3] + n[5],
    )


def invert(m: Matrix) -> Matrix | None:
    """The inverse, or None when ``m`` flattens everything."""
    a, b, c, d, e, f = m
    area = a * d - b * c
    if abs(area) < 1e-12:
        return None
    return (
        d / area,
        -b / area,
        -c / area,
        a / area,
        (c * f - d * e) / area,
        (b * e - a * f) / area,
    )


def apply(m: Matrix, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """``(..., 2)`` points mapped."""
    a, b, c, d, e, f = m
    x, y = points[..., 0], points[..., 1]
    return np.stack([a * x + c * y + e, b * x + d * y + f], axis=-1)


def orientation_of(matrix: Matrix, degrees: int) -> int | None:
    """EXIF orientation, 1 to 8, that shows an image as the page does.

    Args:
        matrix: Maps the unit square to user space.
        degrees: Clockwise rotation of the page: 0, 90, 180 or 270.

    Returns:
        None when it is skewed or turned by another angle.
    """
    a, b, c, d, _, _ = matrix
    axes = [(a, b), (-c, -d)]
    for _ in range(degrees // 90):
        axes = [(y, -x) for x, y in axes]
    first, second = ((_sign(x, y), _sign(y, x)) for x, y in axes)
    return _ORIENTATIONS.get((first, second))


def pixels_of_image(matrix: Matrix, width: int, height: int) -> Matrix | None:
    """The map from user space to the stored pixels (column, row) of an image.

    Args:
        matrix: Maps the unit square to user space.
        width: Columns.
        height: Rows.
    """
    inverse = invert(matrix)
    if inverse is None:
        return None
    return multiply(inverse, (width, 0.0, 0.0, -height, 0.0, height))


def _sign(value: float, other: float) -> int:
    """Sign of one coordinate of a direction; 0 where it hardly counts beside the other."""
    if abs(value) <= abs(other) * 1e-3:
        return 0
    return 1 if value > 0 else -1
