"""What becomes of every recipient, whatever the blocklist answers."""

import math
from collections.abc import Callable, Sequence
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.blocklist.domain.dead_letters import ErrorCode
from functions.blocklist.domain.errors import (
    BlocklistError,
    ConfigurationError,
    RateLimitedError,
    RefusedRequestError,
    RequestTooLargeError,
    TooManyRecipientsError,
    UnavailableError,
)
from functions.blocklist.services.ports import Answer, Counts
from functions.blocklist.services.reports import Refusal
from functions.blocklist.services.requests import Requests
from tests.fakes import FakeBlocklist, FakePacer


def recipients(number: int) -> list[str]:
    return [f"user{index}@example.com" for index in range(number)]


class FinishingRequests(Requests):
    """Finishes after each `block`, as the use case does after the last."""

    def block(self, recipients: Sequence[str], *, until: date | None) -> None:
        super().block(recipients, until=until)
        self.finish()


def make_requests(blocklist: FakeBlocklist, *, starts: float = math.inf) -> Requests:
    return FinishingRequests(blocklist, FakePacer(starts), last_start=100.0, timeout_seconds=7.0)


def raising(
    error: BlocklistError, *, when: Callable[[Sequence[str]], bool] = lambda _: True
) -> Callable[[Sequence[str]], None]:
    def script(group: Sequence[str]) -> None:
        if when(group):
            raise error

    return script


def test_requests_are_as_full_as_the_blocklist_allows() -> None:
    blocklist = FakeBlocklist(max_recipients=1000)
    requests = make_requests(blocklist)

    requests.block(recipients(2500), until=None)

    assert [len(request) for request in blocklist.requests] == [1000, 1000, 500]
    assert set(requests.accepted) == set(recipients(2500))
    assert requests.totals.requests == 3
    assert requests.totals.added == requests.totals.sent == 2500


def test_term_and_timeout_reach_the_blocklist() -> None:
    blocklist = FakeBlocklist()
    requests = make_requests(blocklist)

    requests.block(["a@example.com"], until=date(2026, 12, 1))
    requests.block(["b@example.com"], until=None)

    assert blocklist.terms == [date(2026, 12, 1), None]
    assert blocklist.timeouts == [7.0, 7.0]


def test_repeat_is_success() -> None:
    blocklist = FakeBlocklist(blocked={"a@example.com"})
    requests = make_requests(blocklist)

    requests.block(["a@example.com", "b@example.com"], until=None)

    assert set(requests.accepted) == {"a@example.com", "b@example.com"}
    assert (requests.totals.added, requests.totals.repeated) == (1, 1)


def test_answer_without_counts_is_success() -> None:
    """The first example on the API's page holds a request id and nothing else."""
    requests = make_requests(FakeBlocklist(script=lambda _: Answer("r-1")))

    requests.block(recipients(3), until=None)

    assert set(requests.accepted) == set(recipients(3))
    assert requests.totals.uncounted == requests.totals.sent == 3


@pytest.mark.parametrize("counts", [Counts(1, 0, 0, 3), Counts(5, 0, 0, 3), Counts(3, 0, 0, 9)])
def test_counts_that_cannot_be_true_are_no_counts(counts: Counts) -> None:
    requests = make_requests(FakeBlocklist(script=lambda _: Answer("r-1", counts)))

    requests.block(recipients(3), until=None)

    assert set(requests.accepted) == set(recipients(3))
    assert requests.totals.uncounted == requests.totals.sent == 3


def test_refused_recipients_are_found_although_the_other_counts_do_not_add_up() -> None:
    """The vendor says that it refused one: to believe only the rest would lose it."""
    bad = frozenset({"user2@example.com"})

    def script(group: Sequence[str]) -> Answer:
        return Answer("r-1", Counts(0, 0, len(bad & set(group)), len(group)))

    requests = make_requests(FakeBlocklist(script=script))

    requests.block(recipients(4), until=None)

    assert set(requests.refused) == bad
    assert (requests.totals.refused, requests.totals.uncounted) == (1, 3)


