"""``textclean status``: how far the runs on an output folder are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from textclean.cli import parameters as p
from textclean.cli.console import one_line, plural, put, put_json

if TYPE_CHECKING:
    from textclean.batch import Status

STATUS_EXAMPLES = (
    "textclean status cleaned/",
    "textclean status cleaned/ --merge --json",
)
_SHOWN = 20  # failed pages that are named


def status(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER", help="An output folder of `textclean clean`.", show_default=False
        ),
    ],
    merge: Annotated[
        bool,
        typer.Option(
            "--merge", help="Tell of all shards of a run together.", rich_help_panel=p.RUN
        ),
    ] = False,
    json: p.Json = False,
) -> None:
    """Tell how far the runs on an output folder are, from their journals.

    Nothing is changed; a run may be going on meanwhile.
    """
    from textclean.batch import merged, read_status

    found = read_status(folder)
    if merge:
        found = [merged(found)]
    if json:
        put_json([each.as_dict() for each in found])
        return
    for each in found:
        _tell(each)


def _tell(status: Status) -> None:
    shards = [f"{shard.number}/{shard.count}" for shard in status.shards if shard.count > 1]
    counts = [f"{count} {name}" for name, count in status.counts.items() if count]
    pace = status.seconds_a_page
    put(
        (f"shard {', '.join(shards)}: " if shards else "")
        + f"{plural(len(status.pages), 'page')}"
        + (f": {', '.join(counts)}" if counts else "")
        + (f"; {pace:.2f} s a page" if pace is not None else "")
    )
    if status.residual:
        put(f"  text is still found on {plural(status.residual, 'page')}")
    for key, reason in list(status.failed.items())[:_SHOWN]:
        put(f"  failed: {one_line(key.replace('//', ': '))}: {one_line(reason)}")
    if len(status.failed) > _SHOWN:
        put(f"  and {len(status.failed) - _SHOWN} more")
    if status.missing and shards:
        missing = ", ".join(f"{shard.number}/{shard.count}" for shard in status.missing)
        put(f"  no journal of shard {missing}")
