"""infra/dashboard.yml: it draws what is written, and shows every alarm that tells somebody."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from bench import bill
from tests.infra.compiled import Template
from tests.infra.emitted import Series, dimensions
from tests.infra.test_alarms import AWS_METRICS, PAGE, TICKET, alarms
from tests.infra.test_alarms_ring import calculated

_SEARCH = re.compile(r"SEARCH\('\{SesBlocklist,([\w,]+)\} MetricName=\"(\w+)\"', 'Sum', \d+\)")


@pytest.fixture
def widgets(template: Template) -> list[dict[str, Any]]:
    """Read the page as CloudWatch does."""
    body = template.properties("Dashboard")["DashboardBody"]["Fn::Sub"]
    widgets: list[dict[str, Any]] = json.loads(body)["widgets"]
    return widgets


def _rows(widgets: list[dict[str, Any]]) -> Iterator[list[Any]]:
    for widget in widgets:
        yield from widget["properties"].get("metrics", ())


def _drawn(widgets: list[dict[str, Any]]) -> Iterator[tuple[str, str, dict[str, str]]]:
    for row in _rows(widgets):
        if isinstance(row[0], str):
            namespace, name, *rest = row
            pairs = [part for part in rest if isinstance(part, str)]
            yield namespace, name, dict(zip(pairs[::2], pairs[1::2], strict=True))


def test_dashboard_draws_what_the_functions_write(
    widgets: list[dict[str, Any]], series: frozenset[Series]
) -> None:
    """An empty graph looks like a quiet day."""
    ours = {
        (name, dimensions(named.items()))
        for namespace, name, named in _drawn(widgets)
        if namespace == "SesBlocklist"
    }

    assert ours
    assert ours <= series


def test_dashboard_searches_for_what_the_functions_write(
    widgets: list[dict[str, Any]], series: frozenset[Series]
) -> None:
    searched = [
        match
        for row in _rows(widgets)
        if isinstance(row[0], dict) and "SEARCH" in row[0]["expression"]
        for match in [_SEARCH.fullmatch(row[0]["expression"])]
    ]

    written = {(name, frozenset(dict(named))) for name, named in series}
    assert {match and match[2] for match in searched} == {"Events", "DeadLetters"}
    for match in searched:
        assert match
        assert (match[2], frozenset(match[1].split(","))) in written


def test_dashboard_draws_what_aws_writes(widgets: list[dict[str, Any]]) -> None:
    for namespace, name, named in _drawn(widgets):
        if namespace != "SesBlocklist":
            dimension, names = AWS_METRICS[namespace]
            assert name in names
            assert set(named) == {dimension}


def test_dashboard_shows_what_was_asked_for(widgets: list[dict[str, Any]]) -> None:
    """Mail by outcome, addresses by outcome, Tencent's answers, what waits, how long it takes."""
    drawn = {name for _, name, _ in _drawn(widgets)}

    assert drawn >= {
        *("Accepted", "Ignored", "Retried", "DeadLettered"),
        *("Added", "Repeated", "Refused", "Uncounted"),
        *("ApiRequests", "RateLimited", "ConfigurationErrors"),
        *("ApproximateAgeOfOldestMessage", "MostReceives", "EndToEndSeconds"),
    }


@pytest.mark.parametrize(
    ("label", "values", "dollars"),
    [
        ("functions", {"doorCalls": 1e6}, 1e6 * bill.INVOCATION),
        ("functions", {"consumerCalls": 1e6}, 1e6 * bill.INVOCATION),
        ("functions", {"doorMs": 4e6}, 1000 * bill.GB_SECOND),
        ("functions", {"consumerMs": 1e6}, 1000 * bill.GB_SECOND),
        *(
            ("queue, at most", {what: 1e6}, 1e6 * bill.SQS_REQUEST)
            for what in ("sent", "received", "deleted", "empty")
        ),
        *(("logs", {what: 1e9}, 1e9 * bill.LOG_BYTE) for what in ("doorLog", "consumerLog")),
        ("ledger, without what it keeps", {"writes": 1e6}, 1e6 * bill.WRITE_UNIT),
    ],
)
def test_dashboard_s_day_costs_what_the_bill_says(
    widgets: list[dict[str, Any]], label: str, values: dict[str, float], dollars: float
) -> None:
    """The same list prices as in `make bench`: two of them would be one that is wrong."""
    [expression] = [
        row[0]["expression"]
        for row in _rows(widgets)
        if isinstance(row[0], dict) and row[0].get("label") == label
    ]
    nothing = dict.fromkeys(re.findall(r"FILL\((\w+), 0\)", expression), None)

    assert calculated(expression, {**nothing, **values}) == pytest.approx(dollars)


def test_dashboard_s_fixed_part_is_that_of_the_alarms_the_metrics_and_itself(
    template: Template, widgets: list[dict[str, Any]]
) -> None:
    [told] = [
        float(match[1])
        for row in _rows(widgets)
        if isinstance(row[0], dict)
        for match in re.finditer(r"TIME_SERIES\((.+)\)", row[0]["expression"])
    ]

    metrics = sum(bill.METRICS.values()) * bill.METRIC
    month = metrics + bill.price_of_alarms(template.body) + bill.DASHBOARD
    assert told == pytest.approx(month / 30, abs=0.01)


def test_dashboard_refers_to_what_there_is(template: Template) -> None:
    """One name that is wrong, and the whole deployment is refused."""
    body = template.properties("Dashboard")["DashboardBody"]["Fn::Sub"]

    named = {name.partition(".")[0] for name in re.findall(r"\$\{([^}]+)\}", body)}
    assert named - {"AWS::Region"} <= set(template.body["Resources"])


def test_dashboard_shows_every_alarm(template: Template, widgets: list[dict[str, Any]]) -> None:
    [shown] = [w["properties"]["alarms"] for w in widgets if w["type"] == "alarm"]

    by_id = {
        logical_id: resource["Properties"]["AlarmName"]
        for logical_id, resource in template.body["Resources"].items()
        if "AlarmName" in resource["Properties"]
    }
    names = {by_id[arn.removeprefix("${").removesuffix(".Arn}")] for arn in shown}
    told = {name for name in alarms(template) if name in PAGE | TICKET}
    assert names == {f"ses-blocklist-{template.stage}-{name}" for name in told}


def test_formulas_name_what_is_drawn(widgets: list[dict[str, Any]]) -> None:
    """A formula with an unknown name leaves its whole graph empty."""
    for widget in widgets:
        rows = widget["properties"].get("metrics", ())
        ids = {row[-1]["id"] for row in rows if isinstance(row[-1], dict) and "id" in row[-1]}
        formulas = [row[0]["expression"] for row in rows if isinstance(row[0], dict)]
        used = {
            word
            for formula in formulas
            if "SEARCH" not in formula
            for word in re.findall(r"\b[a-z]\w*\b", formula)
        }
        assert used == ids
