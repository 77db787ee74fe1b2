"""
A model that tries to lose mail.

The real handlers, services and adapters run. What stands around them is modelled and hostile: SQS,
the event source mapping, Tencent's API, the ledger, and whoever kills sandboxes. Time is virtual:
each sandbox has its own clock, and what it answered counts only once the world's clock has come to
that moment.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from local.poller.answers import failed_ids
from tests.model.checks import check_answer, check_metrics
from tests.model.claims import Claims, held_tags
from tests.model.clock import KilledError
from tests.model.dynamo import Table, TableFault, counted_by_brake, is_recorded, listed
from tests.model.events import ADDRESSES, KINDS, USUAL_KINDS, End, Event, as_array, is_silent
from tests.model.queues import SOURCE, Message, QueueFault, Queues
from tests.model.sandboxes import TICK, TOKEN, Faults, Sandbox
from tests.model.tencent import REQUESTS_PER_SECOND, ApiFault, Tencent

SANDBOXES = 2
ROUNDS_TO_DRAIN = 4
#: Where each message takes a request of its own, half a minute has five times as many seconds.
MESSAGES_A_ROUND = 100
#: Past every wait and every visibility timeout.
LONG_SECONDS = 1300.0

PIECES = st.tuples(
    st.sampled_from(USUAL_KINDS) | st.sampled_from(sorted(KINDS)),
    st.sampled_from(sorted(ADDRESSES)),
)
FAULTS = st.builds(
    Faults,
    queue=st.lists(st.sampled_from(QueueFault), max_size=5),
    api=st.lists(st.just(ApiFault.NONE) | st.sampled_from(ApiFault), max_size=10),
    table=st.lists(st.just(TableFault.NONE) | st.sampled_from(TableFault), max_size=10)
    | st.sampled_from(TableFault).map(lambda fault: [fault] * 40),
    at_outcomes=st.just(TableFault.NONE) | st.sampled_from(TableFault),
    kill_in=st.none() | st.integers(0, 40),
)
NO_FAULTS = Faults()
WAITS = st.sampled_from([0.1, 1.0, 20.0, 60.0, 450.0, LONG_SECONDS])
PLACES = st.integers(0, SANDBOXES - 1)


@dataclass
class Slot:
    """One of the mapping's two places: a sandbox, and what the mapping will delete for it."""

    sandbox: Sandbox
    busy_until: float = 0.0
    to_delete: list[tuple[str, str]] = field(default_factory=list)


