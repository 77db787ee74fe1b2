"""
Everything that can go wrong with a request, sorted by what to do about it.

* BlocklistError
  + RetryLaterError           the same request may work later: hand the messages back to the queue
    - RateLimitedError        stop for this invocation
    - UnavailableError        only this request's messages; after three in a row stop
    - ConfigurationError      nothing works until an operator acts: stop, count, ring
  + TooManyRecipientsError    the service takes fewer at once: halve, and remember
  + RequestTooLargeError      this request is too long: halve this one
  + RefusedRequestError       something in this request is not accepted: halve until it stands alone

A mistake in our own settings stays a plain ``ValueError`` at start, outside this tree, so that no
retry swallows it. A policy is none of them: without one there is still a queue to hand back to.
"""


class BlocklistError(Exception):
    """
    A request that did not do what was asked.

    Carries the code and the request's id only: a vendor's message may hold addresses, so none is
    ever kept.
    """

    def __init__(self, code: str, *, request_id: str | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.request_id = request_id


class RetryLaterError(BlocklistError):
    """The same request may work later."""


class RateLimitedError(RetryLaterError):
    """Too many requests: anything more would be refused as well."""


class UnavailableError(RetryLaterError):
    """No usable answer. The request may or may not have taken effect; repeating is harmless."""


class ConfigurationError(RetryLaterError):
    """No request can work until an operator acts. No address is at fault."""


class TooManyRecipientsError(BlocklistError):
    """More recipients than the service takes in one request."""


class RequestTooLargeError(BlocklistError):
    """More bytes than the service takes in one request."""


class RefusedRequestError(BlocklistError):
    """Repeating this very request will not help."""
