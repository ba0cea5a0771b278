from __future__ import annotations

import csv
import itertools
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import tiny_training
import torch

import textclean
from textclean.errors import FileAccessError, OptionsError, WeightsError
from textclean.training.checkpoint import NAME, load_checkpoint
from textclean.training.schedule import learning_rate
from textclean.training.trainer import Trainer
from textclean.weights import load_network

ROOT = str(Path(textclean.__file__).parents[1])


@pytest.fixture(autouse=True)
def one_thread():
    """On a busy machine, threads that wait for each other cost more than they give."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def same(a, b) -> bool:
    """Whether two nests of tensors and values are equal, bit for bit."""
    if isinstance(a, torch.Tensor):
        return a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return a == b


def state(trainer: Trainer):
    return {
        "networks": {p.name: p.network.state_dict() for p in trainer.task.players},
        "optimizers": {n: o.state_dict() for n, o in trainer.optimizers.items()},
        "average": trainer.average.network.state_dict(),
        "updates": trainer.average.updates,
        "step": trainer.step,
    }


def test_twenty_steps_are_ten_and_ten_resumed(tmp_path):
    whole_data, first_data, second_data = (tiny_training.pack() for _ in range(3))
    whole = tiny_training.trainer(tiny_training.config(tmp_path / "a"), whole_data)
    assert whole.run().finished
    first = tiny_training.trainer(tiny_training.config(tmp_path / "b"), first_data)
    assert not first.run(until=10).finished
    torch.manual_seed(99)  # nothing may hang on what a process drew before
    second = tiny_training.trainer(tiny_training.config(tmp_path / "b"), second_data)
    second.resume()
    assert second.step == 10
    assert second.run().finished
    assert same(state(second), state(whole))
    head = len(first_data.taken)
    tail = second_data.taken[-(len(whole_data.taken) - head) :]  # before it: fingerprints
    assert first_data.taken + tail == whole_data.taken
    name = "weights.safetensors"
    whole_file, resumed_file = (
        load_network(tmp_path / "a" / name),
        load_network(tmp_path / "b" / name),
    )
    assert same(whole_file.module.state_dict(), resumed_file.module.state_dict())


def test_a_killed_run_goes_on_from_its_last_checkpoint(tmp_path, monkeypatch):
    cfg = tiny_training.config(tmp_path / "a", checkpoint_minutes=0.0, steps=8)
    killed = tiny_training.trainer(cfg)
    step = Trainer._train_step

    def dies(self, batch, progress):
        if self.step == 5:
            raise RuntimeError("killed")
        return step(self, batch, progress)

    monkeypatch.setattr(Trainer, "_train_step", dies)
    with pytest.raises(RuntimeError, match="killed"):
        killed.run()
    monkeypatch.undo()
    again = tiny_training.trainer(cfg)
    again.resume()
    assert again.step == 5
    again.run()
    whole = tiny_training.trainer(tiny_training.config(tmp_path / "b", steps=8))
    whole.run()
    assert same(state(again), state(whole))


def test_workers_do_not_change_the_result(tmp_path):
    results = []
    for workers in (0, 1):
        cfg = tiny_training.config(tmp_path / str(workers), workers=workers, steps=3)
        trainer = tiny_training.trainer(cfg)
        trainer.run()
        results.append(state(trainer))
    assert same(*results)


def test_the_seed_changes_the_result(tmp_path):
    results = []
    for seed in (0, 1):
        cfg = tiny_training.config(tmp_path / str(seed), seed=seed, steps=2)
        trainer = tiny_training.trainer(cfg)
        trainer.run()
        results.append(state(trainer)["average"])
    assert not same(*results)


def test_training_lowers_the_error(tmp_path):
    loss = {"psnr": 0.1}
    cfg = tiny_training.config(tmp_path, loss=loss, steps=120, lr=4e-3, ema=0.9)
    validation = tiny_training.pack(6, 32)
    trainer = tiny_training.trainer(cfg, validation=validation)
    with torch.inference_mode():
        before = trainer.task.validate(trainer.average.network, torch.device("cpu"))
    result = trainer.run()
    assert result.score > before.score + 0.5
    rows = (tmp_path / "log.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows[1:]] == [str(s) for s in range(5, 121, 5)]


def test_a_run_leaves_weights_logs_and_a_preview(tmp_path):
    cfg = tiny_training.config(tmp_path, steps=4, validate_steps=2)
    trainer = tiny_training.trainer(cfg, validation=tiny_training.pack(4, 32))
    result = trainer.run()
    assert {p.name for p in tmp_path.iterdir()} == {
        NAME, "log.csv", "validation.csv", "preview", "weights.safetensors", "best.safetensors"
    }  # fmt: skip
    assert sorted(p.name for p in (tmp_path / "preview").iterdir()) == [
        "0000002.png",
        "0000004.png",
    ]
    assert result.best == tmp_path / "best.safetensors"
    loaded = load_network(result.weights)
    assert '"steps": 4' in loaded.metadata["training"]
    assert trainer.task.data_hash in loaded.metadata["training"]
    average = trainer.average.network.state_dict()
    for name, tensor in loaded.module.state_dict().items():
        assert torch.allclose(tensor, average[name], atol=1e-3, rtol=1e-3), name


def test_a_time_budget_ends_the_run_and_a_resumed_run_keeps_to_it(tmp_path):
    cfg = tiny_training.config(tmp_path, steps=0, minutes=0.01)
    result = tiny_training.trainer(cfg).run()
    assert result.finished
    assert result.steps > 0
    again = tiny_training.trainer(cfg)
    again.resume()
    assert again.progress(again.seconds) == 1
    assert again.run().steps == result.steps


def test_a_signal_pauses_the_run_with_a_checkpoint(tmp_path, monkeypatch):
    cfg = tiny_training.config(tmp_path)
    step = Trainer._train_step

    def interrupted(self, batch, progress):
        if self.step == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        return step(self, batch, progress)

    monkeypatch.setattr(Trainer, "_train_step", interrupted)
    handler = signal.getsignal(signal.SIGTERM)
    result = tiny_training.trainer(cfg).run()
    assert (result.steps, result.finished) == (4, False)
    assert load_checkpoint(tmp_path / NAME).step == 4
    assert signal.getsignal(signal.SIGTERM) is handler


def test_the_gradient_is_clipped(tmp_path):
    cfg = tiny_training.config(tmp_path, clip=1e-3, steps=1, loss={"mse": 1e6})
    trainer = tiny_training.trainer(cfg)
    trainer.run()
    norm = sum(
        p.grad.square().sum() for p in trainer.task.players[0].network.parameters()
    ) ** 0.5  # fmt: skip
    assert norm.item() == pytest.approx(1e-3, rel=1e-3)


def test_a_step_without_a_finite_gradient_is_skipped_and_many_end_the_run(tmp_path, monkeypatch):
    cfg = tiny_training.config(tmp_path, loss={}, steps=50)
    trainer = tiny_training.trainer(cfg)
    weights = {n: p.clone() for n, p in trainer.task.players[0].network.named_parameters()}
    pixels = trainer.task.players[0].pixels
    monkeypatch.setattr(
        pixels, "forward", lambda painted, output, *_: {"mse": output.mean() * float("nan")}
    )
    with pytest.raises(OptionsError, match="not been finite"):
        trainer.run()
    for name, parameter in trainer.task.players[0].network.named_parameters():
        assert torch.equal(parameter, weights[name])


def test_a_bad_step_now_and_then_does_not_end_the_run(tmp_path, monkeypatch):
    cfg = tiny_training.config(tmp_path, loss={}, steps=50)
    trainer = tiny_training.trainer(cfg)
    pixels = trainer.task.players[0].pixels
    factors = itertools.cycle([float("nan"), 1.0])
    monkeypatch.setattr(
        pixels, "forward", lambda painted, output, *_: {"mse": output.mean() * next(factors)}
    )
    assert trainer.run().steps == 50
    moments = trainer.optimizers["generator"].state_dict()["state"]
    assert all(torch.isfinite(m["exp_avg"]).all() for m in moments.values())


def test_the_rate_of_each_step_is_that_of_the_schedule(tmp_path):
    cfg = tiny_training.config(tmp_path, steps=6, log_every=1)
    tiny_training.trainer(cfg).run()
    with (tmp_path / "log.csv").open(newline="") as file:
        rates = [float(row["lr"]) for row in csv.DictReader(file)]
    assert rates == pytest.approx([learning_rate(cfg, s, s / 6) for s in range(6)], rel=1e-5)


def test_the_rate_rises_linearly_and_falls_as_a_cosine(tmp_path):
    cfg = tiny_training.config(tmp_path, lr=1.0, warmup=10, final_lr=0.1)
    assert learning_rate(cfg, 0, 0.0) == pytest.approx(0.1)
    assert learning_rate(cfg, 4, 0.0) == pytest.approx(0.5)
    assert learning_rate(cfg, 10, 0.0) == pytest.approx(1.0)
    assert learning_rate(cfg, 10, 0.5) == pytest.approx(0.55)
    assert learning_rate(cfg, 10, 1.0) == pytest.approx(0.1)


def test_another_model_cannot_be_resumed_and_other_settings_are_told(tmp_path, caplog):
    tiny_training.trainer(tiny_training.config(tmp_path)).run(until=1)
    model = {**tiny_training.MODEL, "widths": [4, 8]}
    other = tiny_training.trainer(tiny_training.config(tmp_path, model=model))
    with pytest.raises(WeightsError, match="model"):
        other.resume()
    changed = tiny_training.trainer(tiny_training.config(tmp_path, lr=5e-4), tiny_training.pack(11))
    changed.resume()
    assert "lr was 0.001, is 0.0005" in caplog.text
    assert "training data" in caplog.text


def test_a_damaged_checkpoint_is_an_error(tmp_path):
    trainer = tiny_training.trainer(tiny_training.config(tmp_path))
    with pytest.raises(FileAccessError, match="no checkpoint"):
        trainer.resume()
    for data in (b"", b"nonsense", b"PK\x03\x04 and no more"):
        (tmp_path / NAME).write_bytes(data)
        with pytest.raises(WeightsError):
            trainer.resume()
    torch.save({"step": 1}, tmp_path / NAME)
    with pytest.raises(WeightsError, match="not a training checkpoint"):
        trainer.resume()


def test_a_run_needs_an_end(tmp_path):
    with pytest.raises(OptionsError, match="no end"):
        tiny_training.trainer(tiny_training.config(tmp_path, steps=0))


def test_two_processes_take_the_steps_of_one_with_the_joint_batch(tmp_path):
    steps = 3
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    shared = {**os.environ, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": "2"}
    shared["PYTHONPATH"] = os.pathsep.join(filter(None, [ROOT, os.environ.get("PYTHONPATH")]))
    program = [sys.executable, str(Path(tiny_training.__file__)), str(tmp_path / "two"), str(steps)]
    crew = [
        subprocess.Popen(
            program, env={**shared, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stderr=subprocess.PIPE, text=True,
        )
        for rank in range(2)
    ]  # fmt: skip
    for process in crew:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
    alone = tiny_training.trainer(tiny_training.config(tmp_path / "one", steps=steps, warmup=0))
    alone.run()
    both = load_checkpoint(tmp_path / "two" / NAME)
    for name, network in state(alone)["networks"].items():
        for key, tensor in network.items():
            # Adam turns rounding of gradients near zero into a visible part of a step of 1e-3.
            assert torch.allclose(both.networks[name][key], tensor, atol=2e-5), (name, key)
        moments = alone.optimizers[name].state_dict()["state"]
        for index, moment in both.optimizers[name]["state"].items():
            mine = moments[index]["exp_avg"]
            scale = mine.abs().max().item()
            assert torch.allclose(moment["exp_avg"], mine, atol=1e-4 * scale), (name, index)
    one, two = ((tmp_path / n / "log.csv").read_text().splitlines() for n in ("one", "two"))
    assert one[0] == two[0]
    column = one[0].split(",").index("loss")
    assert float(two[1].split(",")[column]) == pytest.approx(
        float(one[1].split(",")[column]), rel=1e-4
    )
