"""
Rows: what a month costs, from the measured times and AWS' list prices, without any free tier.

us-east-1, arm64, November 2026. Sources: https://aws.amazon.com/lambda/pricing/ , /sqs/pricing/ ,
/dynamodb/pricing/on-demand/ , /cloudwatch/pricing/ , /api-gateway/pricing/ ,
/elasticloadbalancing/pricing/ , /vpc/pricing/ . Tencent charges nothing for the calls. It is an
estimate: nothing here was measured in an account.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bench import cold, handling, naive
from bench.rows import Row
from local.pipeline import PACKAGE

MAILS = (100_000, 3_000_000, 30_000_000)
#: Every mail ends in one callback: that it was delivered, or that it was not. One in twenty bounces
#: or complains, which is where Tencent begins to call a sender bad.
KEPT_SHARE = 0.05

GB_SECOND, INVOCATION = 0.0000133334, 0.20e-6
SQS_REQUEST = 0.40e-6
#: The last is for the way back to any second of the last 35 days, which the table has.
WRITE_UNIT, STORED_BYTE, RECOVERABLE_BYTE = 0.625e-6, 0.25e-9, 0.20e-9
LOG_BYTE = 0.50e-9
METRIC, ALARM, COMPOSITE_ALARM, DASHBOARD = 0.30, 0.10, 0.50, 3.00
HTTP_API_REQUEST = 1.00e-6
LOAD_BALANCER_HOUR, LCU_HOUR, ADDRESS_HOUR = 0.0225, 0.008, 0.005
#: A load balancer stands in two zones at least, with a public address in each.
ZONES = 2
#: So many new connections a second are one LCU.
LCU_CONNECTIONS = 25

HOURS = 730
MINUTES = HOURS * 60
#: Lambda gives one core at so many MB, and less in proportion.
CORE_MB = 1769
DOOR_MB, CONSUMER_MB = 256, 1024
#: Invocations that a window of a minute can bring: the mapping's concurrency.
A_WINDOW = 2
#: AWS' pollers ask so often when there is nothing: five of them, for 20 s each.
IDLE_POLLS = 5 * 3 * MINUTES
#: A call to Tencent, there and back. An assumption: nobody measured it.
API_SECONDS = 0.3
#: How long the ledger keeps what it knows, as the settings have it without a word.
LEDGER_MONTHS = 400 / 365 * 12
#: Each pair of a name and a dimension's value is one. A stage with all kinds of mail has so many.
METRICS = {"the consumer's": 15, "events by name": 9, "decisions by rule": 7, "dead letters": 3}


@dataclass(frozen=True)
class Measured:
    """What the other rows found: CPU seconds and bytes."""

    door_seconds: float
    door_log_bytes: int
    consumer_seconds_per_event: float
    consumer_log_bytes: int
    ledger_seconds_per_event: float
    write_units_per_event: float
    bytes_kept_per_event: float
    naive_seconds_per_event: float

    @classmethod
    def by(cls, rows: Mapping[str, Row]) -> "Measured":
        """
        Take the figures out of *rows*, by name.

        Raises:
            KeyError: one of them was not measured.
        """
        door, batch = rows[cold.WARM_DOOR], rows[cold.FULL_BATCH]
        ledger = rows[handling.WITH_LEDGER_NAME].details
        return cls(
            door_seconds=door.value / 1000,
            door_log_bytes=door.details["log_bytes"],
            consumer_seconds_per_event=rows[handling.WITH_REQUESTS_NAME].details[
                "microseconds_per_event"
            ]
            / 1e6,
            consumer_log_bytes=batch.details["log_bytes"],
            ledger_seconds_per_event=ledger["microseconds_per_event"] / 1e6,
            write_units_per_event=ledger["write_units_per_event"],
            bytes_kept_per_event=ledger["bytes_kept_per_event"],
            naive_seconds_per_event=1 / rows[naive.NAME].details["naive"],
        )


@dataclass(frozen=True)
class Bill:
    """
    Dollars a month by item, for so many *mails*.

    In no sum: *doors*, which come on top, each instead of a function URL; and *naive*, which would
    stand in place of `block_recipients`.
    """

    mails: int
    items: Mapping[str, float]
    doors: Mapping[str, float] = field(default_factory=dict)
    naive: float = 0.0

    @property
    def total(self) -> float:
        """All items, behind a function URL, which costs nothing of its own."""
        return sum(self.items.values())


def rows(measured: Measured) -> Iterator[Row]:
    """Add up for each number of mails, an idle stack first."""
    alarms = price_of_alarms(json.loads((PACKAGE / "template.json").read_text()))
    for mails in (0, *MAILS):
        bill = make_bill(mails, measured, alarms=alarms)
        yield Row(
            f"a month with {mails:,} mails",
            bill.total,
            "$",
            details={"items": bill.items, "doors": bill.doors, "naive_consumer": bill.naive},
        )


def make_bill(mails: int, measured: Measured, *, alarms: float) -> Bill:
    """Add up. Each event is sent, received and deleted by itself, which is the dearest case."""
    kept = mails * KEPT_SHARE
    invocations = min(kept, A_WINDOW * MINUTES)
    consumer_seconds = invocations * API_SECONDS + _billed(
        kept * (measured.consumer_seconds_per_event + measured.ledger_seconds_per_event),
        CONSUMER_MB,
    )
    items = {
        "receive_callback": mails * INVOCATION
        + _gb_seconds(_billed(mails * measured.door_seconds, DOOR_MB), DOOR_MB),
        "log of receive_callback": mails * measured.door_log_bytes * LOG_BYTE,
        "queue": 3 * kept * SQS_REQUEST,
        "queue, polled while idle": IDLE_POLLS * SQS_REQUEST,
        "block_recipients": invocations * INVOCATION + _gb_seconds(consumer_seconds, CONSUMER_MB),
        "log of block_recipients": invocations * measured.consumer_log_bytes * LOG_BYTE,
        "ledger's writes": kept * measured.write_units_per_event * WRITE_UNIT,
        "what the ledger keeps": kept
        * measured.bytes_kept_per_event
        * LEDGER_MONTHS
        * (STORED_BYTE + RECOVERABLE_BYTE),
        "metrics": sum(METRICS.values()) * METRIC if mails else 0.0,
        "alarms and dashboard": alarms + DASHBOARD,
    }
    connections = mails / HOURS / 3600
    doors = {
        "HTTP API": mails * HTTP_API_REQUEST,
        "load balancer": HOURS
        * (LOAD_BALANCER_HOUR + ZONES * ADDRESS_HOUR + connections / LCU_CONNECTIONS * LCU_HOUR),
    }
    naive_seconds = kept * API_SECONDS + _billed(
        kept * measured.naive_seconds_per_event, CONSUMER_MB
    )
    return Bill(mails, items, doors, kept * INVOCATION + _gb_seconds(naive_seconds, CONSUMER_MB))


def _billed(cpu_seconds: float, memory_mb: int) -> float:
    """Give how long the CPU time takes with the share of a core that the memory brings."""
    return cpu_seconds * max(1.0, CORE_MB / memory_mb)


def _gb_seconds(seconds: float, memory_mb: int) -> float:
    return seconds * memory_mb / 1024 * GB_SECOND


def price_of_alarms(template: Mapping[str, Any]) -> float:
    """Price a template's alarms: each metric that one looks at counts."""
    resources = [(one["Type"], one.get("Properties", {})) for one in template["Resources"].values()]
    alarms = [properties for kind, properties in resources if kind == "AWS::CloudWatch::Alarm"]
    looked_at: int = sum(
        max(1, sum("MetricStat" in metric for metric in alarm.get("Metrics", [])))
        for alarm in alarms
    )
    composites: int = sum(kind == "AWS::CloudWatch::CompositeAlarm" for kind, _ in resources)
    return looked_at * ALARM + composites * COMPOSITE_ALARM
