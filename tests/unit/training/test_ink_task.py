from __future__ import annotations

import math
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from textclean.errors import (
    CorruptInputError,
    FileAccessError,
    OptionsError,
    OutputExistsError,
    WeightsError,
)
from textclean.nets.ink import CLASSES, InkUNet
from textclean.training import distributed, run
from textclean.training.checkpoint import NAME, load_checkpoint
from textclean.training.config import TrainConfig
from textclean.training.ink_data import (
    IGNORED,
    InkData,
    InkExamples,
    augment,
    class_shares,
    fingerprint,
    on_device,
    to_batch,
)
from textclean.training.ink_losses import InkLoss, InkReading, cross_entropy, dice
from textclean.training.ink_networks import evened, make_network, plain
from textclean.training.ink_samples import BUBBLE, UNKNOWN, InkPack, InkPackWriter, InkSample
from textclean.training.ink_task import InkTask
from textclean.training.ink_validation import Judge
from textclean.training.trainer import Trainer
from textclean.weights import load_network

CPU = torch.device("cpu")
MODEL = {"widths": [4, 64], "blocks": [1, 1]}
SHARES = [0.9, 0.05, 0.02, 0.01, 0.01, 0.01]


def sample(number: int, size: int = 40, family: str = "comic") -> InkSample:
    """A white page with a dark square of lettering, another class, an unknown row, a bubble."""
    rng = np.random.default_rng(number)
    shown = rng.integers(200, 256, (size, size, 3), dtype=np.uint8)
    labels = np.zeros((size, size), np.uint8)
    labels[4:14, 5:15] = 1
    labels[20:26, 6:30] = 1 if family == "comic" else 2 + number % 4
    shown[labels > 0] //= 4
    labels[15] = UNKNOWN
    labels[2:30, 2:20] |= BUBBLE
    return InkSample(shown, labels, family)


def pack(count: int = 8, size: int = 40) -> list[InkSample]:
    return [sample(i, size, ("comic", "document")[i % 2]) for i in range(count)]


def config(out: Path | str, **changes: object) -> TrainConfig:
    values = {
        "task": "ink", "out": str(out), "model": MODEL, "data": {"size": 32, "rows": 2},
        "steps": 4, "batch": 2, "warmup": 2, "ema": 0.9, "workers": 0, "device": "cpu",
        "log_every": 1,
    }  # fmt: skip
    return TrainConfig(**{**values, **changes})


def trainer(cfg: TrainConfig) -> Trainer:
    torch.manual_seed(cfg.seed)
    task = InkTask(cfg, pack(), pack(3))
    return Trainer(cfg, task, distributed.World(), CPU)


def write(folder: Path, numbers: list[int], count: int = 4) -> InkPackWriter:
    writer = InkPackWriter(folder, count, 40, ("comic", "document"), {"seed": 1})
    for number in numbers:
        writer.write(number, pack()[number])
    return writer


def same(one: InkSample, other: InkSample) -> bool:
    pixels = np.array_equal(one.shown, other.shown) and np.array_equal(one.labels, other.labels)
    return pixels and one.family == other.family


def test_what_is_written_is_read(tmp_path):
    assert write(tmp_path / "p", [0, 3]).missing() == [1, 2]
    half = InkPack(tmp_path / "p")
    assert len(half) == 2
    assert same(half[1], pack()[3])
    write(tmp_path / "p", [1, 2])
    whole = pickle.loads(pickle.dumps(InkPack(tmp_path / "p")))
    assert all(same(whole[i], pack()[i]) for i in range(4))


def test_packs_that_are_none_are_told(tmp_path):
    with pytest.raises(FileAccessError, match="not a pack"):
        InkPack(tmp_path)
    write(tmp_path / "p", [])
    with pytest.raises(CorruptInputError, match="no finished"):
        InkPack(tmp_path / "p")
    with pytest.raises(OutputExistsError, match="another recipe"):
        InkPackWriter(tmp_path / "p", 5, 40, ("comic",))
    (tmp_path / "p" / "labels.npy").write_bytes(b"no")
    with pytest.raises(CorruptInputError, match="labels"):
        InkPack(tmp_path / "p")
    (tmp_path / "p" / "pack.json").write_text('{"format": 1}')
    with pytest.raises(CorruptInputError, match="format"):
        InkPack(tmp_path / "p")


