"""``textclean train ... --art``: training samples out of a user's own pages, then training."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from textclean.cores import usable_cores
from textclean.errors import OptionsError, OutputExistsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from textclean.cli.console import Console
    from textclean.training.config import TrainConfig
    from textclean.training.task import TrainResult

SAMPLES = 4000
"""Training samples, if there is time for so many: about half a second each on one core."""
VALIDATION_SAMPLES = 120
SHARE = 0.2
"""Share of the minutes of a run that its samples may take."""
VALIDATION_SHARE = 0.1
"""Share of those minutes that the validation samples may take."""
LEAST_MINUTES = 0.5
"""Worker processes need some seconds to start."""
SIDE = 256
"""Side of the samples in pixels, at least; training crops them."""
INK_SIDE = 384
"""The same for the ink network, which is to see large sound effects whole."""


@dataclass(frozen=True, slots=True)
class Material:
    """What samples are drawn from.

    Attributes:
        art: Folder of pages without text.
        lettering: Folder of lettering layers for them, or None.
        fonts: Folders or files of fonts; none = all that are installed.
    """

    art: Path
    lettering: Path | None = None
    fonts: tuple[Path, ...] = ()


def train_from(
    material: Material,
    settings: dict[str, Any],
    run: Callable[..., TrainResult | Path],
    console: Console,
) -> TrainResult | Path:
    """Write the packs of a run into its folder, ``pack`` and ``validation-pack``, and train.

    Samples take at most :data:`SHARE` of the minutes, the training the rest. Packs that were
    begun are gone on with; a run that is resumed takes them as they are.

    Args:
        material: What the samples are drawn from.
        settings: The arguments of ``run``.
        run: :func:`textclean.training.run.run_from_cli`.
        console: Where progress is told.

    Raises:
        OptionsError: No folder for the run, or a pack was given, too.
        OutputExistsError: The folder holds a run already, and it is not to be resumed.
        TextcleanError: Material that cannot be used, and what ``run`` raises.
    """
    from textclean.training.config import load_config

    if settings["pack"] is not None:
        raise OptionsError(
            "--art makes a pack of samples and --pack names one", remedy="Give one of them"
        )
    out = None if settings["out"] is None else str(settings["out"])
    task = settings["task"]
    config = load_config(settings["config"], task=task, out=out, minutes=settings["minutes"])
    if settings["dry"]:
        with TemporaryDirectory(prefix="textclean-") as folder:
            pack = _write(Path(folder) / "pack", material, config, console, count=config.batch)
            return run(**{**settings, "pack": pack})
    if not config.out:
        raise OptionsError("no output folder was given", remedy="Give one with --out DIR")
    _check_free(Path(config.out), resume=settings["resume"])
    budget = SHARE * config.minutes
    packs = _packs(material, config, settings, console, budget)
    minutes = config.minutes - budget if config.minutes else None
    return run(**{**settings, **packs, "minutes": minutes})


def _packs(
    material: Material,
    config: TrainConfig,
    settings: dict[str, Any],
    console: Console,
    budget: float,
) -> dict[str, Path]:
    """The packs of a run, written where they are missing; ``budget`` in minutes, 0 = no limit."""
    place = Path(config.out)
    wanted = [("pack", place / "pack", SAMPLES, budget * (1 - VALIDATION_SHARE))]
    if settings["val"] is None and not config.validation:
        validation = place / "validation-pack"
        wanted.insert(0, ("val", validation, VALIDATION_SAMPLES, budget * VALIDATION_SHARE))
    packs = {}
    for name, path, count, minutes in wanted:
        packs[name] = path
        if settings["resume"] and (path / "pack.json").exists():
            continue
        packs[name] = _write(
            path,
            material,
            config,
            console,
            count=count,
            minutes=max(minutes, LEAST_MINUTES) if budget else None,
            workers=settings["workers"],
            validation=name == "val",
        )
    return packs


def _write(
    path: Path,
    material: Material,
    config: TrainConfig,
    console: Console,
    *,
    count: int,
    minutes: float | None = None,
    workers: int | None = 1,
    validation: bool = False,
) -> Path:
    """Write one pack; what is drawn depends on the material and the run's seed alone."""
    art: Path | None = material.art
    if validation and not _has_validation(material.art):
        console.warn(
            "none of the pages is set aside for validation: it uses synthetic pages alone. Pages "
            "named as episodes 14 to 17, such as E14P01.png, are never trained on"
        )
        art = None
    write, side, special = _writer(config)
    with _progress(console, "validation samples" if validation else "samples") as progress:
        write(
            path,
            art=art,
            lettering=None if art is None else material.lettering,
            fonts=material.fonts or None,
            count=count,
            size=max(side, int(config.data.get("size", side))),
            seed=config.seed,
            split="validation" if validation else "train",
            workers=workers or usable_cores(),
            minutes=minutes,
            progress=progress,
            **special,
        )
    return path


def _writer(config: TrainConfig) -> tuple[Callable[..., object], int, dict[str, Any]]:
    """What writes the samples of a task, their side at least, and what else it is told."""
    if config.task == "ink":
        from textclean.training.ink_pack import write_ink_pack

        return write_ink_pack, INK_SIDE, {}
    from textclean.training.packing import write_pack

    priors = config.data.get("priors", ("projection",))
    return write_pack, SIDE, {"projection": "projection" in priors}


def _check_free(place: Path, *, resume: bool) -> None:
    """Refuse a folder with a run in it before minutes are spent on samples."""
    from textclean.training.checkpoint import NAME

    if not resume and (place / NAME).exists():
        raise OutputExistsError(
            "the output folder holds the checkpoint of a run already",
            remedy="Go on with it by --resume, or choose another --out",
        )


def _has_validation(art: Path) -> bool:
    """Whether pages of a folder are set aside for validation by their names."""
    from textclean.training.art import is_validation

    return art.is_dir() and any(is_validation(path.name) for path in art.iterdir())


@contextmanager
def _progress(console: Console, noun: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal, else a line at every tenth."""
    if console.has_bar:
        from rich.console import Console as RichConsole
        from rich.progress import Progress

        with Progress(console=RichConsole(stderr=True), transient=True) as bar:
            task = bar.add_task(noun, total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)
        return
    told = -1

    def tell(done: int, total: int) -> None:
        nonlocal told
        if (tenth := 10 * done // max(total, 1)) > told:
            told = tenth
            console.say(f"[{done}/{total}] {noun}")

    yield tell
