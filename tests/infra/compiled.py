"""A compiled template, with the few questions that tests ask of it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: Nothing may differ between the first three but names; the last one is this machine.
STAGES = ("dev", "staging", "production", "local")

DOOR = "ReceiveCallbackLambdaFunction"
CONSUMER = "BlockRecipientsLambdaFunction"
QUEUE = "Queue"
DEAD_LETTERS = "DeadLetterQueue"
TRIGGER = "BlockRecipientsEventSourceMappingSQSQueue"


@dataclass(frozen=True, slots=True)
class Template:
    """What osls makes of serverless.yml for one stage."""

    stage: str
    text: str

    @classmethod
    def read(cls, folder: Path, stage: str) -> "Template":
        return cls(stage, (folder / f"{stage}.json").read_text())

    @property
    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(self.text)
        return body

    def resource(self, logical_id: str) -> dict[str, Any]:
        resource: dict[str, Any] = self.body["Resources"][logical_id]
        return resource

    def properties(self, logical_id: str) -> dict[str, Any]:
        properties: dict[str, Any] = self.resource(logical_id)["Properties"]
        return properties

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return the properties of every resource of that type, by logical id."""
        return {
            logical_id: resource["Properties"]
            for logical_id, resource in self.body["Resources"].items()
            if resource["Type"] == kind
        }

    def deployed(self, **parameters: str) -> "Template":
        """Return what CloudFormation makes of it: with *parameters*, its conditions decided."""
        return Template(self.stage, json.dumps(decided(self.body, parameters)))

    def environment(self, function: str) -> dict[str, Any]:
        variables: dict[str, Any] = self.properties(function)["Environment"]["Variables"]
        return variables

    def statements(self, role: str) -> Iterator[dict[str, Any]]:
        """Yield what the role's own policies say."""
        for policy in self.deployed().properties(role)["Policies"]:
            yield from policy["PolicyDocument"]["Statement"]


def as_list(value: object) -> list[Any]:
    """Return what a policy may write as one thing or as a list of them as a list."""
    return value if isinstance(value, list) else [value]


_NOTHING = {"Ref": "AWS::NoValue"}


def decided(body: Mapping[str, Any], parameters: Mapping[str, str]) -> dict[str, Any]:
    """Return *body* without conditions: each `Fn::If` is what it chooses, the rest is not there."""
    values = {name: str(one.get("Default", "")) for name, one in body["Parameters"].items()}
    values |= parameters
    holds = {
        name: _holds(condition, body["Conditions"], values)
        for name, condition in body["Conditions"].items()
    }
    there = {
        part: {
            name: entry
            for name, entry in body[part].items()
            if holds.get(entry.get("Condition", ""), True)
        }
        for part in ("Resources", "Outputs")
    }
    chosen: dict[str, Any] = _chosen({**body, **there, "Conditions": {}}, holds)
    return chosen


def _holds(condition: Any, named: Mapping[str, Any], values: Mapping[str, str]) -> bool:  # noqa: ANN401 - JSON
    match condition:
        case {"Condition": str(name)}:
            return _holds(named[name], named, values)
        case {"Fn::Not": [inner]}:
            return not _holds(inner, named, values)
        case {"Fn::And": list(parts)}:
            return all(_holds(part, named, values) for part in parts)
        case {"Fn::Equals": [left, right]}:
            return _text(left, values) == _text(right, values)
        case _:
            raise ValueError(condition)


def _text(value: Any, values: Mapping[str, str]) -> str:  # noqa: ANN401 - JSON
    match value:
        case str():
            return value
        case {"Ref": str(name)}:
            return values[name]
        case _:
            raise ValueError(value)


def _chosen(part: Any, holds: Mapping[str, bool]) -> Any:  # noqa: ANN401 - JSON
    match part:
        case {"Fn::If": [name, then, otherwise]}:
            return _chosen(then if holds[name] else otherwise, holds)
        case dict():
            entries = {key: _chosen(value, holds) for key, value in part.items()}
            return {key: value for key, value in entries.items() if value != _NOTHING}
        case list():
            return [one for one in (_chosen(each, holds) for each in part) if one != _NOTHING]
        case _:
            return part
