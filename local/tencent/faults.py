"""
The ways in which an API call can go wrong, each a value for `TencentDouble.misbehave`.

Those that bend, delay or lose an answer let the call take effect first; the others do not.
Where an answer has room for text it gives away an address and the secret key, as a vendor's message
may: a log that holds either has been careless.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass

from local.tencent import deliveries
from local.tencent.deliveries import Deliver
from local.tencent.messages import Answer, envelope, failure


def _true_answer(truth: Answer, _leak: str) -> Answer:
    return truth


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """
    One way to treat a call that nothing speaks against.

    *answer* makes what is said out of the true answer and a text that must not leak.
    """

    name: str
    takes_effect: bool
    answer: Callable[[Answer, str], Answer] = _true_answer
    deliver: Deliver = deliveries.whole


def error(
    code: str,
    *,
    content_type: str | None = "application/json",
    request_id: bool = True,
    status: int = 200,
) -> Fault:
    """Refuse with any vendor's code; under another content type the SDK may not notice."""

    def answer(_truth: Answer, leak: str) -> Answer:
        body = envelope(failure(code, f"Refused: {leak}"), request_id=request_id)
        return Answer(body, status, content_type)

    return Fault(name=code, takes_effect=False, answer=answer)


def html(status: int = 200) -> Fault:
    """Answer with a page, as a proxy on the way does."""

    def answer(_truth: Answer, leak: str) -> Answer:
        return Answer(f"<html>{leak}</html>".encode(), status, "text/html")

    return Fault(name=f"html_{status}", takes_effect=False, answer=answer)


def raw(body: str, *, name: str = "raw") -> Fault:
    """Answer with exactly *body*, said to be JSON."""
    answer = Answer(body.encode())
    return Fault(name=name, takes_effect=False, answer=lambda _truth, _leak: answer)


def redirect(location: str = "/") -> Fault:
    """Send the client elsewhere; the SDK follows with a GET, which is signed for nothing."""
    answer = Answer(b"", status=302, location=location)
    return Fault(name="redirect", takes_effect=False, answer=lambda _truth, _leak: answer)


def hang(seconds: float | None = None) -> Fault:
    """Never answer; end the connection after *seconds*, or when the double stops."""
    return Fault(name="hang", takes_effect=False, deliver=deliveries.never(seconds))


def late(seconds: float) -> Fault:
    """Take effect at once and answer *seconds* later."""
    return Fault(name="late", takes_effect=True, deliver=deliveries.late(seconds))


def drip_head(seconds: float) -> Fault:
    """Send the headers a byte every *seconds*: no timeout for a single read notices."""
    return Fault(name="drip_head", takes_effect=True, deliver=deliveries.drip_head(seconds))


def drip_body(seconds: float) -> Fault:
    """Send the body a byte every *seconds*."""
    return Fault(name="drip_body", takes_effect=True, deliver=deliveries.drip_body(seconds))


def fields(name: str, **changed: object) -> Fault:
    """Answer truly but for these fields of the response, such as counts that do not add up."""

    def answer(truth: Answer, _leak: str) -> Answer:
        true_fields = json.loads(truth.body)["Response"]
        return Answer(json.dumps({"Response": {**true_fields, **changed}}).encode())

    return Fault(name=name, takes_effect=True, answer=answer)


def _only_request_id(_truth: Answer, _leak: str) -> Answer:
    return Answer(envelope({}))


#: As if nothing had been asked for.
NONE = Fault(name="ok", takes_effect=True)

#: Success as in the first example of the API page: a RequestId and no counts.
NO_COUNTS = Fault(name="no_counts", takes_effect=True, answer=_only_request_id)
WRONG_COUNTS = fields("wrong_counts", TotalCount=999_999)
EXTRA_FIELDS = fields("extra_fields", FlowId=7, Details={"Accepted": [1, 2]})
DEPRECATED = fields("deprecated", DeprecatedWarning="This action will be removed.")

EMPTY_OBJECT = raw("{}", name="empty_object")
EMPTY_RESPONSE = raw('{"Response": {}}', name="empty_response")
EMPTY_BODY = raw("", name="empty_body")
BAD_JSON = raw('{"Response": {"RequestId": ', name="bad_json")

RESET = Fault(name="reset", takes_effect=False, deliver=deliveries.reset)
RESET_AFTER_EFFECT = Fault(name="reset_after_effect", takes_effect=True, deliver=deliveries.reset)
CUT_MID_BODY = Fault(name="cut_mid_body", takes_effect=True, deliver=deliveries.cut)
