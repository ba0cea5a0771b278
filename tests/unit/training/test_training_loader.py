from __future__ import annotations

import numpy as np
import pytest
import torch

from textclean.training.loader import Loader, Order, seed_step


class Numbers:
    """Each example is its index and a number drawn for it."""

    def __init__(self, broken: int | None = None) -> None:
        self.broken = broken

    def __len__(self) -> int:
        return 7

    def batch(self, indices, rngs):
        if self.broken in indices:
            raise ValueError("broken example")
        drawn = [rng.random() for rng in rngs]
        return {"index": torch.tensor(indices), "drawn": torch.tensor(drawn)}


def take(count: int, start: int = 0, workers: int = 0, **order):
    with Loader(Numbers(), Order(7, **{"batch": 4, **order}), start, workers=workers) as loader:
        return [next(loader) for _ in range(count)]


def same(a, b) -> bool:
    return len(a) == len(b) and all(
        torch.equal(x[k], y[k]) for x, y in zip(a, b, strict=True) for k in x
    )


def test_every_epoch_holds_every_example_once():
    indices = torch.cat([b["index"] for b in take(14)]).tolist()  # 56 = 8 epochs of 7
    epochs = [indices[i : i + 7] for i in range(0, 56, 7)]
    assert all(sorted(epoch) == list(range(7)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) > 1


def test_a_batch_may_be_larger_than_the_data():
    (batch,) = take(1, batch=20)
    counts = np.bincount(batch["index"].numpy(), minlength=7)
    assert set(counts) <= {2, 3}


@pytest.mark.parametrize("workers", [0, 1])
def test_starting_later_gives_the_same_batches(workers):
    assert same(take(6)[4:], take(2, start=4, workers=workers))


@pytest.mark.filterwarnings("ignore:This DataLoader will create")  # on a single core
@pytest.mark.parametrize("workers", [1, 2])
def test_workers_give_the_same_batches(workers):
    assert same(take(5), take(5, workers=workers))


def test_processes_share_the_batch_in_order():
    parts = [take(3, rank=rank, world=2) for rank in range(2)]
    joined = [
        {k: torch.cat([a[k], b[k]]) for k in a} for a, b in zip(*parts, strict=True)
    ]  # fmt: skip
    assert same(joined, take(3))


def test_seeds_change_order_and_variation():
    a, b = take(2), take(2, seed=1)
    assert not torch.equal(a[0]["index"], b[0]["index"])
    assert not torch.equal(a[0]["drawn"], b[0]["drawn"])
    assert not torch.equal(a[0]["drawn"], a[1]["drawn"])


def test_an_error_in_the_background_reaches_the_caller():
    with (
        Loader(Numbers(broken=3), Order(7, 7), 0, workers=1) as loader,
        pytest.raises(ValueError, match="broken example"),
    ):
        next(loader)


def test_closing_stops_the_background_thread():
    loader = Loader(Numbers(), Order(7, 4), 0, workers=1)
    with loader:
        next(loader)
        thread = loader._thread
    assert thread is not None
    assert not thread.is_alive()
    with pytest.raises(RuntimeError, match="not open"):
        next(loader)


def test_the_torch_seed_of_a_step_hangs_on_seed_step_and_rank_alone():
    def drawn(*key):
        seed_step(*key)
        return torch.rand(3)

    first = drawn(1, 2, 0)
    torch.rand(5)
    assert torch.equal(drawn(1, 2, 0), first)
    assert not any(torch.equal(drawn(*key), first) for key in ((0, 2, 0), (1, 3, 0), (1, 2, 1)))
