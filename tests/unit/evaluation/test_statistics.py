"""Rank correlation and Fréchet distance, against SciPy and against closed forms."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import linalg, stats

from textclean.errors import CorruptInputError, FileAccessError, UnsupportedFormatError
from textclean.evaluation.statistics import features_distance, frechet_distance, spearman

pairs = st.lists(st.tuples(st.integers(-4, 4), st.integers(-4, 4)), min_size=3, max_size=30)


@given(pairs)
def test_spearman_agrees_with_scipy_on_ties_too(values):
    a, b = zip(*values, strict=True)
    if len(set(a)) == 1 or len(set(b)) == 1:
        assert math.isnan(spearman(a, b))
    else:
        assert spearman(a, b) == pytest.approx(stats.spearmanr(a, b).statistic, abs=1e-12)


def test_spearman_sees_only_the_order():
    assert spearman([1, 2, 3, 4], [1, 10, 100, 1000]) == pytest.approx(1.0)
    assert spearman([1, 2, 3, 4], [9, 3, 2, -8]) == pytest.approx(-1.0)


def test_spearman_leaves_unknown_values_out():
    nan = math.nan
    assert spearman([1, nan, 2, 3, 4], [1, 5, 2, 3, nan]) == pytest.approx(1.0)
    assert math.isnan(spearman([1, 2, nan], [1, 2, 3]))
    assert math.isnan(spearman([], []))


def test_spearman_refuses_different_lengths():
    with pytest.raises(ValueError, match="2 values against 3"):
        spearman([1, 2], [1, 2, 3])


def test_frechet_distance_agrees_with_the_matrix_square_root():
    rng = np.random.default_rng(2)
    a = rng.normal(size=(300, 6)) @ rng.normal(size=(6, 6))
    b = rng.normal(size=(200, 6)) @ rng.normal(size=(6, 6)) + 1
    cov_a, cov_b = np.cov(a.T), np.cov(b.T)
    root = linalg.sqrtm(cov_a @ cov_b).real
    shift = a.mean(0) - b.mean(0)
    wanted = shift @ shift + np.trace(cov_a + cov_b - 2 * root)
    assert frechet_distance(a, b) == pytest.approx(wanted)
    assert frechet_distance(b, a) == pytest.approx(wanted)


def test_frechet_distance_of_one_dimension_and_of_itself():
    a = np.array([[0.0], [2.0]])  # mean 1, variance 2
    b = np.array([[3.0], [11.0]])  # mean 7, variance 32
    wanted = 36 + (math.sqrt(32) - math.sqrt(2)) ** 2
    assert frechet_distance(a, b) == pytest.approx(wanted)
    assert frechet_distance(a, a) == pytest.approx(0.0, abs=1e-9)


def test_features_of_fewer_rows_than_columns_are_fine():
    rng = np.random.default_rng(4)
    a = rng.normal(size=(5, 40))
    assert frechet_distance(a, a) == pytest.approx(0.0, abs=1e-6)
    assert frechet_distance(a, a + 2) == pytest.approx(160.0)


def test_features_file(tmp_path):
    path = tmp_path / "own.npz"
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(20, 3)), rng.normal(size=(30, 3))
    np.savez(path, cleaned=a, truth=b)
    assert features_distance(path) == frechet_distance(a, b)


def test_features_files_that_cannot_be_used(tmp_path):
    with pytest.raises(FileAccessError):
        features_distance(tmp_path / "missing.npz")
    path = tmp_path / "bad.npz"
    path.write_bytes(b"")
    with pytest.raises(CorruptInputError, match="of plain arrays"):
        features_distance(path)
    good = np.zeros((4, 2))
    np.savez(path, cleaned=good, truth=good)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(CorruptInputError):
        features_distance(path)
    np.savez(path, cleaned=good, truth=np.array([object(), 1], dtype=object))
    with pytest.raises(CorruptInputError):
        features_distance(path)


@pytest.mark.parametrize(
    "arrays",
    [
        {"cleaned": np.zeros((4, 2))},
        {"cleaned": np.zeros((4, 2)), "truth": np.zeros((4, 3))},
        {"cleaned": np.zeros(4), "truth": np.zeros(4)},
        {"cleaned": np.zeros((1, 2)), "truth": np.zeros((4, 2))},
        {"cleaned": np.zeros((4, 2)), "truth": np.array([["a", "b"]] * 4)},
        {"cleaned": np.full((4, 2), np.nan), "truth": np.zeros((4, 2))},
        {"cleaned": np.zeros((4, 2)), "truth": np.full((4, 2), np.inf)},
    ],
)
def test_features_that_cannot_be_compared(tmp_path, arrays):
    path = tmp_path / "own.npz"
    np.savez(path, **arrays)
    with pytest.raises(UnsupportedFormatError) as caught:
        features_distance(path)
    assert caught.value.remedy
