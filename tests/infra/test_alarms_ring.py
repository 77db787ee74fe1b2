"""infra/alarms.yml, infra/silence.yml: each alarm rings when it should, and not before."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from functions.blocklist.domain.dead_letters import ErrorCode
from tests.infra.compiled import QUEUE, Template
from tests.infra.test_alarms import alarms

#: What has a code that only the door, or only the consumer, gives; the other one is calculated.
_ONE_PLACE = set(ErrorCode) - {ErrorCode.MALFORMED_EVENT}


def test_last_receive_is_the_queue_s(template: Template) -> None:
    """One more and SQS moves the message itself, with nobody to count it."""
    redrive = template.properties(QUEUE)["RedrivePolicy"]

    assert alarms(template)["ReceivesExhausted"]["Threshold"] == redrive["maxReceiveCount"]


@pytest.mark.parametrize(
    ("alarm", "values", "rings"),
    [
        # Nobody takes it: SQS' clock.
        ("MailWaitsForADay", {"age": 86_400, "receives": None}, True),
        ("MailWaitsForADay", {"age": 86_000, "receives": None}, False),
        # It comes back and back: SQS' clock leaves it out.
        ("MailWaitsForADay", {"age": None, "receives": 100}, True),
        ("MailWaitsForADay", {"age": 600, "receives": 99}, False),
        ("HalfOfLifeGone", {"age": 432_000, "receives": None}, True),
        ("HalfOfLifeGone", {"age": None, "receives": 150}, True),
        ("HalfOfLifeGone", {"age": 431_000, "receives": 149}, False),
        ("CallbacksNotKept", {"unavailable": 1, "errors": None, "throttles": None}, True),
        ("CallbacksNotKept", {"unavailable": None, "errors": 1, "throttles": 0}, True),
        ("CallbacksNotKept", {"unavailable": None, "errors": 0, "throttles": 1}, True),
        ("CallbacksNotKept", {"unavailable": None, "errors": 0, "throttles": 0}, False),
        ("NobodyTakes", {"waiting": 1, "calls": None}, True),
        ("NobodyTakes", {"waiting": 0, "calls": None}, False),
        ("NobodyTakes", {"waiting": 900, "calls": 3}, False),
        ("BounceRateFivePercent", {"bounced": 10, "delivered": 190}, True),
        ("BounceRateFivePercent", {"bounced": 9, "delivered": 191}, False),
        ("BounceRateTenPercent", {"bounced": 20, "delivered": 180}, True),
        ("BounceRateTenPercent", {"bounced": 19, "delivered": 181}, False),
        # Too few to tell; none bounced; deliveries are not reported to this address.
        ("BounceRateTenPercent", {"bounced": 100, "delivered": 99}, False),
        ("BounceRateTenPercent", {"bounced": None, "delivered": 500}, False),
        ("BounceRateTenPercent", {"bounced": 500, "delivered": None}, False),
        ("ConsumerNearTimeout", {"duration": 48_000}, True),
        ("ConsumerNearTimeout", {"duration": 47_000}, False),
        ("DoorNearTimeout", {"duration": 8_000}, True),
        ("DoorNearTimeout", {"duration": 7_900}, False),
        ("DeadLetters-MalformedEvent", {"atTheDoor": 1, "atTheConsumer": None}, True),
        ("DeadLetters-MalformedEvent", {"atTheDoor": None, "atTheConsumer": 1}, True),
        ("DeadLetters-MalformedEvent", {"atTheDoor": None, "atTheConsumer": None}, False),
    ],
)
def test_calculating_alarms_ring_when_they_should(
    loud: Template, alarm: str, values: Mapping[str, float | None], *, rings: bool
) -> None:
    """The formulas are read as they are documented: the arithmetic here is not CloudWatch's own."""
    properties = alarms(loud)[alarm]
    [expression] = [
        query["Expression"] for query in properties["Metrics"] if query.get("ReturnData", True)
    ]
    used = {query["Id"] for query in properties["Metrics"] if "MetricStat" in query}

    value = calculated(expression, values)

    assert used == set(values)
    assert compared(value, properties) is rings


def calculated(expression: str, values: Mapping[str, float | None]) -> float:
    """
    Return what CloudWatch would make of *expression*, of a period with *values*.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
    """
    functions = {
        "FILL": lambda value, instead: instead if value is None else value,
        "IF": lambda condition, then, otherwise: then if condition else otherwise,
        "MAX": max,
    }
    python = expression.replace(" AND ", " and ")
    return float(eval(python, {"__builtins__": {}}, {**functions, **values}))  # noqa: S307 - ours


#: What happened in one period after the other, each as its single values; None: nothing written.
Periods = list[tuple[float, ...] | None]


