"""The training loop. It knows players, batches and time; what is learned is the task's affair."""

from __future__ import annotations

import logging
import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from textclean.errors import OptionsError
from textclean.training import distributed
from textclean.training.checkpoint import (
    NAME,
    Checkpoint,
    check_resumable,
    load_checkpoint,
    save_checkpoint,
)
from textclean.training.ema import WeightAverage, has_batch_norm, recalibrated
from textclean.training.loader import Loader, Order, seed_step
from textclean.training.log import Diary, Meter, save_png
from textclean.training.schedule import interruptible, learning_rate
from textclean.training.task import Batch, Player, Task, TrainResult, Validation

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator

    from torch import Tensor

    from textclean.training.config import TrainConfig
    from textclean.training.distributed import World

logger = logging.getLogger("textclean.training")

_BAD_STEPS = 20
"""Steps in a row without a finite gradient after which a run is given up."""


class Trainer:
    """One run of a task.

    Args:
        config: The run.
        task: What is learned.
        here: Which of several processes this is.
        device: Where the networks live.
    """

    def __init__(self, config: TrainConfig, task: Task, here: World, device: torch.device) -> None:
        if not (config.steps or config.minutes):
            raise OptionsError("the run has no end", remedy="Give it one with --minutes or `steps`")
        if config.batch % here.size:
            raise OptionsError(
                f"a batch of {config.batch} cannot be shared by {here.size} processes"
            )
        self.config, self.task, self.here, self.device = config, task, here, device
        self.out = Path(config.out)
        self.step = 0
        self.best: float | None = None
        self.validation: Validation | None = None
        self._before = 0.0  # seconds of earlier parts of the run
        self._began = time.monotonic()
        self._bad = {p.name: 0 for p in task.players}
        for player in task.players:
            player.to(device).train()
            player.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizers = {p.name: self._optimizer(p) for p in task.players}
        self.average = WeightAverage(task.players[0].network, config.ema)
        self.calls = {p.name: self._shared(p) for p in task.players}

    def _optimizer(self, player: Player) -> torch.optim.Optimizer:
        c = self.config
        return torch.optim.AdamW(
            player.network.parameters(),
            lr=c.lr,
            betas=c.betas,
            weight_decay=c.weight_decay,
            fused=self.device.type in ("cpu", "cuda"),
        )

    def _shared(self, player: Player) -> nn.Module:
        if self.here.size == 1:
            return player
        if self.device.type == "cuda" and has_batch_norm(player.network):
            player.network = nn.SyncBatchNorm.convert_sync_batchnorm(player.network)  # type: ignore[no-untyped-call]
        return DistributedDataParallel(
            player, broadcast_buffers=False, gradient_as_bucket_view=True
        )

    @property
    def seconds(self) -> float:
        """Wall-clock seconds of the run so far."""
        return self._before + time.monotonic() - self._began

    def progress(self, seconds: float) -> float:
        """How much of the run is done, 0 to 1: of its steps, or else of its time."""
        c = self.config
        return min(1.0, self.step / c.steps if c.steps else seconds / (60 * c.minutes))

    # --- the loop -------------------------------------------------------------------------------

    def run(self, until: int | None = None) -> TrainResult:
        """Train to the end of the run, or to a step, or until interrupted; then save everything.

        Args:
            until: Step after which to pause; the run can be resumed.
        """
        c, here, examples = self.config, self.here, self.task.examples
        order = Order(len(examples), c.batch, c.seed, here.rank, here.size)
        pin = self.device.type == "cuda"
        loader = Loader(examples, order, self.step, workers=c.workers, pin=pin)
        with interruptible() as stopped, Diary(self.out, self.step, here.is_main) as diary, loader:
            self._loop(loader, diary, until, stopped)
            finished = self._over(self.seconds, until=None)
            self.save()  # validation takes minutes, in which the run may be killed
            self._validate(diary)
        self.save()
        distributed.barrier()
        judged = self.validation
        return TrainResult(
            steps=self.step,
            hours=self.seconds / 3600,
            finished=finished,
            weights=self.out / "weights.safetensors",
            best=self.out / "best.safetensors" if self.best is not None else None,
            score=judged.score if judged else None,
            metrics=dict(judged.metrics) if judged else {},
        )

    def _loop(
        self, loader: Loader, diary: Diary, until: int | None, stopped: threading.Event
    ) -> None:
        c, meter = self.config, Meter()
        saved = validated = self.seconds
        while True:
            seconds, stop = distributed.from_main([self.seconds, stopped.is_set()], self.device)
            if stop or self._over(seconds, until):
                break
            with meter.timed("data"):
                batch = next(loader)
            with meter.timed("step"):
                meter.add(self._train_step(batch, self.progress(seconds)))
            if self.step % c.log_every == 0:
                self._log(diary, meter)
            if not self.here.is_main:
                continue
            if self.seconds - saved >= 60 * c.checkpoint_minutes:
                self.save()
                saved = self.seconds
            timely = c.validate_minutes and self.seconds - validated >= 60 * c.validate_minutes
            if timely or (c.validate_steps and self.step % c.validate_steps == 0):
                self._validate(diary)
                validated = self.seconds
        if meter.steps:
            self._log(diary, meter)

    def _log(self, diary: Diary, meter: Meter) -> None:
        figures = {"seconds": self.seconds, **distributed.mean_figures(meter.take())}
        diary.trained(self.step, self.progress(self.seconds), figures)

    def _over(self, seconds: float, until: int | None) -> bool:
        c = self.config
        if until is not None and self.step >= until:
            return True
        return bool((c.steps and self.step >= c.steps) or (c.minutes and seconds >= 60 * c.minutes))

    def _train_step(self, batch: Batch, progress: float) -> dict[str, Tensor]:
        """One optimiser step of every active player; figures for the log, on the device."""
        c = self.config
        seed_step(c.seed, self.step, self.here.rank)
        batch = self.task.prepare(batch, self.device)
        rate = learning_rate(c, self.step, progress)
        figures: dict[str, Tensor] = {"lr": torch.tensor(rate)}
        for index, player in enumerate(self.task.players):
            if not player.active(progress):
                continue
            prefix = f"{player.name}/" if index else ""
            terms = self._update(player, batch, progress, rate)
            figures |= {prefix + name: value for name, value in terms.items()}
        self.average.update(self.task.players[0].network)
        self.step += 1
        return figures

    def _update(
        self, player: Player, batch: Batch, progress: float, rate: float
    ) -> dict[str, Tensor]:
        """Forward, backward and step of one player."""
        c = self.config
        optimizer = self.optimizers[player.name]
        for group in optimizer.param_groups:
            group["lr"] = rate * player.lr
        optimizer.zero_grad(set_to_none=True)
        half = c.amp and self.device.type == "cuda"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=half):
            terms: dict[str, Tensor] = self.calls[player.name](batch, progress)
        loss = torch.stack([term.float() for term in terms.values()]).sum()
        loss.backward()  # type: ignore[no-untyped-call]
        limit = c.clip or math.inf
        norm = nn.utils.clip_grad_norm_(player.network.parameters(), limit)
        if bool(torch.isfinite(norm)):
            optimizer.step()
            self._bad[player.name] = 0
        else:
            self._give_up_on_nonsense(player)
        detached = {name: term.detach() for name, term in terms.items()}
        return {**detached, "loss": loss.detach(), "gradient": norm.detach()}

    def _give_up_on_nonsense(self, player: Player) -> None:
        self._bad[player.name] += 1
        if self._bad[player.name] >= _BAD_STEPS:
            raise OptionsError(
                f"the gradient of the {player.name} has not been finite for {_BAD_STEPS} steps; "
                f"lr = {self.config.lr} is too much",
                remedy="Resume from the last checkpoint with a smaller one",
            )

    # --- judging and saving ---------------------------------------------------------------------

    def _validate(self, diary: Diary) -> None:
        """Judge the averaged network, write its weights and a preview; on the main process."""
        if not self.here.is_main:
            return
        task, average = self.task, self.average.network
        network = recalibrated(average, self._calibration(), task.run)
        with torch.inference_mode():
            judged = task.validate(network, self.device)
        metadata = self._metadata(judged)
        task.export(network, self.out / "weights.safetensors", metadata)
        if judged is None:
            return
        self.validation = judged
        figures = {"seconds": self.seconds, "score": judged.score, **judged.metrics}
        diary.judged(self.step, figures, judged.table)
        if judged.sheet is not None:
            save_png(judged.sheet, self.out / "preview" / f"{self.step:07d}.png")
        if self.best is None or judged.score > self.best:
            self.best = judged.score
            task.export(network, self.out / "best.safetensors", metadata)

    def _calibration(self) -> Iterator[Batch]:
        examples = self.task.examples
        order = Order(len(examples), self.config.batch, self.config.seed)
        for step in range(self.config.recalibrate):
            batch = examples.batch(order.indices(step), order.generators(step))
            yield self.task.prepare(batch, self.device)

    def _metadata(self, judged: Validation | None) -> dict[str, Any]:
        return {
            "task": self.config.task,
            "seed": self.config.seed,
            "steps": self.step,
            "hours": round(self.seconds / 3600, 4),
            "data": self.task.data_hash,
            "validation": dict(judged.metrics) if judged else {},
        }

    def save(self) -> None:
        """Write the checkpoint; on the main process."""
        if not self.here.is_main:
            return
        players = self.task.players
        state = Checkpoint(
            step=self.step,
            seconds=self.seconds,
            config=self.config.as_dict(),
            data_hash=self.task.data_hash,
            networks={p.name: p.network.state_dict() for p in players},
            optimizers={name: o.state_dict() for name, o in self.optimizers.items()},
            average=self.average.network.state_dict(),
            updates=self.average.updates,
            best=self.best,
        )
        save_checkpoint(state, self.out / NAME)

    def resume(self) -> None:
        """Go on from the checkpoint in the output folder."""
        state = load_checkpoint(self.out / NAME)
        for line in check_resumable(state, self.config, self.task.data_hash):
            logger.warning("resumed run differs: %s", line)
        for player in self.task.players:
            player.network.load_state_dict(state.networks[player.name])
            self.optimizers[player.name].load_state_dict(state.optimizers[player.name])
        self.average.network.load_state_dict(state.average)
        self.average.updates = state.updates
        self.step, self.best, self._before = state.step, state.best, state.seconds
