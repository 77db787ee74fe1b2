"""
What stands around the sandboxes: queues, the mapping that delivers to them, Tencent, the ledger.

Time is virtual, and all sandboxes are at work side by side: between any two calls of one others do
theirs. What is asserted here concerns one invocation; tests/model/machine.py has the rest.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from local.poller.answers import failed_ids
from tests.model.checks import check_answer, check_metrics
from tests.model.claims import Claims, held_tags
from tests.model.clock import KilledError
from tests.model.dynamo import Table
from tests.model.events import KINDS, START, Event, tags
from tests.model.queues import SOURCE, Message, Queues
from tests.model.sandboxes import TOKEN, Faults, Sandbox
from tests.model.tasks import Task, Tasks
from tests.model.tencent import Tencent

SANDBOXES = 2
#: From a sandbox's answer to what the mapping does about it.
ANSWER_SECONDS = 0.05
#: Nobody replaces sandboxes faster, or more than those two would start requests in a second.
REPLACE_SECONDS = 1.0
NO_FAULTS = Faults()


@dataclass
class Slot:
    """One of the mapping's two places: a sandbox, what it works on, and when it may begin again."""

    sandbox: Sandbox
    task: Task | None = None
    batch: Sequence[Message] = ()
    free_at: float = 0.0

    def is_busy(self, now: float) -> bool:
        return now < self.free_at or bool(self.task and not self.task.is_over)


