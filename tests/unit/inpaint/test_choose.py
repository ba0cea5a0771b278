"""Choice by self-validation: the right candidate, at the right place, with an honest error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textclean.errors import MaskError, UsageError
from textclean.inpaint import error_grid
from textclean.inpaint.choose import Choice, ChoosingInpainter, choose
from textclean.inpaint.hidden import hide
from textclean.protocols import ErrorPredictor, Inpainter
from textclean.types import Image, Mask

if TYPE_CHECKING:
    from collections.abc import Sequence


class Noisy:
    """Knows the truth and errs by a known amount, which may differ from left to right."""

    def __init__(self, truth: Image, left: float, right: float, seed: int) -> None:
        self.truth, self.left, self.right, self.seed = truth, left, right, seed
        self.calls = 0

    def __call__(self, image: Image, mask: Mask, see_through: Mask | None = None) -> Image:
        self.calls += 1
        noise = np.random.default_rng(self.seed).normal(size=self.truth.shape)
        width = self.truth.shape[1]
        noise[:, : width // 2] *= self.left
        noise[:, width // 2 :] *= self.right
        guess = np.clip(np.rint(self.truth + noise), 0, 255).astype(np.uint8)
        return np.where(mask[..., None], guess, image)


class Batched(Noisy):
    """The same, many at once."""

    def fill_windows(self, windows: Sequence[tuple[Image, Mask, Mask | None]]) -> list[Image]:
        self.sizes = [int(m.sum()) for _, m, _ in windows]
        return [Noisy.__call__(self, *window) for window in windows]


def art(height: int = 200, width: int = 320) -> Image:
    """Busy art around middle grey."""
    rng = np.random.default_rng(1)
    return rng.integers(70, 186, (height, width, 3), dtype=np.uint8)


def glyphs(height: int = 200, width: int = 320) -> Mask:
    """Two rows of strokes from left to right."""
    mask = np.zeros((height, width), bool)
    for x in range(64, width - 72, 24):
        mask[80:92, x : x + 14] = mask[100:112, x : x + 14] = True
    return mask


def rms(a: Image, b: Image, mask: Mask) -> float:
    return float(np.sqrt(np.mean((a[mask].astype(float) - b[mask]) ** 2)))


def hidden(image: Image, mask: Mask) -> Image:
    return np.where(mask[..., None], np.uint8(0), image)


def test_the_better_candidate_wins_and_its_error_is_known() -> None:
    truth, mask = art(), glyphs()
    bad, good = Noisy(truth, 30, 30, 1), Noisy(truth, 6, 6, 2)
    choice = choose(hidden(truth, mask), mask, {"bad": bad, "good": good})
    assert choice.winner == "good"
    assert choice.weights["good"] > 0.9
    assert sum(choice.weights.values()) == pytest.approx(1, abs=1e-3)
    assert choice.errors["bad"] == pytest.approx(30, rel=0.2)
    assert choice.errors["good"] == pytest.approx(6, rel=0.2)
    assert choice.error == pytest.approx(rms(choice.image, truth, mask), rel=0.25)
    assert np.array_equal(choice.image[~mask], truth[~mask])


def test_each_place_gets_its_own_candidate() -> None:
    truth, mask = art(200, 480), glyphs(200, 480)
    candidates = {"left": Noisy(truth, 3, 40, 1), "right": Noisy(truth, 40, 3, 2)}
    choice = choose(hidden(truth, mask), mask, candidates, reach=24)
    alone = [rms(f(hidden(truth, mask), mask), truth, mask) for f in candidates.values()]
    assert rms(choice.image, truth, mask) < 0.5 * min(alone)
    assert choice.error_map is not None
    middle = choice.error_map[mask & (np.abs(np.arange(480) - 240) < 16)].mean()
    assert choice.error_map[mask].mean() < middle  # least sure where the two meet
    assert not choice.error_map[~mask].any()


def test_equal_candidates_of_independent_errors_are_blended() -> None:
    truth, mask = art(), glyphs()
    candidates = {str(seed): Noisy(truth, 20, 20, seed) for seed in range(3)}
    choice = choose(hidden(truth, mask), mask, candidates)
    assert min(choice.weights.values()) > 0.2
    assert rms(choice.image, truth, mask) < 0.7 * 20
    assert choice.error == pytest.approx(20 / np.sqrt(3), rel=0.2)


def test_equal_candidates_of_equal_errors_are_not_blended() -> None:
    truth, mask = art(), glyphs()
    candidates = {"a": Noisy(truth, 20, 20, 1), "b": Noisy(truth, 20, 20, 1)}
    choice = choose(hidden(truth, mask), mask, candidates)
    assert choice.weights == {"a": 1.0, "b": 0.0}
    assert np.array_equal(choice.image, candidates["a"](hidden(truth, mask), mask))


def test_the_art_beyond_a_bubble_says_nothing_of_its_inside() -> None:
    truth = art(260, 320)
    y, x = np.mgrid[:260, :320]
    bubble = ((x - 160) / 130) ** 2 + ((y - 96) / 32) ** 2 < 1
    truth[bubble] = 250
    mask = glyphs(260, 320) & bubble
    mask[150:162, 90:230] = True  # a caption on the art

    class Flat:
        def __call__(self, image: Image, mask: Mask, see_through: Mask | None = None) -> Image:
            return np.where(mask[..., None], np.uint8(250), image)

    class Art:
        """Exact on the art, poor in the bubble."""

        def __call__(self, image: Image, mask: Mask, see_through: Mask | None = None) -> Image:
            guess = np.where(bubble[..., None], np.uint8(225), truth)
            return np.where(mask[..., None], guess, image).astype(np.uint8)

    candidates: dict[str, Inpainter] = {"flat": Flat(), "art": Art()}
    choice = choose(hidden(truth, mask), mask, candidates)
    middle = mask & bubble & (np.abs(x - 160) < 60)
    assert rms(choice.image, truth, middle) < 16
    assert rms(choice.image, truth, mask & ~bubble) < 16


def test_uniform_backgrounds_are_not_measured() -> None:
    truth, mask = np.full((120, 160, 3), 240, np.uint8), np.zeros((120, 160), bool)
    mask[50:60, 40:90] = True
    truth[:30] = art(30, 160)  # far from the hole
    first, second = Noisy(truth, 1, 1, 1), Noisy(truth, 0, 0, 2)
    choice = choose(hidden(truth, mask), mask, {"first": first, "second": second})
    assert (choice.winner, first.calls, second.calls) == ("first", 1, 0)
    assert choice.reason == "uniform background"
    assert choice.error == pytest.approx(0, abs=1e-6)


def test_nothing_known_to_measure_on() -> None:
    truth, mask = art(40, 40), np.ones((40, 40), bool)
    mask[0, 0] = mask[0, 39] = False
    choice = choose(truth, mask, {"a": Noisy(truth, 5, 5, 1), "b": Noisy(truth, 0, 0, 2)})
    assert choice.winner == "a"
    assert choice.error is None
    assert choice.errors == {}


def test_no_hole() -> None:
    truth = art(40, 40)
    choice = choose(truth, np.zeros((40, 40), bool), {"a": Noisy(truth, 5, 5, 1)})
    assert np.array_equal(choice.image, truth)
    assert choice.reason == "no hole"


@pytest.mark.parametrize("copies", [1, 2, 4])
def test_one_batch_of_the_hole_and_its_copies(copies: int) -> None:
    truth, mask = art(), glyphs()
    batched = Batched(truth, 5, 5, 1)
    choose(hidden(truth, mask), mask, {"a": batched}, copies=copies)
    assert len(batched.sizes) == copies + 1
    assert batched.sizes[0] == mask.sum()
    assert min(batched.sizes[1:]) > mask.sum()  # the hole itself stays hidden


@given(
    st.integers(1, 60),
    st.integers(1, 60),
    st.lists(st.tuples(st.integers(0, 59), st.integers(0, 59), st.integers(1, 30)), max_size=4),
    st.integers(1, 8),
)
@settings(deadline=None, max_examples=80)
def test_copies_lie_on_known_pixels(
    height: int, width: int, squares: list[tuple[int, int, int]], copies: int
) -> None:
    mask = np.zeros((height, width), bool)
    for y, x, side in squares:
        mask[y : y + side, x : x + side // 2 + 1] = True
    if not mask.any():
        return
    found = hide(mask, copies)
    assert len(found) <= copies
    for copy in found:
        assert copy.any()
        assert not (copy & mask).any()


@given(st.integers(1, 4), st.integers(0, 10_000))
@settings(deadline=None, max_examples=60)
def test_weights_are_the_best_on_the_simplex(count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    factors = rng.normal(size=(5, count, count + 1)).astype(np.float32)
    covariance = np.einsum("nik,njk->nij", factors, factors)
    weights = error_grid.weigh(covariance)
    assert (weights >= 0).all()
    assert np.allclose(weights.sum(axis=-1), 1, atol=1e-5)
    value = np.einsum("ni,nij,nj->n", weights, covariance, weights)
    others = rng.dirichlet(np.ones(count), size=200)
    tried = np.einsum("mi,nij,mj->nm", others, covariance, others).min(axis=1)
    # A single candidate is kept unless a blend is better by more than the margin.
    assert (value <= tried / error_grid.SINGLE**2 * 1.001 + 1e-6).all()


@pytest.mark.parametrize("shape", [(1, 1), (3, 40), (9, 9), (17, 130)])
def test_small_windows(shape: tuple[int, int]) -> None:
    truth = art(*shape)
    mask = np.zeros(shape, bool)
    mask[:, : max(1, shape[1] // 4)] = True
    candidates = {"a": Noisy(truth, 9, 9, 1), "b": Noisy(truth, 2, 2, 2)}
    choice = choose(truth, mask, candidates)
    assert isinstance(choice, Choice)
    assert np.array_equal(choice.image[~mask], truth[~mask])


def test_a_page_is_chosen_window_by_window_and_repeatably() -> None:
    truth = art(300, 900)
    mask = np.zeros((300, 900), bool)
    mask[100:112, 60:130] = mask[180:192, 740:820] = True

    class Sided:
        """Right in one half of the page, wrong in the other, by the brightness there."""

        def __init__(self, dark: bool) -> None:
            self.dark = dark

        def __call__(self, image: Image, mask: Mask, see_through: Mask | None = None) -> Image:
            known = image[~mask]
            right = (known.mean() < 100) == self.dark
            guess = known.mean(axis=0) if right else 255 - known.mean(axis=0)
            return np.where(mask[..., None], np.rint(guess).astype(np.uint8), image)

    truth[:, :450] //= 3
    page = hidden(truth, mask)
    inpainter = ChoosingInpainter({"dark": Sided(True), "bright": Sided(False)})
    assert isinstance(inpainter, Inpainter)
    winners = [choice.winner for _, choice in inpainter.choose(page, mask)]
    assert winners == ["dark", "bright"]
    filled = inpainter(page, mask)
    assert np.array_equal(filled[~mask], truth[~mask])
    assert np.array_equal(filled, inpainter(page, mask, np.zeros_like(mask)))


class Corrects(Noisy):
    """Hands out two fills beside its own: one as noisy as the left side, one exact."""

    prior_names = ("rough", "exact")
    unmixes = True

    def fill_with_priors(
        self, windows: Sequence[tuple[Image, Mask, Mask | None]]
    ) -> list[tuple[Image, ...]]:
        rough, exact = Noisy(self.truth, 30, 30, 9), Noisy(self.truth, 0, 0, 9)
        return [tuple(fill(*window) for fill in (self, rough, exact)) for window in windows]


def test_priors_are_candidates_that_come_along() -> None:
    truth, mask = art(), glyphs()
    network = Corrects(truth, 8, 8, 1)
    choice = choose(hidden(truth, mask), mask, {"network": network})
    assert set(choice.weights) == {"network", "rough", "exact"}
    assert choice.winner == "exact"
    assert choice.errors["rough"] == pytest.approx(30, rel=0.2)
    assert np.array_equal(choice.image, truth)


def test_a_candidate_of_the_same_name_stands_for_the_prior() -> None:
    truth, mask = art(), glyphs()
    candidates = {"network": Corrects(truth, 8, 8, 1), "exact": Noisy(truth, 50, 50, 3)}
    choice = choose(hidden(truth, mask), mask, candidates)
    assert set(choice.weights) == {"network", "rough", "exact"}
    assert choice.errors["exact"] == pytest.approx(50, rel=0.2)
    assert choice.winner == "network"


class Mean:
    """Paints the mean of what is known; wrong by the standard deviation of the art."""

    def __call__(self, image: Image, mask: Mask, see_through: Mask | None = None) -> Image:
        return np.where(mask[..., None], np.rint(image[~mask].mean(axis=0)), image).astype(np.uint8)


def test_a_page_has_the_errors_of_its_windows() -> None:
    truth = art(200, 900)
    truth[:, :450] //= 3
    mask = np.zeros((200, 900), bool)
    mask[80:110, 60:130] = mask[80:110, 740:820] = True
    inpainter = ChoosingInpainter({"only": Mean()})
    assert isinstance(inpainter, ErrorPredictor)
    assert not inpainter.unmixes
    filled, error = inpainter.fill_with_error(hidden(truth, mask), mask)
    assert np.array_equal(filled, inpainter(hidden(truth, mask), mask))
    assert error is not None and not error[~mask].any()
    for side in (mask & (np.arange(900) < 450), mask & (np.arange(900) >= 450)):
        assert error[side].mean() == pytest.approx(rms(filled, truth, side), rel=0.1)
    assert ChoosingInpainter({"network": Corrects(truth, 1, 1, 1)}).unmixes


def test_what_is_not_known_is_said() -> None:
    truth, mask = art(40, 40), np.ones((40, 40), bool)
    mask[0, 0] = mask[0, 39] = False
    error = ChoosingInpainter({"a": Noisy(truth, 5, 5, 1)}).fill_with_error(truth, mask)[1]
    assert error is not None
    assert np.isnan(error[mask]).all()


def test_bad_calls() -> None:
    truth = art(20, 20)
    with pytest.raises(UsageError, match="nothing to choose"):
        choose(truth, np.zeros((20, 20), bool), {})
    with pytest.raises(UsageError, match="nothing to choose"):
        ChoosingInpainter({})
    with pytest.raises(MaskError, match="does not fit"):
        choose(truth, np.zeros((20, 21), bool), {"a": Noisy(truth, 1, 1, 1)})
