"""Actors of a Ray cluster instead of worker processes; what they find is written down here alone.

Without ``RAY_ADDRESS`` the cluster is one of this machine, begun and ended with the run: it listens
on the loopback device only and wants a password that nobody else knows. There is no dashboard, and
nothing is told to anybody about its use.

An actor gets the pages of a document one after the other; each comes back as soon as it is done.
When an actor dies Ray replaces it, and the pages of which nothing came back are tried once more,
each alone.
"""

from __future__ import annotations

import importlib.util
import queue
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from textclean.batch.actor import Home, PageActor, answers, packed_load
from textclean.batch.page import failed_page
from textclean.batch.ray_session import ray_session
from textclean.batch.task import Outcome
from textclean.errors import MissingExtraError, PageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from textclean.batch.actor import Answer
    from textclean.batch.crew import Crew
    from textclean.batch.interrupt import Interrupt
    from textclean.batch.pool import Prepare, Result
    from textclean.batch.ray_session import RaySession
    from textclean.batch.task import PageTask

_TICK: Final = 0.1  # seconds between two looks at whether to stop
_GRACE: Final = 5.0  # seconds in which results that have come are still taken when it is to stop
_LOADS: Final = 32  # loads for each actor, so that all of them end at about the same time
_LONGEST: Final = 16  # pages of a load, where pages do not belong together
_STARTS: Final = 3  # actors that may die in a row before they are ready


def require_ray() -> None:
    """Find out whether Ray is there, without loading it.

    Raises:
        MissingExtraError: It is not.
    """
    for package in ("ray", "pyarrow", "pandas"):
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError(
                f"the engine ray needs the package {package}, which is not installed",
                remedy="Install it: pip install 'textclean[ray]'",
            )


@dataclass(frozen=True, slots=True)
class Cluster:
    """Processes pages in actors of Ray.

    Attributes:
        prepare: Gives what turns a page into its result; must be picklable.
        crew: How many actors there are on this machine, and their threads.
        actors: How many were asked for; None = on a cluster of several machines as many as it has
            cores, or GPUs.
        device: The device of the options.
        begun: Told when a page is begun.
    """

    prepare: Prepare
    crew: Crew
    actors: int | None
    device: str
    begun: Callable[[PageTask], object]

    def run(
        self, tasks: Iterable[PageTask], interrupt: Interrupt
    ) -> Iterator[tuple[PageTask, Result]]:
        """Process pages; results come in the order in which they are ready.

        Args:
            tasks: The pages.
            interrupt: Says when to stop: pages that are being processed are dropped.

        Yields:
            Each page and what came of it, or why its results could not be written.

        Raises:
            TextcleanError: The next page would fail in the same way, or there is no cluster.
        """
        left = dict(enumerate(tasks))
        if not left:
            return
        with ray_session(self.crew) as session:
            for alone in (False, True):
                yield from self._round(session, left, interrupt, alone=alone)
                if interrupt.wanted or not left:
                    return
        error = PageError(
            "the Ray actor that worked on the page ended, twice",
            remedy="If memory was short, use fewer --jobs or a smaller --max-pixels",
        )
        for task in left.values():
            yield task, Outcome(failed_page(task.name, task.number, error))

    def _round(
        self, session: RaySession, left: dict[int, PageTask], interrupt: Interrupt, *, alone: bool
    ) -> Iterator[tuple[PageTask, Result]]:
        """Process what is left; what has come back goes from it."""
        actors = 1 if alone else session.actors(self.crew, self.actors, self.device)
        loads = [{n: task} for n, task in left.items()] if alone else _loads(left, actors)
        told: queue.SimpleQueue[Answer | Exception | None] = queue.SimpleQueue()
        batches = self._batches(session, loads, actors)
        threading.Thread(target=_listen, args=(batches, told), name="Ray", daemon=True).start()
        while not (interrupt.wanted and interrupt.seconds > _GRACE):
            try:
                answer = told.get(timeout=0.001 if interrupt.wanted else _TICK)
            except queue.Empty:
                if interrupt.wanted:
                    return
                continue
            if answer is None:
                return
            if isinstance(answer, Exception):
                raise PageError(
                    f"Ray cannot go on: {_last_line(answer)}",
                    remedy="What is done is kept; the same command goes on from there, also with "
                    "the engine processes",
                )
            if answer.hopeless is not None:
                raise answer.hopeless
            if answer.result is None:
                self.begun(left[answer.index])
            else:
                yield left.pop(answer.index), answer.result

    def _batches(
        self, session: RaySession, loads: list[dict[int, PageTask]], actors: int
    ) -> Iterator[Mapping[str, Any]]:
        """What the actors tell, as it comes."""
        import ray.data

        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        context.print_on_execution_start = False
        context.max_errored_blocks = -1  # pages that are lost are seen here
        context.max_consecutive_actor_init_deaths = _STARTS
        context.target_max_block_size = 1  # each page comes back by itself
        rows = [packed_load(tuple(load.items())) for load in loads]
        dataset = ray.data.from_items(rows, override_num_blocks=len(rows)).map_batches(
            PageActor,
            fn_constructor_args=(Home.of_this_process(self.prepare, session.threads(self.crew)),),
            batch_size=1,
            batch_format="numpy",
            compute=ray.data.ActorPoolStrategy(size=actors, max_tasks_in_flight_per_actor=1),
            num_cpus=1,
            num_gpus=session.gpus(actors, self.device) or None,
            max_restarts=-1,
            max_task_retries=0,
        )
        batches: Iterator[Mapping[str, Any]] = iter(
            dataset.iter_batches(batch_size=None, batch_format="numpy", prefetch_batches=0)
        )
        return batches


def _listen(
    batches: Iterator[Mapping[str, Any]], told: queue.SimpleQueue[Answer | Exception | None]
) -> None:
    """Hand on what actors tell; at the end None, or why it ended before its time."""
    try:
        for batch in batches:
            for answer in answers(batch):
                told.put(answer)
        told.put(None)
    except Exception as error:
        told.put(error)


def _loads(tasks: Mapping[int, PageTask], actors: int) -> list[dict[int, PageTask]]:
    """What is given to an actor at once: the pages of a document, or some that are files."""
    most = max(1, min(_LONGEST, len(tasks) // (_LOADS * actors)))
    loads: list[dict[int, PageTask]] = []
    last: object = None
    for index, task in tasks.items():
        document = None if task.whole else task.job.output
        full = document is None and loads and len(loads[-1]) >= most
        if not loads or document != last or full:
            loads.append({})
        loads[-1][index] = task
        last = document
    return loads


def _last_line(error: Exception) -> str:
    """What a traceback from another machine ends with."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[-1]}" if lines else type(error).__name__