class World:
    """
    Does what it is told, at *now*, and remembers what it was told.

    *left_off* are people whose entry an invocation took off or made without coming to an end, while
    another had its messages already. Of those *untold* the ledger cannot know: it did not
    take what that invocation wrote, or Tencent did not answer.
    """

    def __init__(self, *, queues: Queues, tencent: Tencent, table: Table | None) -> None:
        self.now = START
        self.queues = queues
        self.tencent = tencent
        self.table = table
        self.claims = Claims(keeps_terms=table is not None)
        self.posted: list[tuple[bytes, Sequence[Event]]] = []
        self.left_off: set[str] = set()
        self.untold: dict[str, float] = {}
        self._tasks = Tasks()
        self._max_recipients = 8
        self._door = self._new_sandbox()
        self._slots = self._new_slots()
        self._replaced: Sequence[Slot] = []

    def new_event(self, kind: str, reported: str) -> Event:
        event = KINDS[kind](f"tag-{len(self.claims.events)}-".encode(), reported)
        self.claims.events[event.tag] = event
        return event

    def put(self, body: bytes, events: Sequence[Event]) -> None:
        """Put *events*, which are *body*, on the queue past the door."""
        self.claims.expect(body, events)
        self.claims.accept(events)
        self.queues.send(SOURCE, body.decode(), {}, now=self.now)

    def post(
        self,
        body: bytes,
        events: Sequence[Event],
        *,
        token: str = TOKEN,
        faults: Faults = NO_FAULTS,
    ) -> None:
        """Post *events*, which are *body*, and wait for the answer."""
        if token == TOKEN:
            self.claims.expect(body, events)
            self.posted.append((body, events))
        else:
            self.claims.strangers.update(event.tag for event in events)
        sandbox, statuses = self._door, []

        def work() -> None:
            try:
                statuses.append(sandbox.post(body, token=token, faults=faults))
            except KilledError:
                self._door = self._new_sandbox()

        sandbox.clock.restart(self.now)
        self._tasks.finish(self._tasks.start(work, sandbox.clock))
        self.now = max(self.now, sandbox.clock.now)
        assert statuses in ([], [200], [503]) if token == TOKEN else statuses in ([], [404])
        if statuses == [200]:
            self.claims.accept(events)

    def wait(self, seconds: float) -> None:
        """Let everybody work on until then."""
        self.now += seconds
        self._tasks.run(until=self.now)

    def visible(self) -> list[Message]:
        return self.queues.visible(self.now)

    def deliver(
        self,
        place: int,
        messages: Sequence[Message],
        faults: Faults,
        *,
        window: float = 0.0,
        timeout: float = 60.0,
    ) -> None:
        """
        Hand *messages* to the sandbox at *place*, unless it is at work.

        The clocks of visibility run while the batch is being collected, *window* seconds.
        """
        slot = self._slots[place]
        if slot.is_busy(self.now):
            return
        records = self.queues.receive(messages, self.now)
        if records:
            slot.sandbox.clock.restart(self.now)
            slot.batch = messages
            work = partial(
                self._work_off, slot, records, window=window, timeout=timeout, faults=faults
            )
            slot.task = self._tasks.start(work, slot.sandbox.clock)

    def kill(self, place: int) -> None:
        """Kill a sandbox wherever it stands, be it with an answer that nobody has acted on yet."""
        slot = self._slots[place]
        if slot.task and not slot.task.is_over:
            slot.sandbox.clock.kill_in = 0
            slot.task.stop(KilledError())
        else:
            self._replace_sandbox(slot)

    def deploy(self, *, max_recipients: int) -> None:
        """Put other sandboxes in the place of all; those at work end it beside them."""
        if not any(slot.is_busy(self.now) for slot in self._replaced):
            self.wait(REPLACE_SECONDS)
            self._max_recipients = max_recipients
            self._door = self._new_sandbox()
            self._replaced, self._slots = self._slots, self._new_slots()

    def in_hand(self) -> set[str]:
        """Give those about whom a message waits or is at work."""
        at_work = [
            message
            for slot in (*self._slots, *self._replaced)
            if slot.is_busy(self.now)
            for message in slot.batch
        ]
        return self._addresses(held_tags([*self.queues.source.values(), *at_work]))

    def may_be_off(self) -> set[str]:
        """
        Give those whose entry may have been taken off to be made anew, which only a ledger does.

        That is for as long as they are in hand, and beyond that where a message about them went to
        the dead letters meanwhile, or Tencent refused to make the entry again.
        """
        if not self.table:
            return set()
        off = self.left_off | self.tencent.refused_alone
        return off | self.in_hand() | self.given_up()

    def given_up(self) -> set[str]:
        """Give those about whom a message was received too often."""
        letters = [letter for letter in self.queues.dead.values() if letter.code is None]
        return self._addresses(held_tags(letters))

    def _addresses(self, tags_: Iterable[bytes]) -> set[str]:
        return {self.claims.events[tag].address for tag in tags_} - {""}

    def _new_sandbox(self) -> Sandbox:
        return Sandbox(self.queues, self.tencent, self.table, max_recipients=self._max_recipients)

    def _new_slots(self) -> list[Slot]:
        return [Slot(self._new_sandbox()) for _ in range(SANDBOXES)]

    def _note_untold(self, addresses: Iterable[str], sandbox: Sandbox) -> None:
        self.untold.update(dict.fromkeys(addresses, sandbox.clock.now))

    def _replace_sandbox(self, slot: Slot) -> None:
        slot.free_at = slot.sandbox.clock.now + REPLACE_SECONDS
        slot.sandbox = self._new_sandbox()

    def _work_off(
        self,
        slot: Slot,
        records: Sequence[Mapping[str, Any]],
        *,
        window: float,
        timeout: float,
        faults: Faults,
    ) -> None:
        sandbox, began = slot.sandbox, slot.sandbox.clock.now
        failed = {record["messageId"] for record in records}
        try:
            sandbox.clock.sleep(window)
            answer, metrics = sandbox.block(records, seconds=timeout, faults=faults)
            sandbox.clock.sleep(ANSWER_SECONDS)
            failed = _judge(sandbox, records, answer, metrics, faults)
        except KilledError:
            self._replace_sandbox(slot)
        api = sandbox.api
        touched = api.taken_off | api.asked
        if not sandbox.could_write:
            self._note_untold(touched, sandbox)
        elif not failed:  # what was made anew since is written down
            for address in api.taken_off & api.asked:
                if self.untold.get(address, began) < began:
                    del self.untold[address]
        self._note_untold(api.unanswered, sandbox)
        for record in records:
            id_, handle = record["messageId"], record["receiptHandle"]
            if id_ not in failed:
                self.queues.delete(id_, handle)
            elif not self.queues.comes_again(id_, handle):  # another has it, or is done with it
                about = self._addresses(tags(record["body"].encode()))
                self.left_off |= about & touched


def _judge(
    sandbox: Sandbox,
    records: Sequence[Mapping[str, Any]],
    answer: bytes,
    metrics: Mapping[str, Any],
    faults: Faults,
) -> set[str]:
    """Check what an invocation answered and counted; give the ids that are to come again."""
    api = sandbox.api
    faultless = not any(fault.value for fault in (*faults.api, *faults.api_at.values()))
    judged_together = sandbox.was_alone and len(api.asked_alone) > 1
    if faultless and api.met_wrong_settings_only and judged_together:
        assert "RefusedRequest" not in sandbox.client.codes
    batch_ids = {record["messageId"] for record in records}
    check_answer(answer, batch_ids)
    failed = failed_ids(answer, batch_ids)
    check_metrics(
        metrics,
        records=len(records),
        requests=api.requests,
        asked=len(api.asked) if sandbox.was_alone else None,
        failed=len(failed),
    )
    return set(failed)
