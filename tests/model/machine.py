"""
A model that tries to lose mail.

The real handlers, services and adapters run. What stands around them is modelled and hostile: SQS,
the event source mapping, Tencent's API, the ledger, and whoever kills sandboxes. Time is virtual,
and all sandboxes are at work side by side: between any two calls of one others do theirs.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from local.poller.answers import failed_ids
from tests.model.checks import check_answer, check_metrics
from tests.model.claims import Claims, held_tags
from tests.model.clock import KilledError
from tests.model.dynamo import Table, TableFault, counted_by_brake, is_recorded, listed
from tests.model.events import (
    ADDRESSES,
    FOR_GOOD,
    KINDS,
    START,
    USUAL_KINDS,
    End,
    Event,
    as_array,
    is_silent,
    tags,
)
from tests.model.queues import SOURCE, Message, QueueFault, Queues
from tests.model.sandboxes import TICK, TOKEN, Faults, Sandbox, install
from tests.model.tasks import Task, Tasks
from tests.model.tencent import REQUESTS_PER_SECOND, ApiFault, Tencent

SANDBOXES = 2
ROUNDS_TO_DRAIN = 4
#: Where each message takes a request of its own, half a minute has five times as many seconds.
MESSAGES_A_ROUND = 100
#: Past every wait and every visibility timeout.
LONG_SECONDS = 1300.0
#: From a sandbox's answer to what the mapping does about it.
ANSWER_SECONDS = 0.05

#: Of which kind and about whom: places among what an example has of both.
PIECES = st.tuples(st.integers(0, 60), st.integers(0, 60))
#: Where all is about the same few people, they meet.
KINDS_AND_PEOPLE = st.sampled_from(
    [
        ([*USUAL_KINDS * 4, *KINDS], sorted(ADDRESSES)),
        (["silent", "silent, later", "hard"], ["good1@example.com", "good2@example.com"]),
    ]
)
FAULTS = st.builds(
    Faults,
    queue=st.lists(st.sampled_from(QueueFault), max_size=5),
    api=st.lists(st.just(ApiFault.NONE) | st.sampled_from(ApiFault), max_size=10),
    table=st.just([])
    | st.lists(st.just(TableFault.NONE) | st.sampled_from(TableFault), max_size=10)
    | st.sampled_from(TableFault).map(lambda fault: [fault] * 40),
    at_outcomes=st.just(TableFault.NONE) | st.sampled_from(TableFault),
    kill_in=st.none() | st.integers(0, 40),
)
NO_FAULTS = Faults()
WAITS = st.sampled_from([0.1, 1.0, 20.0, 60.0, 450.0, LONG_SECONDS])
PLACES = st.integers(0, SANDBOXES - 1)


@dataclass(frozen=True)
class Encounter:
    """News for each sandbox, what goes wrong there, and the seconds between and after."""

    news: Sequence[Sequence[tuple[int, int]]]
    faults: Sequence[Faults]
    gap: float
    then: float


ENCOUNTERS = st.builds(
    Encounter,
    news=st.tuples(*[st.lists(PIECES, min_size=1, max_size=3)] * SANDBOXES),
    faults=st.tuples(*[st.just(NO_FAULTS) | FAULTS] * SANDBOXES),
    gap=st.sampled_from([0.0, 0.01, 0.1, 0.3]),
    then=WAITS,
)


@dataclass
class Slot:
    """One of the mapping's two places: a sandbox, what it works on, and when it may begin again."""

    sandbox: Sandbox
    task: Task | None = None
    batch: Sequence[Message] = ()
    free_at: float = 0.0

    def is_busy(self, now: float) -> bool:
        return now < self.free_at or bool(self.task and not self.task.is_over)


