"""``textclean overlay``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from textclean.cli import parameters as p
from textclean.cli.console import Console, plural

OVERLAY_EXAMPLES = (
    "textclean overlay clean.png page.regions.json --text english.json -o preview.png",
    "textclean overlay clean.png page.regions.json --text english.csv -o p.pdf --font Comic.ttf",
)


def overlay(
    page: Annotated[
        Path, typer.Argument(metavar="PAGE", help="The cleaned page.", show_default=False)
    ],
    regions: Annotated[
        Path,
        typer.Argument(
            metavar="REGIONS", help="What --regions-out wrote for it.", show_default=False
        ),
    ],
    text: Annotated[
        Path,
        typer.Option(
            "--text",
            metavar="FILE",
            help="The texts: JSON (of ids such as p1-r1, or a list in reading order) or CSV "
            "(id,text).",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="A PNG, or a PDF with the texts in a layer of their own.",
            show_default=False,
        ),
    ],
    font: Annotated[
        Path | None,
        typer.Option(
            "--font",
            metavar="FILE",
            help="A TrueType or OpenType font; without one, a plain font with Latin letters only.",
            show_default=False,
        ),
    ] = None,
    transparent: Annotated[
        bool, typer.Option("--transparent", help="The texts alone, on nothing (PNG).")
    ] = False,
    number: Annotated[
        int | None,
        typer.Option(
            "--page",
            metavar="N",
            help="Which page of the regions file it is, where the name does not tell.",
            show_default=False,
        ),
    ] = None,
    overwrite: p.Overwrite = False,
    quiet: p.Quiet = False,
    verbose: p.Verbose = False,
) -> None:
    """Set given texts into the safe areas of a cleaned page: a first look, not a typesetter.

    Lines run horizontally, centred, in the largest type that fits and is not much larger than the
    original.
    """
    from textclean.results import write_preview

    console = Console(quiet, verbose)
    preview = write_preview(
        page, regions, text, output,
        font=font, transparent=transparent, number=number, overwrite=overwrite,
    )  # fmt: skip
    if preview.missing:
        console.warn(f"the font lacks {preview.missing}; name another one with --font")
    if preview.small:
        numbers = ", ".join(map(str, preview.small))
        console.warn(f"too long for its room: the text of {plural(len(preview.small), 'region')} "
                     f"({numbers})")  # fmt: skip
    console.say(f"{page} -> {output}")
