"""The commands that train: ``textclean train inpaint`` and ``textclean train ink``."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from textclean.cli import parameters as p
from textclean.cli.console import Console, put
from textclean.errors import OptionsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TRAIN_EXAMPLES = (
    "textclean train inpaint --art pages-without-text/ --out run/ --minutes 600",
    "textclean train inpaint --pack samples/ --val validation/ --out run/ --minutes 60",
    "textclean train inpaint --config recipe.toml --out run/ --resume",
)
INK_EXAMPLES = (
    "textclean train ink --art pages-without-text/ --lettering layers/ --out run/ --minutes 600",
    "textclean train ink --config recipe.toml --out run/ --resume",
)

train = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")

Config = Annotated[
    Path | None, typer.Option(help="The run as TOML; options win over it.", metavar="FILE")
]
Art = Annotated[
    Path | None,
    typer.Option(help="Pages without text to draw samples from, first.", metavar="DIR"),
]
Lettering = Annotated[
    Path | None,
    typer.Option(help="With --art: lettering layers of those pages.", metavar="DIR"),
]
Fonts = Annotated[
    list[Path] | None,
    typer.Option(
        help="With --art: fonts to letter with, all installed ones by default; may be repeated.",
        metavar="PATH",
    ),
]
Pack = Annotated[Path | None, typer.Option(help="Training samples made before.", metavar="PATH")]
Val = Annotated[Path | None, typer.Option(help="Validation samples.", metavar="PATH")]
Out = Annotated[Path | None, typer.Option(help="Folder of the run.", metavar="DIR")]
Init = Annotated[str | None, typer.Option(help="Weights to start from.", metavar="NAME|FILE")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint in --out.")]
Minutes = Annotated[
    float | None, typer.Option(help="Wall-clock budget of the whole run.", metavar="N")
]
Steps = Annotated[int | None, typer.Option(help="Steps of the whole run.", metavar="N")]
Workers = Annotated[
    int | None, typer.Option(help="0, 1 = a thread, more = processes.", metavar="N")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only draw a sheet of training samples.")]


@train.callback()
def train_group() -> None:
    """Train a network on synthetic pages, or on pages of your own."""


def train_inpaint(
    config: Config = None,
    art: Art = None,
    lettering: Lettering = None,
    fonts: Fonts = None,
    pack: Pack = None,
    val: Val = None,
    out: Out = None,
    init: Init = None,
    resume: Resume = False,
    minutes: Minutes = None,
    steps: Steps = None,
    workers: Workers = None,
    perceptual: Annotated[
        str | None,
        typer.Option(help="Weights of the ADE20k dilated ResNet-50.", metavar="FILE"),
    ] = None,
    device: p.Device = None,
    dry_run: DryRun = False,
    quiet: p.Quiet = False,
) -> None:
    """Train an inpainting network."""
    _train("inpaint", locals())


def train_ink(
    config: Config = None,
    art: Art = None,
    lettering: Lettering = None,
    fonts: Fonts = None,
    pack: Pack = None,
    val: Val = None,
    out: Out = None,
    init: Init = None,
    resume: Resume = False,
    minutes: Minutes = None,
    steps: Steps = None,
    workers: Workers = None,
    device: p.Device = None,
    dry_run: DryRun = False,
    quiet: p.Quiet = False,
) -> None:
    """Train an ink network: which pixels are lettering, pen, print, bubble ..."""
    _train("ink", locals())


def _train(task: str, given: Mapping[str, Any]) -> None:
    """Run a training command with the parameters of its function."""
    from textclean.cli.training_packs import Material, train_from
    from textclean.training.run import run_from_cli
    from textclean.training.task import TrainResult

    console = Console(given["quiet"])
    settings = {"task": task, **given, "dry": given["dry_run"]}
    art, lettering, fonts = (settings.pop(name) for name in ("art", "lettering", "fonts"))
    for name in ("quiet", "dry_run"):
        del settings[name]
    if art is None and (lettering or fonts):
        raise OptionsError(
            "--lettering and --fonts are for the samples that --art makes",
            remedy="Give the pages without text with --art DIR",
        )
    with _logged(console):
        if art is None:
            result = run_from_cli(**settings)
        else:
            material = Material(art, lettering, tuple(fonts or ()))
            result = train_from(material, settings, run_from_cli, console)
    if isinstance(result, TrainResult):
        ended = "finished" if result.finished else "paused"
        console.say(f"{ended} after {result.steps} steps, {result.hours:.2f} h")
        put(str(result.weights))
    else:
        put(str(result))


@contextmanager
def _logged(console: Console) -> Iterator[None]:
    """The training's log on stderr, while it runs."""
    logger = logging.getLogger("textclean.training")
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.WARNING if console.quiet else logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
