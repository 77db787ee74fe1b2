"""The callback's tokens: rotation without loss, and no way to learn one."""

import hmac
import traceback
from collections.abc import Sequence

import pytest

from functions.blocklist.adapters.tokens import (
    REFRESH_SECONDS,
    REREAD_SECONDS,
    RotatingTokens,
    parse_tokens,
)
from functions.blocklist.domain.errors import ConfigurationError, RetryLaterError, UnavailableError
from functions.blocklist.services.ports import TokenMatch
from tests.fakes import FakeClock

OLD, NEW, NEWER = "old-token-0123456789", "new-token-0123456789", "newer-token-0123456789"
STRANGE = b"a-token-nobody-knows"


class FakeParameter:
    """A list of tokens that an operator changes, or that cannot be read."""

    def __init__(self, value: str | RetryLaterError) -> None:
        self.value = value
        self.reads = 0

    def __call__(self) -> str:
        self.reads += 1
        if isinstance(self.value, RetryLaterError):
            raise self.value
        return self.value


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def parameter() -> FakeParameter:
    return FakeParameter(f"{NEW},{OLD}")


@pytest.fixture
def tokens(parameter: FakeParameter, clock: FakeClock) -> RotatingTokens:
    return RotatingTokens(parameter, clock=clock)


@pytest.mark.parametrize(
    ("candidate", "match"),
    [
        (NEW.encode(), TokenMatch.CURRENT),
        (OLD.encode(), TokenMatch.PREVIOUS),
        (STRANGE, TokenMatch.NONE),
        (b"", TokenMatch.NONE),
        (NEW.encode()[:-1], TokenMatch.NONE),
        (NEW.encode() + b"x", TokenMatch.NONE),
        (NEW.upper().encode(), TokenMatch.NONE),
        (f"{NEW},{OLD}".encode(), TokenMatch.NONE),
        (b"\xff\x00", TokenMatch.NONE),
    ],
)
def test_every_token_of_the_list_opens_the_door_and_nothing_else(
    tokens: RotatingTokens, candidate: bytes, match: TokenMatch
) -> None:
    assert tokens.match(candidate) is match