@pytest.mark.parametrize(
    ("alarm", "periods", "rings"),
    [
        ("ConfigurationErrors", [(0, 1)], True),
        ("ConfigurationErrors", [(0, 0)], False),
        ("ReceivesExhausted", [(1, 300)], True),
        # Not the messages together: one of them that came back so often.
        ("ReceivesExhausted", [(299, 299)], False),
        ("ConsumerFails", [(1, 0), None, (1, 0)], True),
        # Once may be anything, and SQS brings it back.
        ("ConsumerFails", [None, (1, 0), None], False),
        ("RateLimited", [(1, 0), None, (1, 0), (1, 0)], True),
        ("RateLimited", [(9, 0), None, (0, 0), (9, 0)], False),
        ("LedgerFails", [(1, 0), (1, 0), (1, 0)], True),
        ("LedgerFails", [(1, 0), None, (1, 0)], False),
        ("ForwardFailed", [(1, 0)], True),
        ("ForwardFailed", [None], False),
        ("AddedMany", [(60, 40)], True),
        ("AddedMany", [(60, 39)], False),
        *((f"DeadLetters-{code}", [(1, 0)], True) for code in ErrorCode if code in _ONE_PLACE),
        *((f"DeadLetters-{code}", [None], False) for code in ErrorCode if code in _ONE_PLACE),
        ("HourWithoutEvents", [None], True),
        ("HourWithoutEvents", [(0, 0)], True),
        ("HourWithoutEvents", [(0, 1)], False),
        ("DayWithMail", [(999, 1)], True),
        ("DayWithMail", [(999, 0)], False),
        ("DayWithMail", [None], False),
    ],
)
def test_counting_alarms_ring_when_they_should(
    loud: Template, alarm: str, periods: Periods, *, rings: bool
) -> None:
    """A threshold or a statistic that is another is as silent as no alarm, or rings every day."""
    properties = alarms(loud)[alarm]
    missing = properties["TreatMissingData"] == "breaching"

    beyond = [
        missing if period is None else compared(total(period, properties), properties)
        for period in periods
    ]

    assert len(beyond) == properties["EvaluationPeriods"]
    assert (sum(beyond) >= properties.get("DatapointsToAlarm", len(beyond))) is rings


def total(values: Sequence[float], properties: Mapping[str, Any]) -> float:
    """Return what the alarm makes of the single values of a period."""
    return {"Sum": sum(values), "Maximum": max(values)}[properties["Statistic"]]


def test_alarms_look_as_far_back_as_they_say(loud: Template) -> None:
    """In seconds: the runbook speaks of hours and minutes, and who is paged believes it."""
    told = {
        name: (_period(properties), properties["EvaluationPeriods"], _of_them(properties))
        for name, properties in alarms(loud).items()
        if "AlarmRule" not in properties
    }

    half_an_hour, hour, day = (1800, 1, 1), (3600, 1, 1), (86400, 1, 1)
    assert told == {
        "ConfigurationErrors": (60, 1, 1),
        **dict.fromkeys(("MailWaitsForADay", "HalfOfLifeGone", "ReceivesExhausted"), half_an_hour),
        "CallbacksNotKept": (300, 1, 1),
        "NobodyTakes": (900, 2, 2),
        "ConsumerFails": (900, 3, 2),
        **dict.fromkeys(("BounceRateFivePercent", "BounceRateTenPercent"), hour),
        "RateLimited": (900, 4, 3),
        "LedgerFails": (600, 3, 3),
        **dict.fromkeys(("ConsumerNearTimeout", "DoorNearTimeout"), (900, 4, 2)),
        "ForwardFailed": (900, 1, 1),
        **dict.fromkeys(("AddedUnusually", "AddedMany", "HourWithoutEvents"), hour),
        **{f"DeadLetters-{code}": hour for code in ErrorCode},
        "DayWithMail": day,
    }


def _period(properties: Mapping[str, Any]) -> int:
    queries = properties.get("Metrics", ())
    stats = [query["MetricStat"] for query in queries if "MetricStat" in query]
    period: int = (stats or [properties])[0]["Period"]
    return period


def _of_them(properties: Mapping[str, Any]) -> int:
    number: int = properties.get("DatapointsToAlarm", properties["EvaluationPeriods"])
    return number


def test_unusual_is_far_outside_of_what_was_learnt(loud: Template) -> None:
    """CloudWatch's own width, 2, is left about once a day by chance."""
    properties = alarms(loud)["AddedUnusually"]

    [band] = [query for query in properties["Metrics"] if "Expression" in query]
    assert band["Expression"] == "ANOMALY_DETECTION_BAND(added, 6)"
    assert properties["ThresholdMetricId"] == band["Id"]
    assert properties["ComparisonOperator"] == "GreaterThanUpperThreshold"


def compared(value: float, properties: Mapping[str, Any]) -> bool:
    """Tell whether *value* is beyond the alarm's threshold."""
    threshold = float(properties["Threshold"])
    return {
        "GreaterThanThreshold": value > threshold,
        "GreaterThanOrEqualToThreshold": value >= threshold,
        "LessThanThreshold": value < threshold,
    }[properties["ComparisonOperator"]]


def test_metrics_of_a_formula_share_a_period(loud: Template) -> None:
    """CloudWatch refuses others at the deployment."""
    for properties in alarms(loud).values():
        periods = {
            query["MetricStat"]["Period"]
            for query in properties.get("Metrics", ())
            if "MetricStat" in query
        }
        assert len(periods) <= 1


def test_failures_cannot_slip_between_two_looks(loud: Template) -> None:
    """What failed comes back after 1,125 s and a window at most: a look must be longer."""
    longest = 900 * 1.25 + 60

    for name in ("MailWaitsForADay", "HalfOfLifeGone"):
        queries = alarms(loud)[name]["Metrics"]
        assert {q["MetricStat"]["Period"] for q in queries if "MetricStat" in q} == {1800}
    assert alarms(loud)["ReceivesExhausted"]["Period"] > longest