@given(
    size=st.integers(1, 300),
    bad=st.sets(st.integers(0, 299), max_size=6),
)
def test_refused_recipients_are_found_within_the_bound(size: int, bad: set[int]) -> None:
    """At most k * ceil(log2(n)) requests more, and every neighbour is blocked."""
    everybody = recipients(size)
    refused = frozenset(everybody[index] for index in bad if index < size)
    blocklist = FakeBlocklist(bad=refused)
    requests = make_requests(blocklist)

    requests.block(everybody, until=None)

    assert set(requests.refused) == refused
    assert set(requests.accepted) == blocklist.blocked == set(everybody) - refused
    assert len(blocklist.requests) - 1 <= len(refused) * math.ceil(math.log2(size))
    assert requests.totals.added == size - len(refused)
    assert requests.totals.refused == len(refused)
    assert requests.totals.repeated == 0


def test_refusal_names_the_request_that_told() -> None:
    requests = make_requests(FakeBlocklist(bad=frozenset({"user0@example.com"})))

    requests.block(recipients(2), until=None)

    assert requests.refused == {
        "user0@example.com": Refusal(ErrorCode.REFUSED_ADDRESS, "request-2"),
    }


def test_narrowing_down_that_fails_leaves_its_group_for_later() -> None:
    """Nobody knows which of the group is refused, so none may be dead-lettered or forgotten."""
    blocklist = FakeBlocklist(
        bad=frozenset({"user1@example.com"}),
        script=raising(UnavailableError("Down"), when=lambda group: len(group) == 2),
    )
    requests = make_requests(blocklist)

    requests.block(recipients(4), until=None)

    assert requests.refused == {}
    assert set(requests.accepted) == set()
    assert requests.totals.errors == {("UnavailableError", "Down"): 2}


@pytest.mark.parametrize(
    "again",
    [Answer("r-2"), Answer("r-2", Counts(0, 0, 2, 2)), Answer("r-2", Counts(3, 0, -1, 2))],
    ids=["no counts", "more refused than there were", "fewer than none"],
)
def test_narrowing_down_on_counts_that_cannot_be_true_leaves_the_group_for_later(
    again: Answer,
) -> None:
    def script(group: Sequence[str]) -> Answer | None:
        return again if len(group) < 4 else None

    requests = make_requests(FakeBlocklist(bad=frozenset({"user1@example.com"}), script=script))

    requests.block(recipients(4), until=None)

    assert requests.refused == {}
    assert set(requests.accepted) == set()


def test_narrowing_down_that_is_refused_leaves_the_group_for_later() -> None:
    blocklist = FakeBlocklist(
        bad=frozenset({"user1@example.com"}),
        script=raising(RefusedRequestError("InvalidParameter"), when=lambda group: len(group) == 2),
    )
    requests = make_requests(blocklist)

    requests.block(recipients(4), until=None)

    assert requests.refused == {}
    assert set(requests.accepted) == set()


@pytest.mark.parametrize("error", [RateLimitedError, ConfigurationError])
def test_some_errors_stop_the_invocation(error: type[BlocklistError]) -> None:
    blocklist = FakeBlocklist(max_recipients=1, script=raising(error("Code")))
    requests = make_requests(blocklist)

    requests.block(recipients(3), until=None)
    requests.block(["another@example.com"], until=date(2026, 12, 1))

    assert len(blocklist.requests) == 1
    assert set(requests.accepted) == set()
    assert requests.refused == {}
    assert requests.totals.rate_limited == (error is RateLimitedError)
    assert requests.totals.configuration_errors == (error is ConfigurationError)


def test_unavailable_request_leaves_the_others_alone() -> None:
    blocklist = FakeBlocklist(
        max_recipients=1,
        script=raising(
            UnavailableError("Down"), when=lambda group: group[0].startswith(("user1", "user3"))
        ),
    )
    requests = make_requests(blocklist)

    requests.block(recipients(6), until=None)

    assert set(requests.accepted) == set(recipients(6)) - {"user1@example.com", "user3@example.com"}


