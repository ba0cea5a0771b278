"""Letters as the paths a pen takes: what handwriting and broken type are drawn from."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

BASELINE, X_HEIGHT, ASCENDER = 3.0, 6.0, 9.0
"""Rows of the grid that the paths are given on; descenders reach down to row 0."""

Path = NDArray[np.float32]

# Each letter is a list of strokes, parted by slashes; each stroke is a list of points, a digit
# for x (0 to 5) and one for y (0 to 9, upwards). A stroke of a single point is a dot.
_SMALL = {
    "a": "46 16 04 23 45 46 43 53",
    "b": "09 03 05 26 45 33 03",
    "c": "46 16 04 23 43",
    "d": "46 16 04 23 45 49 43 53",
    "e": "05 45 36 06 04 23 43",
    "f": "48 29 18 13/06 36",
    "g": "46 16 04 23 45 46 41 20 00",
    "h": "09 03 05 36 44 43",
    "i": "06 03 13/08",
    "j": "16 11 00/18",
    "k": "09 03/36 05 43",
    "l": "09 04 13",
    "m": "06 03 05 16 25 23 25 36 45 43",
    "n": "06 03 05 26 44 43",
    "o": "26 06 03 33 45 26",
    "p": "06 00 05 26 45 33 03",
    "q": "46 16 04 23 45 46 40 51",
    "r": "06 03 05 26 36",
    "s": "46 16 05 44 33 03",
    "t": "29 14 23 33/06 36",
    "u": "06 04 13 34 46 43 53",
    "v": "06 23 46",
    "w": "06 13 25 33 46",
    "x": "06 43/46 03",
    "y": "06 04 23 45 46 41 20 00",
    "z": "06 46 03 43",
}
_LARGE = {
    "A": "03 29 43/15 35",
    "B": "03 09 39 37 16 44 43 03",
    "C": "48 29 06 23 44",
    "D": "09 03 33 46 39 09",
    "E": "49 09 03 43/06 36",
    "F": "49 09 03/06 36",
    "G": "48 29 06 23 43 45 25",
    "H": "09 03/49 43/06 46",
    "I": "09 03",
    "J": "39 34 13 04",
    "K": "09 03/49 06 43",
    "L": "09 03 43",
    "M": "03 09 25 49 43",
    "N": "03 09 43 49",
    "O": "29 06 23 46 29",
    "P": "03 09 39 47 25 05",
    "Q": "29 06 23 46 29/25 53",
    "R": "03 09 39 47 25 05/25 43",
    "S": "48 29 07 45 23 04",
    "T": "09 49/29 23",
    "U": "09 04 23 44 49",
    "V": "09 23 49",
    "W": "09 13 26 33 49",
    "X": "09 43/49 03",
    "Y": "09 26 49/26 23",
    "Z": "09 49 03 43",
}
_SIGNS = {
    "0": "29 06 23 46 29",
    "1": "17 29 23",
    "2": "08 29 47 03 43",
    "3": "09 39 16 44 23 04",
    "4": "29 05 45/38 33",
    "5": "49 09 06 36 44 23 03",
    "6": "39 06 04 23 44 26 05",
    "7": "09 49 13",
    "8": "29 17 45 23 04 47 29",
    "9": "47 29 07 26 47 43",
    "=": "06 46/04 44",
    "+": "06 46/28 24",
    "-": "05 45",
    "/": "03 49",
    "(": "29 16 13 22",
    ")": "09 26 23 02",
    "[": "29 09 02 22",
    "]": "09 29 22 02",
    "?": "08 29 47 26 25/23",
    "!": "09 05/03",
    ".": "03",
    ",": "13 02",
    ":": "06/03",
    ";": "06/13 02",
    "'": "19 07",
    ">": "07 45 03",
    "<": "47 05 43",
    "*": "26/07 45/05 47",
    "~": "05 16 34 45",
    "^": "07 29 47",
    "√": "05 16 13 29 59",
    "∑": "49 09 26 03 43",
    "∫": "38 29 21 10",
    "→": "05 55/36 55 34",
}
# Katakana, as sound effects have them; x may reach 6.
KANA = {
    "ア": "08 58 46/37 24 02",
    "ウ": "29 28/07 05/07 47 44 21",
    "オ": "07 57/39 31 21/37 14 02",
    "ガ": "07 47 43 32/28 24 02/48 57/58 67",
    "キ": "07 47/04 54/29 31",
    "ギ": "07 47/04 54/29 31/58 67",
    "ク": "29 05/17 47 35 12",
    "ゴ": "08 48 42/02 42/48 57/58 67",
    "ザ": "06 56/18 14/48 43 21/58 67",
    "シ": "08 17/05 14/02 23 57",
    "ジ": "08 17/05 14/02 23 57/48 57/58 67",
    "ス": "08 48 24 02/34 53",
    "ズ": "08 48 24 02/34 53/48 57/58 67",
    "タ": "29 05/17 47 35 12/25 34",
    "ッ": "05 14/25 34/55 43 21",
    "ト": "29 22/25 43",
    "ド": "29 22/25 43/38 47/48 57",
    "バ": "16 02/36 52/47 56/57 66",
    "パ": "16 02/36 52/58 68 67 57 58",
    "ビ": "19 13 22 52/15 45/58 67",
    "フ": "08 48 35 12",
    "ボ": "07 57/29 21 11/15 03/45 53/58 67",
    "ラ": "19 49/07 47 34 12",
    "ル": "18 15 02/38 33 56",
    "ロ": "08 48 42 02 08",
    "ワ": "05 08 48 45 21",
    "ン": "08 26/02 24 57",
    "ー": "05 55",
    "!": "29 25/22",
}
LETTERS = {**_SMALL, **_LARGE, **_SIGNS}


@cache
def letter_paths(character: str) -> tuple[Path, ...]:
    """The strokes of a character, each ``(N, 2)`` of x and y on the grid; of others, a dash."""
    return parsed(LETTERS.get(character, LETTERS["-"]))


def parsed(letter: str) -> tuple[Path, ...]:
    """A letter written as those above, as the points of its strokes."""
    return tuple(
        np.array([[int(pair[0]), int(pair[1])] for pair in stroke.split()], np.float32)
        for stroke in letter.split("/")
    )


def made_up(rng: np.random.Generator) -> tuple[Path, ...]:
    """The strokes of a letter of no script, on the grid."""
    strokes = []
    for _ in range(int(rng.integers(1, 4))):
        count = int(rng.integers(2, 6))
        points = np.stack([rng.uniform(0, 5, count), rng.uniform(2.5, 9, count)], axis=1)
        strokes.append(points.astype(np.float32))
    return tuple(strokes)


def smooth(points: Path, steps: int = 5) -> Path:
    """A Catmull-Rom curve through ``(N, 2)`` points with ``steps`` points to a span."""
    if len(points) < 3:
        return points
    ring = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    p0, p1, p2, p3 = (ring[k : k + len(points) - 1, None] for k in range(4))
    t = np.linspace(0, 1, steps, endpoint=False, dtype=np.float32)[None, :, None]
    curve = 0.5 * (
        2 * p1
        + (p2 - p0) * t
        + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2
        + (3 * p1 - p0 - 3 * p2 + p3) * t**3
    )
    return np.concatenate([curve.reshape(-1, 2), points[-1:]]).astype(np.float32)
