"""The poller itself: its threads, and their end."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from local.aws import Aws
from local.poller.batches import Window, WindowStart
from local.poller.collector import Collector
from local.poller.consumer_queue import ConsumerQueue
from local.poller.counters import Counters, Counts
from local.poller.delivery import Delivery
from local.poller.mapping import Mapping, check, read_mapping
from local.poller.shared import Shared
from local.poller.switch import Switch, SwitchedInbox
from local.poller.targets import Invoke, LambdaTarget

logger = logging.getLogger(__name__)


class Poller:
    """
    Polls for the mapping *mapping_uuid*, from entering to leaving, whenever that is enabled.

    The emulator does not poll (`local/emulator.py`). Without *invoke* batches go to the mapping's
    function. On leaving nothing more is received, what was is handed over, and calls in flight are
    waited for.
    """

    def __init__(
        self,
        aws: Aws,
        mapping_uuid: str,
        *,
        invoke: Invoke | None = None,
        window_start: WindowStart = WindowStart.FIRST_MESSAGE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._aws = aws
        self._mapping_uuid = mapping_uuid
        self._invoke = invoke
        self._window_start = window_start
        self._stopping = threading.Event()
        self._shared = Shared(Counters(), clock=clock, pause=self._stopping.wait)
        self._failure: BaseException | None = None
        self._threads = ExitStack()

    @property
    def counts(self) -> Counts:
        """What was done so far."""
        return self._shared.counters.read()

    def __enter__(self) -> Self:
        """
        Begin.

        Raises:
            RefusedToStartError: AWS would not accept the mapping, or filters are asked for.
            QueueError: The function's role may not read the queue's attributes.
        """
        mapping = read_mapping(self._aws, self._mapping_uuid)
        queue = ConsumerQueue(
            self._aws,
            queue_arn=mapping.queue_arn,
            role_arn=mapping.role_arn,
            clock=self._shared.clock,
        )
        visibility_seconds = queue.visibility_seconds()
        if warning := check(mapping, visibility_seconds=visibility_seconds):
            logger.warning("%s", warning)
        self._start(mapping, queue, visibility_seconds)
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """Stop; raises what a thread of the poller died of, if one did."""
        self._stopping.set()
        self._threads.close()
        if self._failure is not None:
            raise self._failure

    def _start(self, mapping: Mapping, queue: ConsumerQueue, visibility_seconds: int) -> None:
        delivery = Delivery(
            queue,
            invoke=self._invoke or LambdaTarget(self._aws, mapping),
            reports_item_failures=mapping.reports_item_failures,
            visibility_seconds=visibility_seconds,
            shared=self._shared,
        )
        invocations = self._threads.enter_context(ThreadPoolExecutor(mapping.max_in_flight))
        collecting = self._threads.enter_context(ThreadPoolExecutor(mapping.collectors))
        slots = threading.Semaphore(mapping.max_in_flight)
        switch = Switch(self._aws, mapping.uuid, clock=self._shared.clock)
        inbox = SwitchedInbox(queue, is_on=switch.is_on, shared=self._shared)
        for _ in range(mapping.collectors):
            collector = self._collector(mapping, inbox)
            self._watch(collecting.submit(self._collect, collector, delivery, invocations, slots))

    def _collector(self, mapping: Mapping, inbox: SwitchedInbox) -> Collector:
        return Collector(
            inbox,
            max_messages=mapping.batch_size,
            window=Window(mapping.window_seconds, self._window_start),
            shared=self._shared,
        )

    def _collect(
        self,
        collector: Collector,
        delivery: Delivery,
        invocations: ThreadPoolExecutor,
        slots: threading.Semaphore,
    ) -> None:
        """Collect only what can be invoked at once: a slot is held from receipt to answer."""
        while not self._shared.is_stopping() or collector.has_leftover:
            slots.acquire()
            if batch := collector.next_batch():
                running = invocations.submit(delivery.deliver, batch)
                running.add_done_callback(lambda _: slots.release())
                self._watch(running)
            else:
                slots.release()

    def _watch(self, running: Future[None]) -> None:
        running.add_done_callback(self._note_failure)

    def _note_failure(self, ended: Future[None]) -> None:
        """Stop at an error that nobody foresaw: a poller that lost a thread must not go on."""
        if error := ended.exception():
            logger.error("the poller stops", exc_info=error)
            self._failure = self._failure or error
            self._stopping.set()