def test_three_unavailable_in_a_row_stop_the_invocation() -> None:
    blocklist = FakeBlocklist(max_recipients=1, script=raising(UnavailableError("Down")))
    requests = make_requests(blocklist)

    requests.block(recipients(9), until=None)

    assert len(blocklist.requests) == 3


def test_any_usable_answer_ends_a_row_of_unavailable_ones() -> None:
    """A refused request is an answer: the other side is there."""
    errors: list[BlocklistError] = [
        UnavailableError("Down"),
        UnavailableError("Down"),
        RefusedRequestError("InvalidParameter"),
        UnavailableError("Down"),
        UnavailableError("Down"),
    ]

    def script(_: Sequence[str]) -> None:
        if errors:
            raise errors.pop(0)

    blocklist = FakeBlocklist(max_recipients=1, script=script)
    requests = make_requests(blocklist)

    requests.block(recipients(7), until=None)

    assert len(blocklist.requests) == 7
    assert set(requests.accepted) == {"user5@example.com", "user6@example.com"}


def test_no_request_starts_without_the_pacers_leave() -> None:
    blocklist = FakeBlocklist(max_recipients=1)
    requests = make_requests(blocklist, starts=2)

    requests.block(recipients(5), until=None)

    assert len(blocklist.requests) == requests.totals.requests == 2
    assert set(requests.accepted) == {"user0@example.com", "user1@example.com"}


def test_too_many_recipients_halves_the_limit_for_good() -> None:
    blocklist = FakeBlocklist(
        max_recipients=8,
        script=raising(TooManyRecipientsError("LimitExceeded"), when=lambda group: len(group) > 3),
    )
    requests = make_requests(blocklist)

    requests.block(recipients(20), until=None)

    assert blocklist.max_recipients == 2
    assert set(requests.accepted) == set(recipients(20))
    assert [len(request) for request in blocklist.requests[:3]] == [8, 4, 2]
    assert {len(request) for request in blocklist.requests[3:]} == {2}


def test_too_many_recipients_in_a_request_of_one_is_a_matter_of_configuration() -> None:
    blocklist = FakeBlocklist(script=raising(TooManyRecipientsError("LimitExceeded")))
    requests = make_requests(blocklist)

    requests.block(recipients(4), until=None)

    assert requests.totals.configuration_errors == 1
    assert requests.refused == {}
    assert set(requests.accepted) == set()


def test_too_large_halves_this_request_only() -> None:
    blocklist = FakeBlocklist(
        max_recipients=4,
        script=raising(
            RequestTooLargeError("RequestSizeLimitExceeded"),
            when=lambda group: len(group) == 4 and "user0@example.com" in group,
        ),
    )
    requests = make_requests(blocklist)

    requests.block(recipients(8), until=None)

    assert [len(request) for request in blocklist.requests] == [4, 2, 2, 4]
    assert set(requests.accepted) == set(recipients(8))


def test_too_large_with_one_recipient_is_a_matter_of_configuration() -> None:
    blocklist = FakeBlocklist(script=raising(RequestTooLargeError("RequestSizeLimitExceeded")))
    requests = make_requests(blocklist)

    requests.block(["a@example.com"], until=None)

    assert requests.totals.configuration_errors == 1
    assert requests.refused == {}


@pytest.mark.parametrize(
    "bad",
    [
        {"user5@example.com"},
        {"user0@example.com", "user7@example.com"},
        {"user0@example.com", "user1@example.com"},
        {"user0@example.com", "user2@example.com", "user5@example.com"},
    ],
)
def test_recipients_that_spoil_a_request_are_found_and_their_neighbours_blocked(
    bad: set[str],
) -> None:
    """Even when both halves hold one: to stop there would hold back everybody for three days."""
    blocklist = FakeBlocklist(
        script=raising(
            RefusedRequestError("InvalidParameterValue", request_id="r-9"),
            when=lambda group: bool(bad & set(group)),
        )
    )
    requests = make_requests(blocklist)

    requests.block(recipients(8), until=None)

    assert requests.refused == dict.fromkeys(bad, Refusal(ErrorCode.REFUSED_REQUEST, "r-9"))
    assert set(requests.accepted) == set(recipients(8)) - bad
    assert requests.totals.errors[("RefusedRequestError", "InvalidParameterValue")] > 1
    assert requests.totals.refused == len(bad)
    assert requests.totals.configuration_errors == 0