def test_augmentation_moves_labels_with_their_pixels():
    turned = set()
    for seed in range(40):
        out = augment(sample(0), np.random.default_rng(seed), 32)
        assert out.shown.shape == (32, 32, 3)
        assert out.labels.shape == (32, 32)
        ink = (out.labels & UNKNOWN) == 1
        paper = (out.labels & UNKNOWN) == 0
        inside, outside = out.shown[ink].mean(), out.shown[paper].mean()
        turned.add(bool(inside > outside))
        assert abs(inside - outside) > 60
    assert turned == {False, True}  # inverted now and then
    with pytest.raises(ValueError, match="less than"):
        augment(sample(0), np.random.default_rng(0), 48)


def test_documents_are_never_inverted():
    for seed in range(40):
        for number, family in ((0, "document"), (1, "art")):  # the second holds a highlighter
            out = augment(sample(number, family=family), np.random.default_rng(seed), 40)
            ink = (out.labels & UNKNOWN) == 1
            assert out.shown[ink].mean() < out.shown[(out.labels & UNKNOWN) == 0].mean()


def test_examples_are_varied_by_their_generators_alone():
    examples = InkExamples(pack(), InkData(size=32))
    drawn = [
        examples.batch([0, 1], [np.random.default_rng((s, i)) for i in range(2)]) for s in (0, 0, 1)
    ]
    assert all(torch.equal(drawn[0][k], drawn[1][k]) for k in drawn[0])
    assert not torch.equal(drawn[0]["shown"], drawn[2]["shown"])


def test_batches_on_the_device():
    ready = on_device(to_batch(pack(2)), CPU)
    assert ready["shown"].is_contiguous(memory_format=torch.channels_last)
    assert ready["shown"].max() <= 1
    assert (ready["classes"][:, 15] == IGNORED).all()
    assert set(ready["classes"].unique().tolist()) == {IGNORED, 0, 1, 3}
    assert ready["bubble"].sum() == 2 * 28 * 18


def test_packs_are_told_apart_and_counted():
    assert fingerprint(pack()) == fingerprint(pack())
    assert fingerprint(pack()) != fingerprint(pack(7))
    shares = class_shares(pack(1), 6)
    assert shares.sum() == pytest.approx(1)
    assert shares[1] == pytest.approx((100 + 144) / (40 * 39))


def test_rare_classes_weigh_more_up_to_a_limit():
    assert InkLoss(rare=4).class_weights([0.9, 0.1, 0.001, 0.0]) == pytest.approx([1, 3, 4, 4])
    assert InkLoss(rare=1).class_weights([0.9, 0.1]) == (1, 1)
    for table in ({"rare": 0.5}, {"cross": -1}, {"cross": 0, "dice": 0, "bubble": 0}):
        with pytest.raises(OptionsError):
            InkLoss(**table)


def test_losses_are_what_they_are_called():
    classes = torch.tensor([[[0, 1, 1, IGNORED]]])
    chances = torch.tensor([[0.9, 0.2, 0.5, 0.3], [0.1, 0.8, 0.5, 0.7]])[None, :, None]
    weights = torch.tensor([1.0, 3.0])
    expected = -(math.log(0.9) + 3 * math.log(0.8) + 3 * math.log(0.5)) / 7
    assert cross_entropy(chances.log(), classes, weights).item() == pytest.approx(expected)
    expected = 1 - (2 * 1.3 + 64) / (1.4 + 2 + 64)
    assert dice(chances, classes).item() == pytest.approx(expected, abs=1e-6)
    assert dice(chances, torch.zeros_like(classes)).item() == 0


def test_unknown_pixels_teach_nothing_but_their_bubble():
    torch.manual_seed(0)
    player = InkReading(InkUNet(make_network(config("o")).spec), InkLoss(), SHARES)
    blank = replace(sample(0), labels=np.full((40, 40), UNKNOWN, np.uint8))
    terms = player(on_device(to_batch([blank]), CPU), 0.0)
    assert terms["cross"].item() == terms["dice"].item() == 0
    assert terms["bubble"].item() > 0
    torch.stack(list(terms.values())).sum().backward()
    head = player.network.head.weight.grad.view(7, 4, -1)
    assert not head[:6].any()
    assert head[6].any()


def test_evened_networks_compute_the_same_and_become_plain_again():
    network = make_network(config("o")).eval()
    image = torch.rand(1, 3, 16, 16)
    before = network(image).detach()
    state = {name: value.clone() for name, value in network.state_dict().items()}
    even = evened(network)
    assert any("original" in name for name in even.state_dict())
    assert torch.allclose(even(image), before, atol=1e-5)
    back = plain(even).state_dict()
    assert set(back) == set(state)
    assert all(torch.allclose(back[name], state[name], atol=1e-6) for name in state)


