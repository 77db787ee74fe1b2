"""
Several at work side by side, and always the same way: whoever's clock is behind goes on first.

A task stops wherever its own time passes, so what is done at the outside happens in the order of
the clocks, and between any two calls of one sandbox others may do whatever they do.
"""

from collections.abc import Callable
from typing import Protocol

from greenlet import getcurrent, greenlet


class Clock(Protocol):
    """Whose time it is."""

    now: float


class Task:
    """*work* on its way, by its own *clock*. What it raises is raised where it goes on."""

    def __init__(self, work: Callable[[], None], clock: Clock) -> None:
        self.clock = clock
        self._greenlet = greenlet(work)

    @property
    def is_over(self) -> bool:
        return bool(self._greenlet.dead)

    def go_on(self) -> None:
        """Work until time passes, or to the end."""
        self._greenlet.switch()

    def stop(self, error: BaseException) -> None:
        """Raise *error* where the work stands."""
        self._greenlet.throw(error)


def let_others_go_on() -> None:
    """Stop here until it is the running task's turn again."""
    if waiting := getcurrent().parent:
        waiting.switch()


class Tasks:
    """Those at work at present."""

    def __init__(self) -> None:
        self._at_work: list[Task] = []

    def start(self, work: Callable[[], None], clock: Clock) -> Task:
        """Let *work* begin; it goes on when others have come as far."""
        task = Task(work, clock)
        self._at_work.append(task)
        task.go_on()
        return task

    def run(self, *, until: float) -> None:
        """Let everybody work whose time comes before *until*."""
        while (task := self._first()) and task.clock.now <= until:
            task.go_on()

    def finish(self, task: Task) -> None:
        """Let everybody work until *task* is over."""
        while not task.is_over and (first := self._first()):
            first.go_on()

    def _first(self) -> Task | None:
        self._at_work = [task for task in self._at_work if not task.is_over]
        return min(self._at_work, key=lambda task: task.clock.now, default=None)