@pytest.mark.parametrize(("size", "most_requests"), [(2, 3), (3, 5), (1000, 23)])
def test_request_of_which_nothing_is_accepted_is_a_matter_of_configuration(
    size: int, most_requests: int
) -> None:
    """No address is at fault, so none may be dead-lettered."""
    blocklist = FakeBlocklist(script=raising(RefusedRequestError("InvalidParameter")))
    requests = make_requests(blocklist)

    requests.block(recipients(size), until=None)

    assert len(blocklist.requests) <= most_requests
    assert requests.totals.configuration_errors == 1
    assert requests.refused == {}


def test_many_recipients_that_spoil_a_request_do_not_look_like_a_setting() -> None:
    """With one in every eighth only single recipients can tell."""
    everybody = recipients(400)
    bad = set(everybody[7::20])
    blocklist = FakeBlocklist(
        script=raising(RefusedRequestError("InvalidParameter"), when=lambda g: bool(bad & set(g)))
    )
    requests = make_requests(blocklist)

    requests.block(everybody, until=None)

    assert set(requests.refused) == bad
    assert set(requests.accepted) == set(everybody) - bad
    assert requests.totals.configuration_errors == 0
    assert requests.totals.sent == len(everybody)


def test_probe_that_tells_nothing_proves_nothing() -> None:
    def script(group: Sequence[str]) -> None:
        raise (RefusedRequestError if len(group) > 1 else TooManyRecipientsError)("Code")

    requests = make_requests(FakeBlocklist(script=script))

    requests.block(recipients(100), until=None)

    assert requests.refused == {}
    assert requests.totals.configuration_errors == 0


@pytest.mark.parametrize("after", [2, 3, 8])
def test_wrong_setting_after_a_success_blames_no_address(after: int) -> None:
    """Whoever was accepted before the setting changed is refused now as well."""
    blocklist = FakeBlocklist(max_recipients=8)
    requests = make_requests(blocklist)
    requests.block(recipients(8), until=None)

    blocklist.script = raising(RefusedRequestError("InvalidParameter"))
    requests.block(recipients(8 + after)[8:], until=None)

    assert set(requests.accepted) == set(recipients(8))
    assert requests.refused == {}
    assert requests.totals.configuration_errors == 1


@pytest.mark.parametrize("number", [2, 3, 7])
def test_last_ones_are_bad_where_somebody_accepted_before_is_accepted_again(number: int) -> None:
    """Together they looked like a wrong setting, each time, and came back until SQS gave up."""
    good, *bad = recipients(1 + number)
    blocklist = FakeBlocklist(
        max_recipients=8,
        script=raising(
            RefusedRequestError("InvalidParameter"), when=lambda group: good not in group
        ),
    )
    requests = Requests(blocklist, FakePacer(math.inf), last_start=100.0, timeout_seconds=7.0)
    requests.block([good], until=date(2026, 9, 1))

    requests.block(bad, until=None)
    requests.finish()

    assert requests.refused.keys() == set(bad)
    assert requests.totals.configuration_errors == 0
    assert blocklist.requests[-1] == (good,)
    assert blocklist.terms[-1] == date(2026, 9, 1)


def test_nobody_is_asked_for_again_whose_outcome_may_be_written_down() -> None:
    """Another sandbox may have made the entry anew since, for longer."""
    good, *bad = recipients(3)
    blocklist = FakeBlocklist(
        script=raising(
            RefusedRequestError("InvalidParameter"), when=lambda group: good not in group
        )
    )
    requests = Requests(blocklist, FakePacer(math.inf), last_start=100.0, timeout_seconds=7.0)
    requests.block([good], until=date(2026, 9, 1))
    requests.finish()

    requests.block(bad, until=None)
    requests.finish()

    assert blocklist.requests.count((good,)) == 1
    assert requests.refused == {}


