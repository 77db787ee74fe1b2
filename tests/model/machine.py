"""
A model that tries to lose mail.

The real handlers, services and adapters run. What stands around them is modelled and hostile: SQS,
the event source mapping, Tencent's API, the ledger, and whoever kills sandboxes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.model.claims import held_tags
from tests.model.dynamo import (
    Purpose,
    Table,
    TableFault,
    counted_by_brake,
    is_recorded,
    listed,
)
from tests.model.events import (
    ADDRESSES,
    FOR_GOOD,
    KINDS,
    USUAL_KINDS,
    End,
    Event,
    as_array,
    is_silent,
)
from tests.model.queues import QueueFault, Queues
from tests.model.sandboxes import TICK, TOKEN, Faults, install
from tests.model.tencent import REQUESTS_PER_SECOND, ApiFault, Tencent, Wish
from tests.model.world import NO_FAULTS, SANDBOXES, World

#: People that are to meet are not hidden in a crowd.
FEW = 2
ROUNDS_TO_DRAIN = 4
#: Where each message takes a request of its own, half a minute has five times as many seconds.
MESSAGES_A_ROUND = 100
#: Past every wait and every visibility timeout.
LONG_SECONDS = 1300.0

#: Of which kind and about whom: places among what an example has of both.
Piece = tuple[int, int]
PIECES = st.tuples(st.integers(0, 60), st.integers(0, 60))
EVERYTHING = ([*USUAL_KINDS * 2, *KINDS], sorted(ADDRESSES))
#: Where all is about the same few people, they meet.
FEW_PEOPLE = (["silent", "silent, later", "hard"], ["good1@example.com", "good2@example.com"])
KINDS_AND_PEOPLE = st.sampled_from([EVERYTHING, EVERYTHING, FEW_PEOPLE])
SCRIPTS = st.builds(
    Faults,
    queue=st.lists(st.sampled_from(QueueFault), max_size=5)
    | st.sampled_from(QueueFault).map(lambda fault: [fault] * 40),
    api=st.lists(st.just(ApiFault.NONE) | st.sampled_from(ApiFault), max_size=10),
    table=st.just([])
    | st.lists(st.just(TableFault.NONE) | st.sampled_from(TableFault), max_size=10)
    | st.sampled_from(TableFault).map(lambda fault: [fault] * 40),
    kill_in=st.none() | st.integers(0, 40),
)
#: A call in the middle is met by no script: those before it use it up.
AIMED = st.builds(
    Faults,
    table_at=st.dictionaries(st.sampled_from(Purpose), st.sampled_from(TableFault), max_size=1),
    api_at=st.dictionaries(st.sampled_from(Wish), st.sampled_from(ApiFault), max_size=2),
    kill_after=st.none() | st.none() | st.sampled_from(Wish),
)
FAULTS = SCRIPTS | AIMED
FAULTS_OF_EACH = st.tuples(*[st.just(NO_FAULTS) | FAULTS] * SANDBOXES)
WAITS = st.sampled_from([0.1, 1.0, 20.0, 60.0, 450.0, LONG_SECONDS])
PLACES = st.integers(0, SANDBOXES - 1)


@dataclass(frozen=True)
class Encounter:
    """News for each sandbox, what goes wrong there, and the seconds between and after."""

    news: Sequence[Sequence[Piece]]
    faults: Sequence[Faults]
    gap: float
    then: float


ENCOUNTERS = st.builds(
    Encounter,
    news=st.tuples(*[st.lists(PIECES, min_size=1, max_size=3)] * SANDBOXES),
    faults=FAULTS_OF_EACH,
    gap=st.sampled_from([0.0, 0.01, 0.1, 0.3]),
    then=WAITS,
)


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
        max_receives: int = 300,
        refuses_only_bad: bool = False,
        moves_days: bool = False,
        with_ledger: bool = True,
        kinds_and_people: tuple[Sequence[str], Sequence[str]] = FEW_PEOPLE,
    ) -> None:
        """Begin; a test of one moment says only what it needs otherwise."""
        self.installed = install()
        self.kinds, self.people = kinds_and_people
        self.tencent = Tencent(refuses_only_bad=refuses_only_bad, moves_days=moves_days)
        self.queues = Queues(max_receives)
        self.table = Table() if with_ledger else None
        self.world = World(queues=self.queues, tencent=self.tencent, table=self.table)
        self.claims = self.world.claims

    # What the world does

    @rule(
        pieces=st.lists(PIECES, min_size=1, max_size=6),
        as_one=st.booleans(),
        token=st.sampled_from([TOKEN, TOKEN, TOKEN, "wrong-0123456789-0123456789"]),
        faults=FAULTS,
    )
    def post(self, *, pieces: Sequence[Piece], as_one: bool, token: str, faults: Faults) -> None:
        """Post callbacks: one for each event, or an array of all that can stand in one."""
        events = self._drawn(pieces)
        together = [event for event in events if as_one and event.is_json]
        callbacks = [[event] for event in events if event not in together]
        for callback in [*callbacks, together] if together else callbacks:
            body = callback[0].raw if len(callback) == 1 else as_array(callback)
            self.world.post(body, callback, token=token, faults=faults)

    @rule(which=st.integers(0, 9), faults=FAULTS)
    def post_again(self, *, which: int, faults: Faults) -> None:
        """Repeat a callback, as Tencent does when it saw no answer."""
        if posted := self.world.posted:
            self.world.post(*posted[-1 - which % len(posted)], faults=faults)

    @rule(pieces=st.lists(PIECES, min_size=1, max_size=6))
    def put_past_the_door(self, *, pieces: Sequence[Piece]) -> None:
        """Put one message with several events on the queue."""
        fit = [event for event in self._drawn(pieces) if event.fits_on_the_queue]
        if fit:
            self.world.put(as_array(fit), fit)

    @precondition(lambda self: len(self.people) > FEW)
    @rule(number=st.integers(10, 40))
    def bounce_many(self, *, number: int) -> None:
        """Put more on the queue than one second has requests for, when each is about few."""
        for _ in range(number):
            self._put_hard_bounce(f"many{len(self.claims.events)}@example.com")

    @rule(which=st.integers(0, 9), copies=st.integers(1, 2))
    def ask_for_longer(self, *, which: int, copies: int) -> None:
        """Put on the queue what makes a block longer: then its entry has to be made anew."""
        for_a_term = sorted(
            address for address, until in self.tencent.entries.items() if until != FOR_GOOD
        )
        for _ in range(copies if for_a_term else 0):
            self._put_hard_bounce(for_a_term[which % len(for_a_term)])

    @rule(seconds=WAITS)
    def wait(self, *, seconds: float) -> None:
        self.world.wait(seconds)

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
        """Hand a batch to a sandbox: in any order, and some messages that others still work on."""
        self.world.wait(seconds)
        visible = self.world.visible()
        batch = (visible[turn:] + visible[:turn])[:size]
        batch += list(self.queues.source.values())[:duplicates]
        self.world.deliver(place, batch, faults, window=window, timeout=timeout)

    @rule(seconds=WAITS, place=PLACES, faults=FAULTS)
    def deliver_all(self, *, seconds: float, place: int, faults: Faults) -> None:
        """Hand over all there is, so that requests are as large as they can be."""
        self.world.wait(seconds)
        self.world.deliver(place, self.world.visible(), faults)

    @rule(seconds=WAITS, faults=FAULTS_OF_EACH)
    def deliver_to_everybody(self, *, seconds: float, faults: Sequence[Faults]) -> None:
        """Keep every sandbox busy at once."""
        self.world.wait(seconds)
        visible = self.world.visible()
        for place in range(SANDBOXES):
            self.world.deliver(place, visible[place::SANDBOXES], faults[place])

    @rule(encounters=st.lists(ENCOUNTERS, min_size=1, max_size=5))
    def meet(self, *, encounters: Sequence[Encounter]) -> None:
        """Give each sandbox news of its own and all that waits, one a moment after the other."""
        for encounter in encounters:
            for place, pieces in enumerate(encounter.news):
                for event in self._drawn(pieces):
                    if event.fits_on_the_queue:
                        self.world.put(event.raw, [event])
                self.world.deliver(place, self.world.visible(), encounter.faults[place])
                self.world.wait(encounter.gap)
            self.world.wait(encounter.then)

    @rule(place=PLACES)
    def kill(self, *, place: int) -> None:
        self.world.kill(place)

    @rule(max_recipients=st.sampled_from([1, 3, 8]))
    def deploy(self, *, max_recipients: int) -> None:
        self.world.deploy(max_recipients=max_recipients)

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
        may_be_off = self.world.may_be_off()
        assert self.claims.lost(source, dead, self.tencent, may_be_off=may_be_off) == []

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
            unsure = self.tencent.swallowed | self.tencent.refused_alone
            sure = [event for event in ended if event.address not in unsure]
            assert [event for event in sure if not is_recorded(event, self.table)] == []

    @invariant()
    def the_ledger_says_until_when_who_is_listed(self) -> None:
        if self.table:
            said = listed(self.table)
            unsure = self.world.in_hand() | self.world.untold.keys() | self.tencent.swallowed
            for address in said.keys() - unsure:
                until = self.tencent.entries.get(address, date.min)
                may_last = address in self.world.given_up()  # one was asked for, without an answer
                assert until == said[address] or (may_last and until > said[address])

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
        """Let the faults end: then everything comes to its end, in a few rounds."""
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

    def _drain(self) -> None:
        """Limits that were lowered stay so, as nobody will raise them; that takes more rounds."""
        self.tencent.settings_wrong = False
        for number in range(ROUNDS_TO_DRAIN + len(self.queues.source) // MESSAGES_A_ROUND):
            self.world.wait(LONG_SECONDS)
            # Somebody new shows that no setting is at fault.
            good = self.world.new_event("hard", f"new{number}@example.com")
            self.world.post(good.raw, [good])
            self.world.wait(1.0)
            self.world.deliver(0, self.world.visible(), NO_FAULTS)
            self.world.wait(LONG_SECONDS)
        assert not self.queues.source

    def _drawn(self, pieces: Sequence[Piece]) -> Sequence[Event]:
        return [
            self.world.new_event(
                self.kinds[kind % len(self.kinds)], self.people[person % len(self.people)]
            )
            for kind, person in pieces
        ]

    def _put_hard_bounce(self, reported: str) -> None:
        event = self.world.new_event("hard", reported)
        self.world.put(event.raw, [event])