def test_steps_shrink_with_the_inputs_of_a_convolution():
    network = evened(make_network(config("o")))
    wide = network.bottom[0].conv1
    before, optimizer = wide.weight.detach().clone(), torch.optim.Adam(network.parameters(), 1e-3)
    network(torch.rand(1, 3, 16, 16)).square().sum().backward()
    optimizer.step()
    moved = (wide.weight - before).abs().median().item()
    assert moved == pytest.approx(1e-3 * 144 / (64 * 9), rel=1e-2)


def test_a_resumed_run_is_the_uninterrupted_one(tmp_path):
    trainer(config(tmp_path / "a")).run()
    trainer(config(tmp_path / "b")).run(until=2)
    again = trainer(config(tmp_path / "b"))
    again.resume()
    assert again.step == 2
    again.run()
    one, two = (load_checkpoint(tmp_path / name / NAME) for name in "ab")
    for left, right in ((one.networks["ink"], two.networks["ink"]), (one.average, two.average)):
        assert all(torch.equal(left[name], right[name]) for name in left)
    files = [(tmp_path / name / "weights.safetensors") for name in "ab"]
    states = [load_network(file).module.state_dict() for file in files]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_training_lowers_the_loss_and_exports_a_plain_network(tmp_path):
    cfg = config(tmp_path / "o", steps=40, batch=4, lr=5e-3)
    trainer(cfg).run()
    rows = (tmp_path / "o" / "log.csv").read_text().splitlines()
    column = rows[0].split(",").index("loss")
    losses = [float(row.split(",")[column]) for row in rows[1:]]
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:5])
    loaded = load_network(tmp_path / "o" / "weights.safetensors")
    assert set(loaded.module.state_dict()) == set(InkUNet(loaded.spec).state_dict())
    init = str(tmp_path / "o" / "weights.safetensors")
    tuned = make_network(replace(cfg, init=init, model={}))
    assert all(p.requires_grad for p in tuned.parameters())
    with pytest.raises(WeightsError, match="widths"):
        make_network(replace(cfg, init=init, model={"widths": [4, 8]}))


@pytest.mark.parametrize(
    "table",
    [{"model": {"widths": [4]}}, {"model": {"depth": 1}}, {"data": {"size": 30}},
     {"data": {"size": 64}}, {"data": {"rows": -1}}, {"loss": {"focal": 1}}],
)  # fmt: skip
def test_tables_that_make_no_sense_are_told(table):
    with pytest.raises(OptionsError):
        InkTask(config("o", **table), pack(2))


class Oracle(nn.Module):
    """Knows the truth of some samples, save that it takes some classes for others."""

    def __init__(self, samples: list[InkSample], mistaken: dict[int, int]) -> None:
        super().__init__()
        self.truth = {s.shown.tobytes(): s.labels for s in samples}
        self.mistaken = mistaken

    def forward(self, image):
        shown = (image * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
        labels = [self.truth[np.ascontiguousarray(s).tobytes()] for s in shown]
        logits = torch.zeros(len(labels), 7, *image.shape[2:])
        for i, values in enumerate(labels):
            classes = torch.from_numpy((values & UNKNOWN).astype(np.int64)) % UNKNOWN
            for real, said in self.mistaken.items():
                classes[classes == real] = said
            logits[i, :6].scatter_(0, classes[None], 1.0)
            logits[i, 6] = torch.from_numpy(values >= BUBBLE).float() - 0.5
        return logits


def test_figures_of_known_answers():
    samples = pack(4)
    judge = Judge(samples, InkData(size=32, rows=2, validation_batch=3), 8)
    perfect = judge(Oracle(samples, {}), CPU)
    assert perfect.score == 1
    assert perfect.metrics["lettering/recall"] == 1
    assert perfect.metrics["document/taken for ink"] == 0
    # Highlighter (144 pixels of sample 1) taken for print; lettering for nothing.
    wrong = judge(Oracle(samples, {3: 5, 1: 0}), CPU)
    assert wrong.metrics["highlighter/recall"] == 0
    assert wrong.metrics["print/precision"] == pytest.approx(0.5)
    assert wrong.metrics["print/iou"] == pytest.approx(0.5)
    assert wrong.metrics["comic/ink found"] == 0
    assert wrong.score == pytest.approx((0 + 0 + 0.5 + 1) / 4)
    assert "mean IoU" in wrong.table
    assert all(name in wrong.table for name in CLASSES)
    assert wrong.sheet is not None
    assert wrong.sheet.shape[2] == 3


def test_the_task_is_known_by_name():
    assert run.TASKS["ink"].endswith(":InkTask")
