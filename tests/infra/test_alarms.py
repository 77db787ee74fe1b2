"""infra/alarms.yml: each watches what is written, tells somebody, and has its paragraph."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from functions.blocklist.domain.dead_letters import ErrorCode
from infra.template import ROOT, compile_template
from tests.infra.compiled import DOOR, QUEUE, Template
from tests.infra.emitted import Series, dimensions

ALARM, COMPOSITE = "AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"

#: What AWS writes of its own:
#: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
#: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
#: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch-Logs-Monitoring-CloudWatch-Metrics.html
AWS_METRICS = {
    "AWS/Lambda": ("FunctionName", {"Invocations", "Errors", "Throttles", "Duration"}),
    "AWS/SQS": (
        "QueueName",
        {
            "ApproximateAgeOfOldestMessage",
            "ApproximateNumberOfMessagesVisible",
            "ApproximateNumberOfMessagesNotVisible",
            "NumberOfMessagesSent",
            "NumberOfMessagesReceived",
            "NumberOfMessagesDeleted",
            "NumberOfEmptyReceives",
        },
    ),
    "AWS/Logs": ("LogGroupName", {"IncomingBytes"}),
}

#: What a metric that is not written means, alarm by alarm.
MISSING = {
    # The next try may be 20 minutes away: what was wrong stays wrong.
    "ConfigurationErrors": "ignore",
    # SQS forgets a queue that nobody touches, which is what this looks for.
    "NobodyTakes": "ignore",
    # SQS tells no age of an empty queue.
    "MailWaitsForADay": "notBreaching",
    "HalfOfLifeGone": "notBreaching",
    # Nobody called, nothing came, nothing failed.
    "ReceivesExhausted": "notBreaching",
    "CallbacksNotKept": "notBreaching",
    "ConsumerFails": "notBreaching",
    "BounceRateTenPercent": "notBreaching",
    "BounceRateFivePercent": "notBreaching",
    "RateLimited": "notBreaching",
    "LedgerFails": "notBreaching",
    "ConsumerNearTimeout": "notBreaching",
    "DoorNearTimeout": "notBreaching",
    "ForwardFailed": "notBreaching",
    "AddedUnusually": "notBreaching",
    "AddedMany": "notBreaching",
    **{f"DeadLetters-{code}": "notBreaching" for code in ErrorCode},
    # Nothing written is the very thing that this one looks for.
    "HourWithoutEvents": "breaching",
    "DayWithMail": "notBreaching",
}

PAGE = {
    *("ConfigurationErrors", "MailWaitsForADay", "HalfOfLifeGone", "ReceivesExhausted"),
    *("CallbacksNotKept", "NobodyTakes", "ConsumerFails", "BounceRateTenPercent"),
    "NothingReceived",
}
TICKET = {
    *("BounceRateFivePercent", "RateLimited", "ConsumerNearTimeout", "DoorNearTimeout"),
    "LedgerFails",
    *("ForwardFailed", "AddedFarAboveLastWeek"),
    *(f"DeadLetters-{code}" for code in ErrorCode),
}
#: Parts of an alarm of several, which tell nobody by themselves.
HALVES = {"AddedUnusually", "AddedMany", "HourWithoutEvents", "DayWithMail"}


@pytest.fixture(scope="session")
def loud(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """Compile a stage with everything switched on."""
    folder = tmp_path_factory.mktemp("loud")
    artifact = folder / "functions.zip"
    artifact.write_text("something")
    compile_template(
        "staging", artifact=artifact, target=folder / "staging.json", params={"silence": "on"}
    )
    return Template.read(folder, "staging")


def alarms(template: Template) -> dict[str, dict[str, Any]]:
    """Return every alarm by its name, without the stack's."""
    prefix = f"ses-blocklist-{template.stage}-"
    return {
        properties["AlarmName"].removeprefix(prefix): properties
        for kind in (ALARM, COMPOSITE)
        for properties in template.of_type(kind).values()
    }


