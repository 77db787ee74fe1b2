"""infra/alarms.yml: each watches what is written, tells somebody, and has its paragraph."""

import re
from collections.abc import Iterator
from typing import Any

from functions.blocklist.domain.dead_letters import ErrorCode
from tests.infra.compiled import DOOR, Template
from tests.infra.emitted import Series, dimensions

ALARM, COMPOSITE = "AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"

#: What AWS writes of its own:
#: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
#: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
#: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch-Logs-Monitoring-CloudWatch-Metrics.html
#: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
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
    "AWS/DynamoDB": ("TableName", {"ConsumedWriteCapacityUnits"}),
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
    both = re.compile(r'ALARM\("\$\{(\w+)\}"\) AND ALARM\("\$\{(\w+)\}"\)')
    matches = [both.fullmatch(rule) for rule in rules.values()]
    named = [name for match in matches if match for name in match.groups()]
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
