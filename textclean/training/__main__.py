"""``python -m textclean.training``: train from the command line."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from textclean.errors import TextcleanError
from textclean.training.distributed import is_main
from textclean.training.run import run_from_cli
from textclean.training.task import TrainResult


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m textclean.training", description=__doc__)
    parser.add_argument("--config", type=Path, help="TOML file")
    parser.add_argument("--pack", type=Path, help="training samples")
    parser.add_argument("--val", type=Path, help="validation samples")
    parser.add_argument("--out", type=Path, help="folder of the run")
    parser.add_argument("--init", help="weights to start from")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out")
    parser.add_argument("--minutes", type=float, help="wall-clock budget of the whole run")
    parser.add_argument("--steps", type=int, help="steps of the whole run")
    parser.add_argument("--device", help="auto, cpu, cuda, cuda:N, mps")
    parser.add_argument("--workers", type=int, help="0, 1 = a thread, more = processes")
    parser.add_argument("--perceptual", help="weights of the ADE20k dilated ResNet-50")
    parser.add_argument(
        "--dry-run", dest="dry", action="store_true", help="only draw a sheet of training samples"
    )
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run; returns the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    try:
        result = run_from_cli(**vars(_parser().parse_args(arguments)))
    except TextcleanError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    if not is_main():
        return 0
    if isinstance(result, TrainResult):
        ended = "finished" if result.finished else "paused"
        sys.stderr.write(f"{ended} after {result.steps} steps, {result.hours:.2f} h\n")
        sys.stderr.write(f"weights: {result.weights}\n")
    else:
        sys.stderr.write(f"samples: {result}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