@pytest.mark.parametrize("codes", [["Same"] * 8, ["Same", "Other"] * 4])
def test_lone_recipients_are_judged_together(codes: list[str]) -> None:
    """After the limit sank to one, a wrong setting would otherwise dead-letter them one by one."""
    left = list(codes)

    def script(_: Sequence[str]) -> None:
        raise RefusedRequestError(left.pop(0))

    requests = make_requests(FakeBlocklist(max_recipients=1, script=script))

    requests.block(recipients(8), until=None)

    alike = len(set(codes)) == 1
    assert len(requests.refused) == (0 if alike else 8)
    assert requests.totals.configuration_errors == alike


def test_lone_recipients_without_any_acceptance_are_not_asked_about_for_ever() -> None:
    blocklist = FakeBlocklist(
        max_recipients=1, script=raising(RefusedRequestError("InvalidParameter"))
    )
    requests = make_requests(blocklist)

    requests.block(recipients(100), until=None)

    assert len(blocklist.requests) == 8
    assert requests.totals.configuration_errors == 1


def test_silence_while_halving_proves_nothing() -> None:
    """Eighths without an answer may be accepted; the settings are not to blame yet."""

    def script(group: Sequence[str]) -> None:
        if "user0@example.com" in group or len(group) > 50:
            raise RefusedRequestError("InvalidParameter")
        raise UnavailableError("Down")

    requests = make_requests(FakeBlocklist(script=script))

    requests.block(recipients(100), until=None)

    assert requests.refused == {}
    assert requests.totals.configuration_errors == 0


def test_more_refused_than_were_sent_is_looked_into() -> None:
    """It cannot be true, and yet somebody was refused."""

    def script(group: Sequence[str]) -> Answer | None:
        return Answer("r-1", Counts(0, 0, 9, 9)) if len(group) > 1 else None

    requests = make_requests(FakeBlocklist(bad=frozenset({"user2@example.com"}), script=script))

    requests.block(recipients(4), until=None)

    assert set(requests.refused) == {"user2@example.com"}
    assert len(requests.accepted) == 3
    assert requests.totals.sent == 4


@pytest.mark.parametrize("refused", [1, 2])
def test_single_recipient_that_was_refused_is_refused(refused: int) -> None:
    answer = Answer("r-1", Counts(0, 0, refused, 1))
    requests = make_requests(FakeBlocklist(script=lambda _: answer))

    requests.block(["a@example.com"], until=None)

    assert requests.refused == {"a@example.com": Refusal(ErrorCode.REFUSED_ADDRESS, "r-1")}
    assert set(requests.accepted) == set()


def test_half_that_is_refused_whole_when_asked_again_still_tells() -> None:
    """Tencent may answer an error where nothing valid is left in a request."""
    bad = "user0@example.com"

    def script(group: Sequence[str]) -> None:
        if list(group) == [bad]:
            raise RefusedRequestError("InvalidParameterValue", request_id="r-9")

    requests = make_requests(FakeBlocklist(bad=frozenset({bad}), script=script))

    requests.block(recipients(4), until=None)

    assert requests.refused == {bad: Refusal(ErrorCode.REFUSED_ADDRESS, "r-9")}
    assert set(requests.accepted) == set(recipients(4)) - {bad}


def test_other_half_is_asked_when_the_first_tells_nothing() -> None:
    def script(group: Sequence[str]) -> None:
        if group[0] == "user0@example.com" and len(group) == 2:
            raise RequestTooLargeError("RequestSizeLimitExceeded")

    requests = make_requests(FakeBlocklist(bad=frozenset({"user3@example.com"}), script=script))

    requests.block(recipients(4), until=None)

    assert set(requests.refused) == {"user3@example.com"}
    assert len(requests.accepted) == 3


def test_limit_that_sank_while_narrowing_down_is_remembered() -> None:
    blocklist = FakeBlocklist(
        bad=frozenset({"user3@example.com"}),
        script=raising(TooManyRecipientsError("LimitExceeded"), when=lambda g: len(g) == 4),
    )
    requests = make_requests(blocklist)

    requests.block(recipients(8), until=None)

    assert blocklist.max_recipients == 2
    assert requests.refused == {}