class MailModel(RuleBasedStateMachine):
    """
    Rules are what the world does; invariants are what must hold whatever it does.

    Which mistakes in the code each of them catches stands in docs/guarantees.md.
    """

    @initialize(
        max_receives=st.sampled_from([3, 300]),
        refuses_only_bad=st.booleans(),
        with_ledger=st.booleans(),
    )
    def start(self, *, max_receives: int, refuses_only_bad: bool, with_ledger: bool) -> None:
        self.now = 1000.0
        self.queues = Queues(max_receives)
        self.tencent = Tencent(refuses_only_bad=refuses_only_bad)
        self.table = Table() if with_ledger else None
        self.max_recipients = 8
        self.door = self._new_sandbox()
        self.slots = self._new_slots()
        self.replaced: Sequence[Slot] = []
        self.claims = Claims()
        self.posted: list[tuple[bytes, Sequence[Event]]] = []

    # What the world does

    @rule(
        pieces=st.lists(PIECES, min_size=1, max_size=6),
        as_one=st.booleans(),
        token=st.sampled_from([TOKEN, TOKEN, TOKEN, "wrong-0123456789-0123456789"]),
        faults=FAULTS,
    )
    def post(
        self, *, pieces: Sequence[tuple[str, str]], as_one: bool, token: str, faults: Faults
    ) -> None:
        """Post callbacks: one for each event, or an array of all that can stand in one."""
        events = [self._new_event(*piece) for piece in pieces]
        together = [event for event in events if as_one and event.is_json]
        callbacks = [[event] for event in events if event not in together]
        for callback in [*callbacks, together] if together else callbacks:
            body = callback[0].raw if len(callback) == 1 else as_array(callback)
            self._post(body, callback, token=token, faults=faults)

    @rule(which=st.integers(0, 9), faults=FAULTS)
    def post_again(self, *, which: int, faults: Faults) -> None:
        """Repeat a callback, as Tencent does when it saw no answer."""
        if self.posted:
            self._post(*self.posted[-1 - which % len(self.posted)], faults=faults)

    @rule(pieces=st.lists(PIECES, min_size=1, max_size=6))
    def put_past_the_door(self, *, pieces: Sequence[tuple[str, str]]) -> None:
        """Put one message with several events on the queue."""
        events = [self._new_event(*piece) for piece in pieces]
        fit = [event for event in events if event.fits_on_the_queue]
        if fit:
            self._put(as_array(fit), fit)

    @rule(number=st.integers(10, 40))
    def bounce_many(self, *, number: int) -> None:
        """Put more on the queue than one second has requests for, when each is about few."""
        for _ in range(number):
            event = self._new_event("hard", f"many{len(self.claims.events)}@example.com")
            self._put(event.raw, [event])

    @rule(seconds=WAITS)
    def wait(self, *, seconds: float) -> None:
        self.now += seconds
        for slot in (*self.slots, *self.replaced):
            if slot.busy_until <= self.now:
                for message_id, receipt_handle in slot.to_delete:
                    self.queues.delete(message_id, receipt_handle)
                slot.to_delete = []

    @rule(
        seconds=WAITS,
        place=PLACES,
        size=st.integers(1, 40),
        turn=st.integers(0, 5),
        duplicates=st.integers(0, 2),
        window=st.sampled_from([0.0, 20.0, 60.0]),
        timeout=st.sampled_from([60.0, 60.0, 60.0, 17.0, 6.0, 1.0]),
        faults=FAULTS,
    )
    def deliver_some(
        self,
        *,
        seconds: float,
        place: int,
        size: int,
        turn: int,
        duplicates: int,
        window: float,
        timeout: float,
        faults: Faults,
    ) -> None:
        """
        Hand a batch to a sandbox: in any order, and some messages that others still work on.

        The clocks of visibility run while the batch is being collected.
        """
        self.wait(seconds=seconds)
        visible = self.queues.visible(self.now)
        batch = (visible[turn:] + visible[:turn])[:size]
        batch += list(self.queues.source.values())[:duplicates]
        self._deliver(place, batch, faults, window=window, timeout=timeout)

    @rule(seconds=WAITS, place=PLACES, faults=FAULTS)
    def deliver_all(self, *, seconds: float, place: int, faults: Faults) -> None:
        """Hand over all there is, so that requests are as large as they can be."""
        self.wait(seconds=seconds)
        self._deliver(place, self.queues.visible(self.now), faults)

    @rule(seconds=WAITS)
    def deliver_to_everybody(self, *, seconds: float) -> None:
        """Keep every sandbox busy at once, with nothing in its way."""
        self.wait(seconds=seconds)
        visible = self.queues.visible(self.now)
        for place in range(SANDBOXES):
            self._deliver(place, visible[place::SANDBOXES], NO_FAULTS)

    @rule(place=PLACES)
    def kill(self, *, place: int) -> None:
        """Kill a sandbox, and with it an answer that nobody has acted on yet."""
        slot = self.slots[place]
        self.slots[place] = Slot(self._new_sandbox(), busy_until=max(self.now, slot.busy_until) + 1)

    @rule(max_recipients=st.sampled_from([1, 3, 8]))
    def deploy(self, *, max_recipients: int) -> None:
        """
        Put other sandboxes in the place of all, with another setting.

        Those of the consumer that are at work end it beside them; nobody deploys twice a second.
        """
        if all(slot.busy_until + 1 <= self.now for slot in self.replaced):
            self.max_recipients = max_recipients
            self.door = self._new_sandbox()
            self.replaced, self.slots = self.slots, self._new_slots()

    @rule(
        max_recipients=st.sampled_from([1, 2, 3, 8]),
        max_size=st.sampled_from([1, 2, 8, 8, 8]),
        settings_wrong=st.sampled_from([False, False, True]),
    )
    def change_limits(self, *, max_recipients: int, max_size: int, settings_wrong: bool) -> None:
        """Let Tencent take less, or more, or nothing at all."""
        self.tencent.max_recipients = max_recipients
        self.tencent.max_size = max_size
        self.tencent.settings_wrong = settings_wrong

    # What must hold

    @invariant()
    def nothing_accepted_is_lost(self) -> None:
        source, dead = self.queues.source.values(), self.queues.dead.values()
        assert self.claims.lost(source, dead, self.tencent) == []

    @invariant()
    def nobody_is_blocked_unasked(self) -> None:
        assert self.tencent.blocked <= self.claims.asked

    @invariant()
    def dead_letters_say_the_truth(self) -> None:
        for letter in self.queues.dead.values():
            assert self.claims.is_true(letter, self.tencent)

    @invariant()
    def why_is_told_without_whom(self) -> None:
        for letter in self.queues.dead.values():
            assert is_silent(str(letter.attributes))

    @invariant()
    def the_ledger_knows_what_came_to_its_end(self) -> None:
        if self.table:
            ended = self.claims.ended(self.queues.source.values(), self.queues.dead.values())
            assert [event for event in ended if not is_recorded(event, self.table)] == []

    @invariant()
    def the_ledger_says_of_nobody_that_is_not_listed(self) -> None:
        if self.table:
            assert listed(self.table) <= self.tencent.blocked | self.tencent.swallowed

    @invariant()
    def the_brake_counts_whoever_is_listed(self) -> None:
        if self.table:
            assert counted_by_brake(self.table) >= len(listed(self.table))

    @invariant()
    def strangers_leave_no_trace(self) -> None:
        kept = [*self.queues.source.values(), *self.queues.dead.values()]
        assert not self.claims.strangers & held_tags(kept)

    @invariant()
    def what_cannot_matter_is_not_kept(self) -> None:
        kept = [self.claims.events[tag] for tag in held_tags(self.queues.source.values())]
        assert all(event.end is not End.NOT_KEPT for event in kept)

    @invariant()
    def all_sandboxes_together_keep_the_rate(self) -> None:
        starts = sorted(self.tencent.starts)
        for first, after in zip(starts, starts[REQUESTS_PER_SECOND:], strict=False):
            assert after - first >= 1 - TICK

    def teardown(self) -> None:
        """
        Let the faults end: then everything comes to its end, in a few rounds.

        Limits that were lowered stay so, as nobody will raise them; so much needs more of them.
        """
        self.tencent.settings_wrong = False
        for number in range(ROUNDS_TO_DRAIN + len(self.queues.source) // MESSAGES_A_ROUND):
            self.wait(seconds=LONG_SECONDS)
            # Somebody new shows that no setting is at fault.
            good = self._new_event("hard", f"new{number}@example.com")
            self._post(good.raw, [good])
            self.deliver_all(seconds=1.0, place=0, faults=NO_FAULTS)
            self.wait(seconds=LONG_SECONDS)
        assert not self.queues.source
        self.all_sandboxes_together_keep_the_rate()
        self.nothing_accepted_is_lost()
        self.nobody_is_blocked_unasked()
        self.dead_letters_say_the_truth()

    # How the world works

    def _new_sandbox(self) -> Sandbox:
        return Sandbox(self.queues, self.tencent, self.table, max_recipients=self.max_recipients)

    def _new_slots(self) -> list[Slot]:
        return [Slot(self._new_sandbox()) for _ in range(SANDBOXES)]

    def _refused_letters(self) -> int:
        """Count what was put down to addresses that Tencent refused alone."""
        return sum(letter.code == "RefusedRequest" for letter in self.queues.dead.values())

    def _new_event(self, kind: str, reported: str) -> Event:
        event = KINDS[kind](f"tag-{len(self.claims.events)}-".encode(), reported)
        self.claims.events[event.tag] = event
        return event

    def _put(self, body: bytes, events: Sequence[Event]) -> None:
        self.claims.expect(body, events)
        self.claims.accept(events)
        self.queues.send(SOURCE, body.decode(), {}, now=self.now)

    def _post(
        self,
        body: bytes,
        events: Sequence[Event],
        *,
        token: str = TOKEN,
        faults: Faults = NO_FAULTS,
    ) -> None:
        if token == TOKEN:
            self.claims.expect(body, events)
            self.posted.append((body, events))
        else:
            self.claims.strangers.update(event.tag for event in events)
        try:
            status = self.door.post(body, token=token, now=self.now, faults=faults)
        except KilledError:
            self.door = self._new_sandbox()
            return
        assert status in ({200, 503} if token == TOKEN else {404})
        if status == 200:
            self.claims.accept(events)

    def _deliver(
        self,
        place: int,
        messages: Sequence[Message],
        faults: Faults,
        *,
        window: float = 0.0,
        timeout: float = 60.0,
    ) -> None:
        slot = self.slots[place]
        if slot.busy_until > self.now:
            return
        records = self.queues.receive(messages, self.now)
        if not records:
            return
        sandbox, starts_at = slot.sandbox, self.now + window
        letters_before = self._refused_letters()
        requests_before = len(sandbox.api.starts)
        try:
            answer, metrics = sandbox.block(records, now=starts_at, seconds=timeout, faults=faults)
        except KilledError:
            self.slots[place] = Slot(self._new_sandbox(), busy_until=sandbox.clock.now + 1)
            return
        faultless = not any(fault.value for fault in faults.api)
        if self.tencent.settings_wrong and faultless and len(sandbox.api.asked_alone) > 1:
            assert self._refused_letters() == letters_before
        batch_ids = {record["messageId"] for record in records}
        check_answer(answer, batch_ids)
        failed = failed_ids(answer, batch_ids)
        check_metrics(
            metrics,
            records=len(records),
            requests=len(sandbox.api.starts) - requests_before,
            asked=len(sandbox.api.asked),
            failed=len(failed),
        )
        slot.busy_until = sandbox.clock.now
        slot.to_delete = [
            (record["messageId"], record["receiptHandle"])
            for record in records
            if record["messageId"] not in failed
        ]