@pytest.mark.parametrize("candidate", [NEW.encode(), OLD.encode(), STRANGE, b""])
def test_comparing_takes_as_long_whatever_is_compared(
    tokens: RotatingTokens, candidate: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An early exit, or a comparison of texts, would tell a stranger how close a guess is."""
    lengths: list[tuple[int, int]] = []
    compare = hmac.compare_digest

    def counting(one: bytes, other: bytes) -> bool:
        lengths.append((len(one), len(other)))
        return compare(one, other)

    monkeypatch.setattr(hmac, "compare_digest", counting)

    tokens.match(candidate)

    assert lengths == [(32, 32), (32, 32)]


def test_nothing_is_read_before_the_first_request(clock: FakeClock) -> None:
    """A parameter store that is down must not keep the function from starting."""
    parameter = FakeParameter(NEW)

    RotatingTokens(parameter, clock=clock)

    assert parameter.reads == 0


def test_list_is_read_once_in_five_minutes(
    tokens: RotatingTokens, parameter: FakeParameter, clock: FakeClock
) -> None:
    reads = []
    for seconds in (0, 1, REFRESH_SECONDS - 1.5, 0.5, 1):
        clock.now += seconds
        tokens.match(NEW.encode())
        reads.append(parameter.reads)

    assert reads == [1, 1, 1, 2, 2]


def test_removed_token_is_refused_after_five_minutes(
    tokens: RotatingTokens, parameter: FakeParameter, clock: FakeClock
) -> None:
    tokens.match(OLD.encode())
    parameter.value = NEW

    clock.now += REFRESH_SECONDS

    assert tokens.match(OLD.encode()) is TokenMatch.NONE


def test_new_token_is_found_before_the_five_minutes_are_over(
    tokens: RotatingTokens, parameter: FakeParameter, clock: FakeClock
) -> None:
    """Tencent may use it the moment it is entered there, and may never repeat a callback."""
    tokens.match(NEW.encode())
    parameter.value = f"{NEWER},{NEW}"

    clock.now += REREAD_SECONDS

    assert tokens.match(NEWER.encode()) is TokenMatch.CURRENT
    assert tokens.match(NEW.encode()) is TokenMatch.PREVIOUS
    assert tokens.match(OLD.encode()) is TokenMatch.NONE


def test_strangers_cause_one_read_in_30_seconds(
    tokens: RotatingTokens, parameter: FakeParameter, clock: FakeClock
) -> None:
    """More would let them use up the parameter store's rate, and slow the callbacks down."""
    reads = []
    for seconds in (0, 1, REREAD_SECONDS - 1.5, 0.5, 1, REREAD_SECONDS - 1.5, 0.5):
        clock.now += seconds
        tokens.match(STRANGE)
        reads.append(parameter.reads)

    assert reads == [1, 2, 2, 2, 3, 3, 3]


def test_rotation_right_after_a_refresh_loses_nothing(
    tokens: RotatingTokens, parameter: FakeParameter, clock: FakeClock
) -> None:
    """Tencent may take a 404 for its last answer."""
    tokens.match(OLD.encode())
    clock.now += 1
    parameter.value = f"{NEW},{OLD}"

    assert tokens.match(NEW.encode()) is TokenMatch.CURRENT


@pytest.mark.parametrize(
    "failure",
    [UnavailableError("ssm:500"), ConfigurationError("ssm:ParameterNotFound"), "", "too-short"],
)
def test_last_good_list_stays_when_a_read_fails(
    tokens: RotatingTokens,
    parameter: FakeParameter,
    clock: FakeClock,
    failure: str | RetryLaterError,
) -> None:
    """Callbacks that are refused may be lost."""
    tokens.match(NEW.encode())
    parameter.value = failure

    clock.now += REFRESH_SECONDS

    assert tokens.match(NEW.encode()) is TokenMatch.CURRENT
    assert tokens.match(OLD.encode()) is TokenMatch.PREVIOUS
    assert tokens.match(STRANGE) is TokenMatch.NONE


def test_failed_read_is_repeated_after_30_seconds(
    tokens: RotatingTokens, parameter: FakeParameter, clock: FakeClock
) -> None:
    tokens.match(NEW.encode())
    parameter.value = UnavailableError("ssm:500")
    reads = []

    for seconds in (REFRESH_SECONDS, REREAD_SECONDS - 1, 0.5, 0.5):
        clock.now += seconds
        tokens.match(NEW.encode())
        reads.append(parameter.reads)

    assert reads == [2, 2, 2, 3]


@pytest.mark.parametrize(
    "failure", [UnavailableError("ssm:500"), ConfigurationError("ssm:ParameterNotFound")]
)
@pytest.mark.parametrize("candidate", [NEW.encode(), STRANGE])
def test_without_any_list_nobody_can_be_told_from_a_stranger(
    clock: FakeClock, candidate: bytes, failure: RetryLaterError
) -> None:
    """404 would be wrong: a callback with a good token is to come again."""
    tokens = RotatingTokens(FakeParameter(failure), clock=clock)

    with pytest.raises(RetryLaterError) as caught:
        tokens.match(candidate)

    assert caught.value is failure


def test_first_list_is_found_as_soon_as_it_can_be_read(clock: FakeClock) -> None:
    """Waiting would refuse callbacks that Tencent may never repeat."""
    parameter = FakeParameter(UnavailableError("ssm:500"))
    tokens = RotatingTokens(parameter, clock=clock)
    with pytest.raises(UnavailableError):
        tokens.match(NEW.encode())
    parameter.value = NEW

    assert tokens.match(NEW.encode()) is TokenMatch.CURRENT


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        (NEW, [NEW]),
        (f"{NEW},{OLD}", [NEW, OLD]),
        (f" {NEW} ,\n{OLD}\n", [NEW, OLD]),
        (f",{NEW},,", [NEW]),
        (f"{NEW},{OLD},{NEW}", [NEW, OLD]),
        (f"short,{NEW}", [NEW]),
        (f"{NEW},fifteen-letters", [NEW]),
        ("sixteen-letters-", ["sixteen-letters-"]),
        (f"éééééééé,{NEW}", [NEW]),
        ("é" * 16, ["é" * 16]),
    ],
)
def test_list_is_split_and_what_is_too_short_is_left_out(text: str, tokens: Sequence[str]) -> None:
    """Refusing a whole list for one slip would refuse every callback."""
    assert parse_tokens(text) == [token.encode() for token in tokens]


@pytest.mark.parametrize("text", ["", " ", ",", "fifteen-letters", "short,shorter", "éééééééé"])
def test_list_without_a_usable_token_is_for_an_operator(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^NoUsableCallbackToken$"):
        parse_tokens(text)


def test_token_that_is_no_text_harms_no_other() -> None:
    """So does a stray byte arrive from the environment."""
    assert NEW.encode() in parse_tokens(f"stray-byte-\udcff-0123456789,{NEW}")


def test_nothing_kept_tells_a_token(tokens: RotatingTokens) -> None:
    """Logs, stack traces and debuggers show what an object holds."""
    tokens.match(NEW.encode())

    shown = f"{tokens!r} {tokens} {vars(tokens)}"

    assert "0123456789" not in shown


def test_no_error_tells_a_token(clock: FakeClock) -> None:
    too_short = OLD[:15]
    tokens = RotatingTokens(FakeParameter(too_short), clock=clock)

    with pytest.raises(ConfigurationError) as caught:
        tokens.match(STRANGE)

    shown = "".join(traceback.format_exception(caught.value))
    assert "NoUsableCallbackToken" in shown
    assert too_short not in shown
    assert STRANGE.decode() not in shown
