"""What goes over the connection, byte for byte."""

import socket
import ssl
from contextlib import suppress

import pytest
import trustme

from local.tencent import TencentDouble, faults
from tests.local.tencent.raw import code_in, connect, make_request, post, read_all, wire
from tests.local.tencent.sdk import SECRET_ID, SECRET_KEY


def test_connection_is_kept_alive(double: TencentDouble) -> None:
    request = wire(make_request(double))

    with connect(double) as connection:
        for _ in range(3):
            connection.sendall(request)
            assert code_in(connection.recv(65_536)) == "ok"

    assert [request.connection for request in double.requests] == [1, 1, 1]


def test_requests_sent_together_are_answered_in_turn(double: TencentDouble) -> None:
    closing = make_request(double, headers={"connection": "close"})

    with connect(double) as connection:
        connection.sendall(wire(make_request(double)) + wire(closing))
        answers = read_all(connection)

    assert answers.count(b"HTTP/1.1 200 OK") == 2


def test_answer_is_sent_in_one_piece(
    double: TencentDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Header and body apart cost 44 ms: the client's system delays its acknowledgement."""
    pieces: list[bytes] = []
    monkeypatch.setattr("local.tencent.server.Connection.send", lambda _self, it: pieces.append(it))

    post(double, make_request(double))

    assert [piece[:15] for piece in pieces] == [b"HTTP/1.1 200 OK"]
    assert pieces[0].endswith(b"}}")


def test_accepted_connections_do_not_wait_to_fill_packets(
    double: TencentDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    options: list[int] = []

    def send(connection: object, _data: bytes) -> None:
        accepted: socket.socket = connection.socket  # type: ignore[attr-defined]
        options.append(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    monkeypatch.setattr("local.tencent.server.Connection.send", send)

    post(double, make_request(double))

    assert [bool(option) for option in options] == [True]


@pytest.mark.parametrize(
    "request_",
    [
        b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n",
        b"POST / HTTP/1.1\r\n" + b"x" * 100_000 + b"\r\n\r\n",
    ],
)
def test_what_is_not_http_gets_no_answer(double: TencentDouble, request_: bytes) -> None:
    with connect(double) as connection:
        connection.sendall(request_)
        with suppress(OSError):  # the double may have hung up by now, which is what we look for
            connection.shutdown(socket.SHUT_WR)
        try:
            answer = read_all(connection)
        except ConnectionResetError:  # some of it was left unread
            answer = b""

    assert answer == b""
    assert double.requests == []


def test_answer_without_content_type_has_no_such_header(double: TencentDouble) -> None:
    double.misbehave(faults.error("InternalError", content_type=None))

    answer = post(double, make_request(double))

    assert b"content-type" not in answer.lower()


def test_redirect_says_where_to(double: TencentDouble) -> None:
    double.misbehave(faults.redirect("/elsewhere"))

    answer = post(double, make_request(double))

    assert answer.startswith(b"HTTP/1.1 302 Found\r\n")
    assert b"\r\nLocation: /elsewhere\r\n" in answer


def test_cut_answer_promises_more_than_it_holds(double: TencentDouble) -> None:
    double.misbehave(faults.CUT_MID_BODY)

    with connect(double) as connection:
        connection.sendall(wire(make_request(double)))
        head, _, body = read_all(connection).partition(b"\r\n\r\n")

    promised = int(head.partition(b"Content-Length: ")[2].split()[0])
    assert 0 < len(body) < promised


@pytest.mark.parametrize(
    ("fault", "arrived"),
    [(faults.drip_head(60), b"H"), (faults.drip_body(60), b"{"), (faults.hang(0), b"")],
)
def test_dripping_answer_comes_byte_by_byte(
    double: TencentDouble, fault: faults.Fault, arrived: bytes
) -> None:
    double.misbehave(fault)

    with connect(double) as connection:
        connection.sendall(wire(make_request(double)))
        received = connection.recv(1)
        while received and not received.endswith(arrived):
            received += connection.recv(1)
        connection.settimeout(0.02)
        if received:
            with pytest.raises(TimeoutError):
                connection.recv(1)

    assert received.endswith(arrived)


def test_double_speaks_tls_when_given_a_certificate(authority: trustme.CA) -> None:
    context = ssl.create_default_context()
    authority.configure_trust(context)

    with (
        _encrypted(authority) as double,
        context.wrap_socket(connect(double), server_hostname="127.0.0.1") as connection,
    ):
        connection.sendall(wire(make_request(double)))
        code = code_in(connection.recv(65_536))

    assert double.url.startswith("https://")
    assert code == "ok"


def test_client_that_shakes_no_hands_harms_nobody(authority: trustme.CA) -> None:
    with _encrypted(authority) as double, connect(double) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
        with suppress(ConnectionError):
            read_all(plain)

    assert double.requests == []


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def _encrypted(authority: trustme.CA) -> TencentDouble:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return TencentDouble(secret_id=SECRET_ID, secret_key=SECRET_KEY, tls=context)