def watched(properties: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield namespace, name and dimensions of what an alarm looks at."""
    stats = [
        query["MetricStat"]["Metric"]
        for query in properties.get("Metrics", ())
        if "MetricStat" in query
    ]
    for metric in stats or [properties]:
        if "MetricName" in metric:
            named = {one["Name"]: one["Value"] for one in metric["Dimensions"]}
            yield metric["Namespace"], metric["MetricName"], named


def test_alarms_watch_what_the_functions_write(loud: Template, series: frozenset[Series]) -> None:
    """An alarm on a metric that nobody writes is silent for ever, and looks like health."""
    ours = {
        (name, dimensions(named.items()))
        for properties in alarms(loud).values()
        for namespace, name, named in watched(properties)
        if namespace == "SesBlocklist"
    }

    assert ours <= series


def test_alarms_watch_what_aws_writes(loud: Template) -> None:
    """A queue is known by its name, a function by its own: CloudWatch takes any other for new."""
    for properties in alarms(loud).values():
        for namespace, name, named in watched(properties):
            if namespace == "SesBlocklist":
                continue
            dimension, names = AWS_METRICS[namespace]
            assert name in names
            [(own, value)] = named.items()
            assert own == dimension
            assert set(value) <= {"Ref", "Fn::GetAtt"}


def test_every_dead_letter_has_its_ticket(loud: Template, series: frozenset[Series]) -> None:
    """One that is forgotten rests for 14 days and is gone."""
    tickets = {
        (name, dimensions(named.items()))
        for alarm, properties in alarms(loud).items()
        if alarm.startswith("DeadLetters-")
        for _, name, named in watched(properties)
    }

    by_code = {
        (name, named)
        for name, named in series
        if name == "DeadLetters" and "ErrorCode" in dict(named)
    }
    assert {dict(named)["ErrorCode"] for _, named in by_code} == set(ErrorCode)
    assert by_code <= tickets


def test_missing_data_means_what_was_decided(loud: Template) -> None:
    """CloudWatch's default, `missing`, is a fourth state that tells nobody."""
    metric_alarms = {
        name: properties["TreatMissingData"]
        for name, properties in alarms(loud).items()
        if "AlarmRule" not in properties
    }

    assert metric_alarms == MISSING


def test_alarms_tell_whom_they_should(loud: Template) -> None:
    def told(kind: str) -> list[object]:
        other = {
            "Fn::If": [f"{kind}Elsewhere", {"Ref": f"{kind}TopicArn"}, {"Ref": "AWS::NoValue"}]
        }
        return [{"Ref": f"{kind}Topic"}, other]

    heard = {name: properties.get("AlarmActions") for name, properties in alarms(loud).items()}

    assert heard == {
        **dict.fromkeys(PAGE, told("Page")),
        **dict.fromkeys(TICKET, told("Ticket")),
        **dict.fromkeys(HALVES, None),
    }
    for properties in alarms(loud).values():
        assert properties.get("OKActions", properties.get("AlarmActions")) == properties.get(
            "AlarmActions"
        )


def test_alarms_of_two_halves_name_them(loud: Template) -> None:
    """A rule that names what does not exist is refused at the deployment."""
    rules = {
        name: properties["AlarmRule"]["Fn::Sub"]
        for name, properties in alarms(loud).items()
        if "AlarmRule" in properties
    }

    assert set(rules) == {"AddedFarAboveLastWeek", "NothingReceived"}
    named = re.findall(r'ALARM\("\$\{(\w+)\}"\)', " ".join(rules.values()))
    assert {alarm.removesuffix("Alarm") for alarm in named} == HALVES
    assert set(named) <= set(loud.body["Resources"])


def test_silence_is_nobody_s_alarm_until_a_stage_says_so(template: Template) -> None:
    """Who sends nothing at night would be woken every night."""
    assert set(alarms(template)) == (PAGE | TICKET | HALVES) - {
        "NothingReceived",
        "HourWithoutEvents",
        "DayWithMail",
    }


def test_topics_are_told_of_by_address_and_by_topic(template: Template) -> None:
    for kind in ("Page", "Ticket"):
        subscription = template.resource(f"{kind}Subscription")
        assert subscription["Condition"] == f"{kind}ByEmail"
        assert subscription["Properties"] == {
            "TopicArn": {"Ref": f"{kind}Topic"},
            "Protocol": "email",
            "Endpoint": {"Ref": f"{kind}Email"},
        }


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


def compared(value: float, properties: Mapping[str, Any]) -> bool:
    """Tell whether *value* is beyond the alarm's threshold."""
    threshold = float(properties["Threshold"])
    return {
        "GreaterThanThreshold": value > threshold,
        "GreaterThanOrEqualToThreshold": value >= threshold,
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


RUNBOOK = Path("docs", "operations.md")
#: What each paragraph says, in this order.
PARTS = ("**Means.**", "**Look.**", "**Do.**", "**Over**")


def paragraphs() -> dict[str, str]:
    """Return the runbook's paragraphs on alarms by their anchors."""
    text = (ROOT / RUNBOOK).read_text()
    [part] = re.findall(r"^## When an alarm rings$(.*?)(?=^## )", text, re.DOTALL | re.MULTILINE)
    found = re.findall(r"^### (.+?)$(.*?)(?=^### |\Z)", part, re.DOTALL | re.MULTILINE)
    return {_anchor(title): body for title, body in found}


def _anchor(title: str) -> str:
    """Do what GitHub and GitLab do with a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def test_runbook_and_alarms_know_each_other(loud: Template) -> None:
    """Somebody who is woken up follows the link; a paragraph without an alarm is never read."""
    linked = {}
    for name, properties in alarms(loud).items():
        text, _, anchor = properties["AlarmDescription"].partition(f"{RUNBOOK.as_posix()}#")
        assert text.strip(), name
        linked[name] = anchor

    assert set(linked.values()) == set(paragraphs())


@pytest.mark.parametrize("anchor", paragraphs())
def test_paragraph_says_all_that_is_needed(anchor: str) -> None:
    """What it means, how to look, what to do, how to know that it is over."""
    body = paragraphs()[anchor]

    positions = [body.find(part) for part in PARTS]
    assert min(positions) >= 0
    assert positions == sorted(positions)
    assert all(body.count(part) == 1 for part in PARTS)


def test_paragraph_names_its_alarms(loud: Template) -> None:
    """The mail says the alarm's name: who searches for it must find it."""
    first_lines = {anchor: body.strip().splitlines()[0] for anchor, body in paragraphs().items()}

    for name, properties in alarms(loud).items():
        anchor = properties["AlarmDescription"].rpartition("#")[2]
        word = "DeadLetters-" if name.startswith("DeadLetters-") else name
        assert f"`{word}" in first_lines[anchor], name


def test_door_is_called_as_the_alarms_call_it(template: Template) -> None:
    """The alarms know the functions by reference."""
    lambdas = {
        value["Ref"]
        for properties in alarms(template).values()
        for namespace, _, named in watched(properties)
        if namespace == "AWS/Lambda"
        for value in named.values()
    }

    assert lambdas == {DOOR, "BlockRecipientsLambdaFunction"}
