"""The pixels of a page to samples of a JPEG's components, compiled.

Where nothing is compiled, NumPy does the same: :class:`textclean.io.jpeg_blocks.Changes`.
"""

from __future__ import annotations

from typing import Any

from textclean.io.jpeg_compile import trusted_kernel


@trusted_kernel
def pool(
    page: tuple[Any, Any, tuple[int, int, int]],
    where: tuple[Any, Any],
    factors: tuple[int, int],
    formulas: tuple[Any, Any],
    floats: Any,
    wanted: Any,
    shares: Any,
) -> None:
    """What the samples of some blocks are to become, of components that are sampled alike.

    Args:
        page: All channels of a page's pixels, one pixel after the other; flags of those that
            change; height, width and channels.
        where: Rows and columns of the blocks, which begin within the page.
        factors: Pixels down and across that a sample stands for.
        formulas: Of each component the weights of the channels, as float32; what is added to them.
        floats: Whole numbers as float32, up to the largest sum: with them, arithmetic is in single
            precision.
        wanted: Of each component 64 zeros a block: what the mean of the pixels that change comes
            to, where any do; written.
        shares: 64 zeros a block: the share of the pixels that change; written.
    """
    pixels, changed, (height, width, channels) = page
    (rows, columns), (down, across), (weights, offsets) = where, factors, formulas
    size = 64 * len(rows)
    for number in range(len(rows)):
        sample, left = 64 * number - 1, columns[number] * 8 * across
        for y in range(rows[number] * 8 * down, (rows[number] + 1) * 8 * down, down):
            bottom = min(y + down, height)
            for x in range(left, left + 8 * across, across):
                sample += 1
                right = min(x + across, width)
                count, a, b, c, d = 0, 0, 0, 0, 0
                for line in range(y, bottom):
                    for at in range(line * width + x, line * width + right):
                        if changed[at]:
                            place = channels * at
                            count, a = count + 1, a + pixels[place]
                            if channels > 1:
                                b, c = b + pixels[place + 1], c + pixels[place + 2]
                            if channels > 3:
                                d += pixels[place + 3]
                if count == 0:
                    continue
                total = floats[count]
                shares[sample] = total / floats[(bottom - y) * (right - x)]
                e, f, g, h = floats[a], floats[b], floats[c], floats[d]
                if count > 1:
                    e, f, g, h = e / total, f / total, g / total, h / total
                for component in range(len(offsets)):
                    first = channels * component
                    value = offsets[component] + e * weights[first]
                    if channels > 1:
                        value = value + f * weights[first + 1] + g * weights[first + 2]
                    if channels > 3:
                        value += h * weights[first + 3]
                    wanted[size * component + sample] = value


@trusted_kernel
def pool_fine(
    page: tuple[Any, Any, tuple[int, int, int]],
    where: tuple[Any, Any],
    formulas: tuple[Any, Any],
    floats: Any,
    wanted: Any,
    shares: Any,
) -> None:
    """The same where each sample stands for one pixel."""
    pixels, changed, (height, width, channels) = page
    (rows, columns), (weights, offsets) = where, formulas
    size = 64 * len(rows)
    for number in range(len(rows)):
        top, left = rows[number] * 8, columns[number] * 8
        for y in range(top, min(top + 8, height)):
            sample = 64 * number + 8 * (y - top) - 1
            for at in range(y * width + left, y * width + min(left + 8, width)):
                sample += 1
                if not changed[at]:
                    continue
                shares[sample], place = floats[1], channels * at
                for component in range(len(offsets)):
                    first = channels * component
                    value = offsets[component] + floats[pixels[place]] * weights[first]
                    if channels > 1:
                        value += floats[pixels[place + 1]] * weights[first + 1]
                        value += floats[pixels[place + 2]] * weights[first + 2]
                    if channels > 3:
                        value += floats[pixels[place + 3]] * weights[first + 3]
                    wanted[size * component + sample] = value
