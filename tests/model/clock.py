"""Time inside one sandbox, and the moments at which the sandbox can be killed."""

from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any, Self

from tests.model.tasks import let_others_go_on


class KilledError(BaseException):
    """The sandbox is gone. No code under test may live to see this."""


class SandboxClock:
    """
    A clock that moves only when something takes time; then those go on that are behind.

    Every call to the outside passes `point` before and after its effect: after *kill_in* more of
    them the sandbox dies, None means never.
    """

    def __init__(self, now: float = 0.0) -> None:
        self.now = now
        self.kill_in: int | None = None

    def restart(self, now: float) -> None:
        """Thaw at another time."""
        self.now, self.kill_in = now, None

    def __call__(self) -> float:
        return self.now

    #: What the handlers call on their module `time`.
    monotonic = time = __call__

    def sleep(self, seconds: float) -> None:
        self.point()
        self.now += seconds
        let_others_go_on()

    def point(self) -> None:
        if self.kill_in is not None:
            self.kill_in -= 1
            if self.kill_in < 0:
                raise KilledError


class InlinePool:
    """A pool of threads that does everything at once, in order: an example must be repeatable."""

    def __init__(self, max_workers: int = 1, thread_name_prefix: str = "") -> None:
        del max_workers, thread_name_prefix

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def map(self, function: Callable[[Any], object], items: Iterable[Any]) -> list[object]:
        return [function(item) for item in items]

    def submit(self, function: Callable[..., object], *args: object) -> "Future[object]":
        future: Future[object] = Future()
        try:
            future.set_result(function(*args))
        except Exception as error:  # noqa: BLE001 - as a thread hands on whatever was raised
            future.set_exception(error)
        return future

    def shutdown(self, *, wait: bool = True) -> None:
        del wait
