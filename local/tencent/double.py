"""
The double: Tencent's SES API on 127.0.0.1, as its pages describe it, until told to misbehave.

Faults meet only calls that nothing else speaks against: a wrong signature stays one.
"""

import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Self

from local.tencent import deliveries
from local.tencent.actions import perform
from local.tencent.blocklists import Blocklists, BouncedAddress, CustomEntry, Refused, Rules
from local.tencent.calls import Call, Emails, RecordedRequest, check_call
from local.tencent.deliveries import Deliver
from local.tencent.faults import Fault
from local.tencent.messages import Answer, ApiError, HttpRequest, envelope, failure
from local.tencent.script import Script
from local.tencent.server import Connection, HttpServer
from local.tencent.signature import Credentials
from local.tencent.throttle import SlidingSecond

#: Tencent's dates are local to it; China has had no summer time since 1991.
SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")


@dataclass(kw_only=True, eq=False, repr=False)
class TencentDouble:
    """
    Serves while plugged in; its lists, records and faults survive being unplugged.

    Every setting may be changed while it runs. *now* is the wall clock, in seconds since the epoch;
    port 0 becomes a free port, and the same one whenever it is plugged in again. Without *tls* it
    speaks plain HTTP.
    """

    secret_id: str
    secret_key: str
    token: str = ""
    region: str = "ap-singapore"
    port: int = 0
    tls: ssl.SSLContext | None = None
    max_emails_per_request: int = 20_000
    max_email_characters: int = 254
    max_requests_per_second: int = 20
    refused: Refused = frozenset()
    now: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        self._changed = threading.Condition()
        self._plugging = threading.Lock()
        self._server: HttpServer | None = None
        self._connections = 0
        self._lists = Blocklists()
        self._recent = SlidingSecond()
        self._script = Script()
        self._requests: list[RecordedRequest] = []

    def __enter__(self) -> Self:
        self.plug()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def plug(self) -> None:
        """Listen, unless it does already."""
        with self._plugging:
            if self._server is None:
                self._server = HttpServer(
                    self._respond, port=self.port, number=self._count, tls=self.tls
                )
                self.port = self._server.port

    def unplug(self) -> None:
        """Refuse new connections and reset the open ones, whatever they wait for."""
        with self._plugging:
            if self._server is not None:
                self._server.stop()
                self._server = None

    def stop(self) -> None:
        """End every thread; what was recorded stays readable."""
        self.unplug()

    @property
    def endpoint(self) -> str:
        """Host and port, as the SDK wants them."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """The endpoint with its scheme."""
        return f"{'https' if self.tls else 'http'}://{self.endpoint}"

    @property
    def blocked(self) -> dict[str, CustomEntry]:
        """The custom blocklist by address, expired entries included."""
        with self._changed:
            return dict(self._lists.custom)

    @property
    def bounced(self) -> dict[str, BouncedAddress]:
        """The automatic list by address."""
        with self._changed:
            return dict(self._lists.automatic)

    @property
    def requests(self) -> list[RecordedRequest]:
        """Every request so far, in the order they were decided."""
        with self._changed:
            return list(self._requests)

    @property
    def connections(self) -> int:
        """How many connections were accepted."""
        with self._changed:
            return self._connections

    def bounce(self, email: str, reason: str = "550 5.1.1 recipient is not exist") -> None:
        """Put an address on the automatic list, as Tencent does after a hard bounce."""
        with self._changed:
            self._lists.automatic[email] = BouncedAddress(email, self._local_time(), reason)

    def block(self, email: str, expires_on: date | None = None) -> None:
        """Put an address on the custom list, as somebody does in the console."""
        with self._changed:
            self._lists.add(email, expires_on, self._rules())

    def misbehave(
        self,
        fault: Fault,
        *,
        times: float = 1,
        action: str | None = None,
        emails: Callable[[Emails], bool] | None = None,
    ) -> None:
        """
        Let the next calls, of one action or with certain emails, meet *fault*.

        Faults wait for each other: the first that suits a call is used up first. With
        `times=math.inf` it lasts until `behave`.
        """
        with self._changed:
            self._script.add(fault, times=times, action=action, emails=emails)

    def behave(self) -> None:
        """Forget the faults that have not come about."""
        with self._changed:
            self._script.clear()

    def wait_until(self, condition: Callable[[], bool], *, timeout_seconds: float = 5) -> bool:
        """Wait for *condition*, looking after every request; False when it never came true."""
        with self._changed:
            return self._changed.wait_for(condition, timeout_seconds)

    def _count(self) -> int:
        with self._changed:
            self._connections += 1
            return self._connections

    def _respond(self, request: HttpRequest, connection: Connection) -> None:
        call = Call.read(request)
        with self._changed:
            at = self.monotonic()
            outcome, answer, deliver = self._decide(request, call, at)
            self._requests.append(
                RecordedRequest(
                    at, call.action, call.emails, call.expire_date, outcome, connection.number
                )
            )
            self._changed.notify_all()
        deliver(answer, connection)

    def _decide(self, request: HttpRequest, call: Call, at: float) -> tuple[str, Answer, Deliver]:
        try:
            self._admit(request, call.action, at)
            fault = self._script.take(call.action, call.emails)
            response = self._perform(call) if fault.takes_effect else {}
        except ApiError as error:
            refusal = envelope(failure(error.code, error.message))
            return error.code, Answer(refusal), deliveries.whole
        leak = " ".join([*call.emails[:1], "recipient@example.com", self.secret_key])
        return fault.name, fault.answer(Answer(envelope(response)), leak), fault.deliver

    def _admit(self, request: HttpRequest, action: str, at: float) -> None:
        credentials = Credentials(self.secret_id, self.secret_key, self.token)
        check_call(request, credentials, region=self.region, now=self.now())
        if not self._recent.admits(action, at=at, limit=self.max_requests_per_second):
            raise ApiError("RequestLimitExceeded", "Too many requests in a second.")

    def _perform(self, call: Call) -> dict[str, object]:
        return perform(call.action, call.params, lists=self._lists, rules=self._rules())

    def _rules(self) -> Rules:
        return Rules(
            now=self._local_time(),
            max_emails_per_request=self.max_emails_per_request,
            max_email_characters=self.max_email_characters,
            refused=self.refused,
        )

    def _local_time(self) -> datetime:
        return datetime.fromtimestamp(self.now(), SHANGHAI)
