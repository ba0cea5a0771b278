"""``textclean inpaint``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from textclean.cli import parameters as p
from textclean.cli.console import Console

if TYPE_CHECKING:
    from collections.abc import Callable

    from textclean.types import Page, PageResult

INPAINT_EXAMPLES = (
    "textclean inpaint page.png mask.png -o clean.png",
    "textclean inpaint page.png mask.png -o clean.png --inpainter telea",
)


def inpaint(
    context: typer.Context,
    image: Annotated[
        Path, typer.Argument(metavar="IMAGE", help="The page: an image.", show_default=False)
    ],
    drawn: Annotated[
        Path,
        typer.Argument(
            metavar="MASK",
            help="A picture of the page's size: light pixels are filled; in a picture with "
            "transparent parts, painted ones.",
            show_default=False,
        ),
    ],
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="The filled page; by default page.clean.png beside the image.",
            rich_help_panel=p.FILES,
            show_default=False,
        ),
    ] = None,
    inpainter: p.Inpainter = None,
    device: p.Device = None,
    offline: p.Offline = None,
    overwrite: p.Overwrite = False,
    max_pixels: p.MaxPixels = None,
    patch_out: p.PatchOut = None,
    json: p.Json = False,
    quiet: p.Quiet = False,
    verbose: p.Verbose = False,
) -> None:
    """Fill a mask that you drew; nothing is detected, and nothing outside the mask changes."""
    from textclean.api import load_mask, make_filler
    from textclean.cli.outputs import plan_clean
    from textclean.cli.runs import Run

    options = p.options_from(context.params)
    run = Run(options, Console(quiet, verbose), overwrite=overwrite)

    def prepare() -> Callable[[Page], PageResult]:
        cleaner = make_filler(options)
        return lambda page: cleaner.inpaint(page, load_mask(drawn, page))

    run.all(plan_clean([image], output, patch=patch_out), prepare)
    run.end(as_json=json)
