"""The double as its users have it: limits, records, and the plug."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from tencentcloud.ses.v20201002.ses_client import SesClient

from local.tencent import RecordedRequest, TencentDouble, faults
from local.tencent.faults import Fault
from tests.local.tencent.raw import connect, make_request, read_all, wire
from tests.local.tencent.sdk import (
    SECRET_ID,
    SECRET_KEY,
    block,
    call,
    code_of,
    make_client,
)

#: Faults that would keep a connection busy for longer than any test.
OPEN_ENDED = [
    pytest.param(fault, id=fault.name)
    for fault in (faults.hang(), faults.late(60), faults.drip_head(60), faults.drip_body(60))
]


@pytest.fixture
def new_threads() -> Callable[[], set[threading.Thread]]:
    """Tells which threads were not there when the test began."""
    before = set(threading.enumerate())
    return lambda: set(threading.enumerate()) - before


def test_each_action_is_limited_by_the_second(double: TencentDouble, client: SesClient) -> None:
    double.monotonic = lambda: 7.0
    for _ in range(20):
        block(client, "a@example.com")

    assert code_of(client) == "RequestLimitExceeded"
    assert call(client, "DeleteCustomBlackList", Emails=["a@example.com"]).RequestId

    double.monotonic = lambda: 8.0

    assert block(client, "a@example.com").ValidCount == 1


def test_limit_by_the_second_is_a_setting(double: TencentDouble, client: SesClient) -> None:
    double.max_requests_per_second = 0

    assert code_of(client) == "RequestLimitExceeded"


def test_faults_spare_requests_that_are_refused_anyway(
    double: TencentDouble, client: SesClient
) -> None:
    """A wrong region stays a wrong region, and the fault waits for a call it can spoil."""
    double.misbehave(faults.EMPTY_OBJECT)

    assert code_of(make_client(double, region="ap-guangzhou")) == "UnsupportedRegion"
    assert code_of(client) == "KeyError"


def test_requests_are_recorded(double: TencentDouble, client: SesClient) -> None:
    times = iter([1.5, 2.5, 3.5])
    double.monotonic = lambda: next(times)
    double.misbehave(faults.RESET_AFTER_EFFECT, action="DeleteCustomBlackList")

    block(client, "a@example.com", "b@example.com", ExpireDate="2999-01-01")
    code_of(client, "DeleteCustomBlackList", Emails=["a@example.com"])
    code_of(client, "CreateCustomBlacklist", Emails=[])

    assert double.requests == [
        RecordedRequest(
            started_at=1.5,
            action="CreateCustomBlacklist",
            emails=("a@example.com", "b@example.com"),
            expire_date="2999-01-01",
            outcome="ok",
            connection=1,
        ),
        RecordedRequest(
            started_at=2.5,
            action="DeleteCustomBlackList",
            emails=("a@example.com",),
            expire_date=None,
            outcome="reset_after_effect",
            connection=1,
        ),
        RecordedRequest(
            started_at=3.5,
            action="CreateCustomBlacklist",
            emails=(),
            expire_date=None,
            outcome="MissingParameter.EmailsNecessary",
            connection=2,
        ),
    ]
    assert double.connections == 2


def test_waiting_ends_when_the_condition_comes_true(
    double: TencentDouble, client: SesClient
) -> None:
    """Long before its time is up."""
    looked = threading.Event()

    def is_blocked() -> bool:
        looked.set()
        return "a@example.com" in double.blocked

    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(double.wait_until, is_blocked, timeout_seconds=30)
        assert looked.wait(5)
        block(client, "a@example.com")

        assert waiting.result(timeout=5)


def test_waiting_ends_when_its_time_is_up(double: TencentDouble) -> None:
    assert not double.wait_until(lambda: False, timeout_seconds=0.001)


def test_threads_share_the_double(double: TencentDouble) -> None:
    """Four at a time, each with its own connection, and no answer gets lost."""
    double.max_requests_per_second = 1000

    def block_some(worker: int) -> int:
        client = make_client(double)
        return sum(
            block(client, f"{worker}-{i}@example.com", f"{i}@example.com").ValidCount
            for i in range(25)
        )

    with ThreadPoolExecutor(4) as pool:
        blocked = sum(pool.map(block_some, range(4)))

    assert blocked == len(double.blocked) == 125
    assert sorted(entry.id for entry in double.blocked.values()) == list(range(1, 126))
    assert (len(double.requests), double.connections) == (100, 4)


def test_unplugging_resets_open_connections_and_refuses_new_ones(double: TencentDouble) -> None:
    with connect(double) as connection:
        connection.sendall(wire(make_request(double)))
        assert connection.recv(65_536)

        double.unplug()

        with pytest.raises(ConnectionResetError):
            connection.recv(1)
    with pytest.raises(ConnectionRefusedError):
        connect(double)


def test_plugging_in_again_keeps_port_and_state(double: TencentDouble, client: SesClient) -> None:
    block(client, "a@example.com")
    double.misbehave(faults.EMPTY_OBJECT)
    port = double.port

    double.unplug()
    unreachable = code_of(client)
    double.plug()

    assert (unreachable, code_of(client)) == ("ClientNetworkError", "KeyError")
    assert block(client, "a@example.com").RepeatCount == 1
    assert double.port == port
    assert (len(double.requests), double.connections) == (3, 2)


def test_plugging_twice_is_plugging_once(double: TencentDouble, client: SesClient) -> None:
    double.plug()
    assert block(client, "a@example.com").ValidCount == 1

    double.unplug()
    double.unplug()
    double.stop()


@pytest.mark.parametrize("fault", OPEN_ENDED)
def test_stopping_ends_whatever_is_under_way(
    fault: Fault, new_threads: Callable[[], set[threading.Thread]]
) -> None:
    """At once, and without leaving a thread behind."""
    with TencentDouble(secret_id=SECRET_ID, secret_key=SECRET_KEY) as double:
        double.misbehave(fault)
        connection = connect(double)
        connection.sendall(wire(make_request(double)))
        assert double.wait_until(lambda: bool(double.requests))

    assert new_threads() == set()
    with connection, pytest.raises(ConnectionResetError):
        read_all(connection)


def test_stopping_leaves_no_thread_of_idle_connections(
    new_threads: Callable[[], set[threading.Thread]],
) -> None:
    with TencentDouble(secret_id=SECRET_ID, secret_key=SECRET_KEY) as double:
        connections = [connect(double) for _ in range(5)]
        block(make_client(double), "a@example.com")
        assert double.wait_until(lambda: double.connections == 6)

    assert new_threads() == set()
    for connection in connections:
        connection.close()
    assert double.requests[0].outcome == "ok"


def test_client_that_leaves_is_no_error(
    double: TencentDouble, client: SesClient, new_threads: Callable[[], set[threading.Thread]]
) -> None:
    """A half-sent request, and an answer that nobody waits for."""
    with connect(double) as connection:
        connection.sendall(wire(make_request(double))[:-1])
    double.misbehave(faults.drip_body(0.001))
    with connect(double) as connection:
        connection.sendall(wire(make_request(double)))
        assert double.wait_until(lambda: bool(double.requests))

    assert block(client, "b@example.com").ValidCount == 1
    double.stop()
    assert [request.outcome for request in double.requests] == ["drip_body", "ok"]
    assert new_threads() == set()


def test_addresses_of_the_double_are_loopback(double: TencentDouble) -> None:
    assert double.endpoint == f"127.0.0.1:{double.port}"
    assert double.url == f"http://{double.endpoint}"


def test_double_does_not_show_its_secret(double: TencentDouble) -> None:
    assert SECRET_KEY not in repr(double)