def test_nothing_is_asked_after_a_throttle_while_narrowing_down() -> None:
    blocklist = FakeBlocklist(
        bad=frozenset({"user3@example.com"}),
        script=raising(RateLimitedError("RequestLimitExceeded"), when=lambda g: len(g) == 4),
    )
    requests = make_requests(blocklist)

    requests.block(recipients(8), until=None)

    assert len(blocklist.requests) == 2
    assert requests.totals.rate_limited == 1


def test_half_refused_after_the_whole_was_too_large_is_looked_into() -> None:
    def script(group: Sequence[str]) -> None:
        if len(group) == 4:
            raise RequestTooLargeError("RequestSizeLimitExceeded")
        if "user3@example.com" in group:
            raise RefusedRequestError("InvalidParameterValue")

    requests = make_requests(FakeBlocklist(script=script))

    requests.block(recipients(4), until=None)

    assert set(requests.refused) == {"user3@example.com"}
    assert len(requests.accepted) == 3


def test_two_recipients_too_many_are_halved() -> None:
    blocklist = FakeBlocklist(
        script=raising(TooManyRecipientsError("LimitExceeded"), when=lambda g: len(g) > 1)
    )
    requests = make_requests(blocklist)

    requests.block(recipients(2), until=None)

    assert set(requests.accepted) == set(recipients(2))
    assert blocklist.max_recipients == 1


def test_small_request_that_is_too_many_tells_more_than_the_limit() -> None:
    blocklist = FakeBlocklist(
        max_recipients=1000,
        script=raising(TooManyRecipientsError("LimitExceeded"), when=lambda g: len(g) > 5),
    )
    requests = make_requests(blocklist)

    requests.block(recipients(10), until=None)

    assert [len(request) for request in blocklist.requests] == [10, 5, 5]


def test_success_ends_a_row_of_unavailable_ones() -> None:
    number = iter(range(100))

    def script(_: Sequence[str]) -> None:
        if next(number) % 3:
            raise UnavailableError("Down")

    blocklist = FakeBlocklist(max_recipients=1, script=script)
    requests = make_requests(blocklist)

    requests.block(recipients(12), until=None)

    assert len(blocklist.requests) == 12


def test_recipient_that_fails_alone_is_refused() -> None:
    blocklist = FakeBlocklist(script=raising(RefusedRequestError("InvalidParameter")))
    requests = make_requests(blocklist)

    requests.block(["a@example.com"], until=None)

    assert set(requests.refused) == {"a@example.com"}
    assert requests.totals.configuration_errors == 0


def test_recipients_that_fail_for_different_reasons_are_refused() -> None:
    def script(group: Sequence[str]) -> None:
        raise RefusedRequestError("InvalidParameter" if "user0" in group[0] else "Other")

    requests = make_requests(FakeBlocklist(script=script))

    requests.block(recipients(2), until=None)

    assert set(requests.refused) == set(recipients(2))
    assert requests.totals.configuration_errors == 0


def test_recipient_that_fails_beside_silence_waits() -> None:
    """With no answer for the other half nobody can tell an address's fault from a setting's."""

    def script(group: Sequence[str]) -> None:
        if group == ["user1@example.com"]:
            raise UnavailableError("Down")
        raise RefusedRequestError("InvalidParameter")

    requests = make_requests(FakeBlocklist(script=script))

    requests.block(recipients(2), until=None)

    assert requests.refused == {}
    assert set(requests.accepted) == set()
    assert requests.totals.configuration_errors == 0


def test_halving_that_runs_out_of_time_leaves_the_rest_for_later() -> None:
    blocklist = FakeBlocklist(
        script=raising(
            RefusedRequestError("InvalidParameter"), when=lambda group: "user7@example.com" in group
        )
    )
    requests = make_requests(blocklist, starts=3)

    requests.block(recipients(8), until=None)

    assert set(requests.accepted) == set(recipients(4))
    assert requests.refused == {}


