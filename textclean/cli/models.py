"""``textclean models``: what comes with textclean, and files of weights from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from textclean.cli import parameters as p
from textclean.cli.console import put, put_json
from textclean.errors import FileAccessError, OutputExistsError, WeightsError

MODELS_EXAMPLES = (
    "textclean models list",
    "textclean models verify",
    "textclean models convert big-lama.pt big-lama.safetensors",
)

models = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")


@models.callback()
def models_group() -> None:
    """List, check and convert files of weights."""


Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="[NAME]...", help="All of them when left out.", show_default=False),
]


@models.command("list")
def list_models(json: p.Json = False) -> None:
    """List the weights that come with textclean, the inpainters and the detectors."""
    from textclean import list_detectors, list_inpainters
    from textclean.weights import WEIGHTS

    if json:
        put_json(
            {
                "weights": [
                    {
                        "name": entry.name,
                        "file": entry.file,
                        "bytes": entry.size,
                        "sha256": entry.sha256,
                        "licence": entry.licence,
                        "architecture": entry.architecture,
                    }
                    for entry in WEIGHTS
                ],
                "inpainters": list(list_inpainters()),
                "detectors": list(list_detectors()),
            }
        )
        return
    for entry in WEIGHTS:
        put(
            f"{entry.name}: {entry.file}, {entry.size / 1e6:.1f} MB, {entry.licence}, "
            f"{entry.architecture}"
        )
    put(f"inpainters: {', '.join(list_inpainters())}")
    put(f"detectors: {', '.join(list_detectors())}")


@models.command("verify")
def verify_models(names: Names = None) -> None:
    """Check the files of weights against their published digests."""
    from textclean.weights import WEIGHTS, verify

    for name in names or [entry.name for entry in WEIGHTS]:
        put(f"{name}: {verify(name)} is as published")


@models.command("path")
def path_of_model(
    name: Annotated[str, typer.Argument(metavar="NAME", help="As in `textclean models list`.")],
) -> None:
    """Print where the file of weights lies."""
    from textclean.weights import locate

    put(str(locate(name)))


@models.command("convert")
def convert_model(
    source: Annotated[
        Path,
        typer.Argument(metavar="IN", help="A checkpoint: .pt, .ckpt, TorchScript, safetensors."),
    ],
    output: Annotated[Path, typer.Argument(metavar="OUT", help="The safetensors file to write.")],
    overwrite: p.Overwrite = False,
) -> None:
    """Rewrite somebody's checkpoint as safetensors; nothing in it is executed."""
    from textclean.weights import convert

    if not source.is_file():
        raise WeightsError(f"there is no file {str(source)!r}")
    if output.exists() and output.samefile(source):
        raise FileAccessError(
            f"the output {output} is the input: the input is never overwritten",
            remedy="Choose another name",
        )
    if output.exists() and not overwrite:
        raise OutputExistsError(
            f"{output} exists already", remedy="Choose another name, or give --overwrite"
        )
    put(str(convert(source, output)))
