"""How an answer's bytes leave the double: all at once as they should, or otherwise."""

from collections.abc import Callable

from local.tencent.messages import Answer
from local.tencent.server import Connection

Deliver = Callable[[Answer, Connection], None]


def whole(answer: Answer, connection: Connection) -> None:
    """Send everything in one piece."""
    connection.send(answer.head() + answer.body)


def reset(_answer: Answer, connection: Connection) -> None:
    """Send nothing and reset the connection."""
    connection.reset()


def cut(answer: Answer, connection: Connection) -> None:
    """Send half of the promised body, then end the connection."""
    connection.send(answer.head() + answer.body[: len(answer.body) // 2])
    connection.close()


def drip_head(seconds: float) -> Deliver:
    """Send the headers byte by byte, *seconds* apart."""

    def deliver(answer: Answer, connection: Connection) -> None:
        if _drip(answer.head(), connection, seconds):
            connection.send(answer.body)

    return deliver


def drip_body(seconds: float) -> Deliver:
    """Send the headers at once, the body byte by byte, *seconds* apart."""

    def deliver(answer: Answer, connection: Connection) -> None:
        connection.send(answer.head())
        _drip(answer.body, connection, seconds)

    return deliver


def late(seconds: float) -> Deliver:
    """Send everything, *seconds* later."""

    def deliver(answer: Answer, connection: Connection) -> None:
        if not connection.pause(seconds):
            whole(answer, connection)

    return deliver


def never(seconds: float | None) -> Deliver:
    """Send nothing and end the connection after *seconds*, without them when the double stops."""

    def deliver(_answer: Answer, connection: Connection) -> None:
        connection.pause(seconds)
        connection.close()

    return deliver


def _drip(data: bytes, connection: Connection, seconds: float) -> bool:
    for byte in data:
        connection.send(bytes([byte]))
        if connection.pause(seconds):
            return False
    return True
