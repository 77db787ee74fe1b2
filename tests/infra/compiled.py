"""A compiled template, with the few questions that tests ask of it."""

import json
from collections.abc import Iterator
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

    def environment(self, function: str) -> dict[str, Any]:
        variables: dict[str, Any] = self.properties(function)["Environment"]["Variables"]
        return variables

    def statements(self, role: str) -> Iterator[dict[str, Any]]:
        """Yield what the role's own policies say."""
        for policy in self.properties(role)["Policies"]:
            yield from policy["PolicyDocument"]["Statement"]


def as_list(value: object) -> list[Any]:
    """Return what a policy may write as one thing or as a list of them as a list."""
    return value if isinstance(value, list) else [value]