class MailModel(RuleBasedStateMachine):
    """
    Rules are what the world does; invariants are what must hold whatever it does.

    Which mistakes in the code each of them catches stands in docs/guarantees.md.
    """

    @initialize(
        max_receives=st.sampled_from([1, 3, 300]),
        refuses_only_bad=st.booleans(),
        moves_days=st.booleans(),
        with_ledger=st.booleans(),
        kinds_and_people=KINDS_AND_PEOPLE,
    )
    def start(
        self,
        *,
        max_receives: int,
        refuses_only_bad: bool,
        moves_days: bool,
        with_ledger: bool,
        kinds_and_people: tuple[Sequence[str], Sequence[str]],
    ) -> None:
        self.installed = install()
        self.now = START
        self.tasks = Tasks()
        self.queues = Queues(max_receives)
        self.tencent = Tencent(refuses_only_bad=refuses_only_bad, moves_days=moves_days)
        self.table = Table() if with_ledger else None
        self.kinds, self.people = kinds_and_people
        self.max_recipients = 8
        self.door = self._new_sandbox()
        self.slots = self._new_slots()
        self.replaced: Sequence[Slot] = []
        self.claims = Claims(keeps_terms=with_ledger)
        self.left_off: set[str] = set()
        self.untold: set[str] = set()
        self.posted: list[tuple[bytes, Sequence[Event]]] = []

    # What the world does

    @rule(
        pieces=st.lists(PIECES, min_size=1, max_size=6),
        as_one=st.booleans(),
        token=st.sampled_from([TOKEN, TOKEN, TOKEN, "wrong-0123456789-0123456789"]),
        faults=FAULTS,
    )
    def post(
        self, *, pieces: Sequence[tuple[int, int]], as_one: bool, token: str, faults: Faults
    ) -> None:
        """Post callbacks: one for each event, or an array of all that can stand in one."""
        events = [self._drawn(*piece) for piece in pieces]
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
    def put_past_the_door(self, *, pieces: Sequence[tuple[int, int]]) -> None:
        """Put one message with several events on the queue."""
        events = [self._drawn(*piece) for piece in pieces]
        fit = [event for event in events if event.fits_on_the_queue]
        if fit:
            self._put(as_array(fit), fit)

    @rule(number=st.integers(10, 40))
    def bounce_many(self, *, number: int) -> None:
        """Put more on the queue than one second has requests for, when each is about few."""
        for _ in range(number):
            event = self._new_event("hard", f"many{len(self.claims.events)}@example.com")
            self._put(event.raw, [event])

    @rule(which=st.integers(0, 9), copies=st.integers(1, 2))
    def ask_for_longer(self, *, which: int, copies: int) -> None:
        """Put on the queue what makes a block longer: then its entry has to be made anew."""
        for_a_term = sorted(
            address for address, until in self.tencent.entries.items() if until != FOR_GOOD
        )
        if for_a_term:
            for _ in range(copies):
                event = self._new_event("hard", for_a_term[which % len(for_a_term)])
                self._put(event.raw, [event])

    @rule(seconds=WAITS)
    def wait(self, *, seconds: float) -> None:
        self.now += seconds
        self.tasks.run(until=self.now)

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

    @rule(seconds=WAITS, faults=st.tuples(*[st.just(NO_FAULTS) | FAULTS] * SANDBOXES))
    def deliver_to_everybody(self, *, seconds: float, faults: Sequence[Faults]) -> None:
        """Keep every sandbox busy at once."""
        self.wait(seconds=seconds)
        visible = self.queues.visible(self.now)
        for place in range(SANDBOXES):
            self._deliver(place, visible[place::SANDBOXES], faults[place])

    @rule(encounters=st.lists(ENCOUNTERS, min_size=1, max_size=5))
    def meet(self, *, encounters: Sequence[Encounter]) -> None:
        """Give each sandbox news of its own and all that waits, one a moment after the other."""
        for encounter in encounters:
            for place, pieces in enumerate(encounter.news):
                events = [self._drawn(*piece) for piece in pieces]
                for event in events:
                    if event.fits_on_the_queue:
                        self._put(event.raw, [event])
                self._deliver(place, self.queues.visible(self.now), encounter.faults[place])
                self.wait(seconds=encounter.gap)
            self.wait(seconds=encounter.then)

    @rule(place=PLACES)
    def kill(self, *, place: int) -> None:
        """Kill a sandbox wherever it stands, be it with an answer that nobody has acted on yet."""
        slot = self.slots[place]
        if slot.task and not slot.task.is_over:
            slot.sandbox.clock.kill_in = 0
            slot.task.stop(KilledError())
        else:
            self._replace_sandbox(slot)

    @rule(max_recipients=st.sampled_from([1, 3, 8]))
    def deploy(self, *, max_recipients: int) -> None:
        """
        Put other sandboxes in the place of all, with another setting.

        Those of the consumer that are at work end it beside them; nobody deploys twice a second.
        """
        if not any(slot.is_busy(self.now) for slot in self.replaced):
            self.wait(seconds=1.0)
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
        assert self.claims.lost(source, dead, self.tencent, may_be_off=self._may_be_off()) == []

    @invariant()
    def nobody_is_blocked_unasked(self) -> None:
        for address, until in self.tencent.entries.items():
            assert address in self.claims.asked
            assert until <= self.claims.asked[address]

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
    def the_ledger_says_until_when_who_is_listed(self) -> None:
        if self.table:
            said = listed(self.table)
            for address in said.keys() - self._in_hand() - self.untold - self.tencent.swallowed:
                assert said[address] == self.tencent.entries.get(address)

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
        with self.installed:
            self._drain()
            for holds in (
                self.all_sandboxes_together_keep_the_rate,
                self.nothing_accepted_is_lost,
                self.nobody_is_blocked_unasked,
                self.dead_letters_say_the_truth,
                self.the_ledger_says_until_when_who_is_listed,
            ):
                holds()

    # How the world works

    def _drain(self) -> None:
        self.tencent.settings_wrong = False
        for number in range(ROUNDS_TO_DRAIN + len(self.queues.source) // MESSAGES_A_ROUND):
            self.wait(seconds=LONG_SECONDS)
            # Somebody new shows that no setting is at fault.
            good = self._new_event("hard", f"new{number}@example.com")
            self._post(good.raw, [good])
            self.deliver_all(seconds=1.0, place=0, faults=NO_FAULTS)
            self.wait(seconds=LONG_SECONDS)
        assert not self.queues.source

    def _in_hand(self) -> set[str]:
        """Give those about whom a message waits or is at work."""
        at_work = [
            message
            for slot in (*self.slots, *self.replaced)
            if slot.is_busy(self.now)
            for message in slot.batch
        ]
        return self._addresses(held_tags([*self.queues.source.values(), *at_work]))

    def _may_be_off(self) -> set[str]:
        """
        Give those whose entry may have been taken off to be made anew, which only a ledger does.

        That is for as long as they are in hand, and beyond that where a message about them went to
        the dead letters meanwhile, or Tencent refused to make the entry again.
        """
        if not self.table:
            return set()
        given_up = [letter for letter in self.queues.dead.values() if letter.code is None]
        off = self.left_off | self.tencent.refused_alone
        return off | self._in_hand() | self._addresses(held_tags(given_up))

    def _addresses(self, tags_: Iterable[bytes]) -> set[str]:
        return {self.claims.events[tag].address for tag in tags_} - {""}

    def _new_sandbox(self) -> Sandbox:
        return Sandbox(self.queues, self.tencent, self.table, max_recipients=self.max_recipients)

    def _new_slots(self) -> list[Slot]:
        return [Slot(self._new_sandbox()) for _ in range(SANDBOXES)]

    def _replace_sandbox(self, slot: Slot) -> None:
        """Nobody is there at once again, or more than two a second would be at work."""
        slot.free_at = slot.sandbox.clock.now + 1
        slot.sandbox = self._new_sandbox()

    def _drawn(self, kind: int, person: int) -> Event:
        return self._new_event(
            self.kinds[kind % len(self.kinds)], self.people[person % len(self.people)]
        )

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
        sandbox, statuses = self.door, []

        def work() -> None:
            try:
                statuses.append(sandbox.post(body, token=token, faults=faults))
            except KilledError:
                self.door = self._new_sandbox()

        sandbox.clock.restart(self.now)
        self.tasks.finish(self.tasks.start(work, sandbox.clock))
        self.now = max(self.now, sandbox.clock.now)
        assert statuses in ([], [200], [503]) if token == TOKEN else statuses in ([], [404])
        if statuses == [200]:
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
        if slot.is_busy(self.now):
            return
        records = self.queues.receive(messages, self.now)
        if records:
            slot.sandbox.clock.restart(self.now)
            slot.batch = messages
            work = partial(
                self._work_off, slot, records, window=window, timeout=timeout, faults=faults
            )
            slot.task = self.tasks.start(work, slot.sandbox.clock)

    def _work_off(
        self,
        slot: Slot,
        records: Sequence[Mapping[str, Any]],
        *,
        window: float,
        timeout: float,
        faults: Faults,
    ) -> None:
        sandbox = slot.sandbox
        failed = {record["messageId"] for record in records}
        was_killed = False
        try:
            sandbox.clock.sleep(window)
            answer, metrics = sandbox.block(records, seconds=timeout, faults=faults)
            sandbox.clock.sleep(ANSWER_SECONDS)
            failed = _judge(sandbox, records, answer, metrics, faults)
        except KilledError:
            was_killed = True
            self._replace_sandbox(slot)
        if was_killed or not sandbox.could_write:
            self.untold |= sandbox.api.taken_off
        for record in records:
            id_, handle = record["messageId"], record["receiptHandle"]
            if id_ not in failed:
                self.queues.delete(id_, handle)
            elif not self.queues.comes_again(id_, handle):  # another has it, or is done with it
                about = self._addresses(tags(record["body"].encode()))
                self.left_off |= about & sandbox.api.taken_off


def _judge(
    sandbox: Sandbox,
    records: Sequence[Mapping[str, Any]],
    answer: bytes,
    metrics: Mapping[str, Any],
    faults: Faults,
) -> set[str]:
    """Check what an invocation answered and counted; give the ids that are to come again."""
    api = sandbox.api
    faultless = not any(fault.value for fault in faults.api)
    if faultless and api.met_wrong_settings_only and len(api.asked_alone) > 1:
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