def test_errors_are_counted_by_kind_and_code() -> None:
    blocklist = FakeBlocklist(
        max_recipients=1, script=raising(UnavailableError("InternalError", request_id="r-7"))
    )
    requests = make_requests(blocklist)

    requests.block(recipients(2), until=None)

    assert requests.totals.errors == {("UnavailableError", "InternalError"): 2}
    assert requests.totals.last_failed_request_id == "r-7"


def test_small_group_of_bad_recipients_does_not_hold_up_the_others() -> None:
    """With a limit of two, a pair of bad ones at the front came back with everybody, each time."""

    def script(group: Sequence[str]) -> None:
        if set(group) <= {"user0@example.com", "user1@example.com"}:
            raise RefusedRequestError("InvalidParameterValue")

    requests = make_requests(FakeBlocklist(max_recipients=2, script=script))

    requests.block(recipients(4), until=None)

    assert set(requests.accepted) == {"user2@example.com", "user3@example.com"}
    assert requests.refused.keys() == {"user0@example.com", "user1@example.com"}
    assert requests.totals.configuration_errors == 0


class TestRemoving:
    """Off the list: the answer holds no counts, so that it was taken is all that can be known."""

    def test_requests_are_as_full_as_the_blocklist_allows(self) -> None:
        blocklist = FakeBlocklist(max_recipients=1000)
        requests = make_requests(blocklist)

        requests.remove(recipients(2500))

        assert [len(request) for request in blocklist.removals] == [1000, 1000, 500]
        assert requests.removed == set(recipients(2500))
        assert requests.totals.requests == 3
        assert requests.totals.sent == 0

    def test_too_many_at_once_are_halved_and_remembered(self) -> None:
        blocklist = FakeBlocklist(max_recipients=8)
        blocklist.on_remove = raising(
            TooManyRecipientsError("LimitExceeded"), when=lambda group: len(group) > 4
        )
        requests = make_requests(blocklist)

        requests.remove(recipients(8))

        assert requests.removed == set(recipients(8))
        assert blocklist.max_recipients == 4

    def test_whoever_is_refused_alone_is_not_taken_for_removed(self) -> None:
        bad = "user3@example.com"
        blocklist = FakeBlocklist()
        blocklist.on_remove = raising(
            RefusedRequestError("InvalidParameterValue"), when=lambda group: bad in group
        )
        requests = make_requests(blocklist)

        requests.remove(recipients(8))

        assert requests.removed == set(recipients(8)) - {bad}

    def test_what_may_work_later_is_not_asked_again_now(self) -> None:
        blocklist = FakeBlocklist(max_recipients=2)
        blocklist.on_remove = raising(
            UnavailableError("InternalError"), when=lambda group: "user0@example.com" in group
        )
        requests = make_requests(blocklist)

        requests.remove(recipients(4))

        assert requests.removed == {"user2@example.com", "user3@example.com"}
        assert len(blocklist.removals) == 2

    def test_nothing_is_asked_once_it_is_known_to_be_in_vain(self) -> None:
        blocklist = FakeBlocklist(max_recipients=1)
        blocklist.on_remove = raising(RateLimitedError("RequestLimitExceeded"))
        requests = make_requests(blocklist)

        requests.remove(recipients(4))

        assert len(blocklist.removals) == 1

    def test_earlier_answers_do_not_count_for_a_later_request(self) -> None:
        blocklist = FakeBlocklist()
        requests = make_requests(blocklist)
        requests.block(recipients(1), until=None)
        requests.remove(recipients(1))
        assert (set(requests.accepted), requests.removed) == (set(), set(recipients(1)))

        blocklist.on_remove = raising(RefusedRequestError("InvalidParameterValue"))
        requests.remove(recipients(1))

        assert requests.removed == set()

    def test_removal_proves_nothing_about_blocking(self) -> None:
        """A key that may delete and not create would have addresses blamed for it."""
        blocklist = FakeBlocklist(
            max_recipients=1, script=raising(RefusedRequestError("InvalidParameterValue"))
        )
        requests = make_requests(blocklist)
        requests.remove(recipients(2))

        requests.block(recipients(2), until=date(2026, 12, 1))

        assert requests.refused == {}
        assert requests.totals.configuration_errors == 1
