"""What can never succeed, and why: the vocabulary of the dead-letter queue."""

from dataclasses import dataclass, field
from enum import StrEnum


class ErrorCode(StrEnum):
    """Why a message is on the dead-letter queue. None: SQS moved it after too many receives."""

    MALFORMED_EVENT = "MalformedEvent"
    UNKNOWN_EVENT = "UnknownEvent"
    OVERSIZED_EVENT = "OversizedEvent"
    INVALID_ADDRESS = "InvalidAddress"
    UNEXPECTED_SENDER = "UnexpectedSender"
    REFUSED_ADDRESS = "RefusedAddress"
    REFUSED_REQUEST = "RefusedRequest"
    HELD = "Held"

    @property
    def sentence(self) -> str:
        """What an operator reads beside the code; never an address, never a vendor's text."""
        return _SENTENCES[self]


_SENTENCES = {
    ErrorCode.MALFORMED_EVENT: "Not a callback: it must be a JSON object with text in event and "
    "email, or an array of such objects.",
    ErrorCode.UNKNOWN_EVENT: "The event's name is none that Tencent documents; extend the table "
    "of events, then redrive.",
    ErrorCode.OVERSIZED_EVENT: "One event is larger than 60 KiB, more than the queue takes.",
    ErrorCode.INVALID_ADDRESS: "The recipient is not an address that can be blocked.",
    ErrorCode.UNEXPECTED_SENDER: "The app id or sender domain is not among the expected ones.",
    ErrorCode.REFUSED_ADDRESS: "Tencent counted this address as invalid or too long.",
    ErrorCode.REFUSED_REQUEST: "Tencent refused the request that held only this address.",
    ErrorCode.HELD: "More new blocks than usual, so this one waits: release it if they are right, "
    "drop it if they are not.",
}


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """
    One message for the dead-letter queue.

    *body* is the original, byte for byte; *request_id* is Tencent's, when a request was made.
    """

    body: bytes = field(repr=False)
    code: ErrorCode
    request_id: str | None = None
    from_operator: bool = False
