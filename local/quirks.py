"""
What the emulator gets wrong about a stack.

Put right before (`allow_batches`, `without_metric_math`) and after (`mend`).

All seen with ministack 1.5.33, and tested: without what is done here those tests fail.
"""

import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from local.aws import Aws

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient

#: Permissions of SQS that cover a call for ten messages too.
_HAS_BATCH = frozenset({"sqs:SendMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"})

#: What the emulator has no alarm for: one of several alarms, and a page that shows any of them.
_BEYOND_ALARMS = frozenset({"AWS::CloudWatch::CompositeAlarm", "AWS::CloudWatch::Dashboard"})

_POLL_SECONDS = 0.05
_WAIT_SECONDS = 20.0


def allow_batches(template: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return *template* with each batch call of SQS allowed, or denied, where its single call is.

    To AWS they are one permission, and naming the batch is an error; to the emulator they are two.
    Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html
    """
    return {key: _with_batches(part) for key, part in template.items()}


def without_metric_math(template: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return *template* without alarms that calculate, and without what is made of alarms.

    For one of them the emulator refuses the whole stack.
    """
    resources = {
        logical_id: resource
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] not in _BEYOND_ALARMS
        and "Metrics" not in resource.get("Properties", {})
    }
    return {**template, "Resources": resources}


def mend(
    aws: Aws,
    template: Mapping[str, Any],
    parameters: Mapping[str, str],
    *,
    physical_ids: Mapping[str, str],
) -> None:
    """Make the account look as *template* says where the emulator does not listen to it."""
    _set_mapping_states(aws, template, parameters, physical_ids)
    _register_targets(aws, template, physical_ids)


def set_mapping_state(lambda_client: "LambdaClient", mapping_uuid: str, *, enabled: bool) -> None:
    """Start or stop the polling of an event source mapping, and wait until that is so."""
    lambda_client.update_event_source_mapping(UUID=mapping_uuid, Enabled=enabled)
    wanted = "Enabled" if enabled else "Disabled"
    deadline = time.monotonic() + _WAIT_SECONDS
    while lambda_client.get_event_source_mapping(UUID=mapping_uuid).get("State") != wanted:
        if time.monotonic() > deadline:
            raise TimeoutError(f"mapping {mapping_uuid} did not become {wanted}")
        time.sleep(_POLL_SECONDS)


def _with_batches(part: object) -> object:
    match part:
        case {"Effect": effect, "Action": str() | list() as actions, **rest}:
            named = [actions] if isinstance(actions, str) else actions
            batches = [f"{action}Batch" for action in named if action in _HAS_BATCH]
            missing = [batch for batch in batches if batch not in named]
            return {"Effect": effect, "Action": [*named, *missing], **rest}
        case dict():
            return {key: _with_batches(value) for key, value in part.items()}
        case list():
            return [_with_batches(value) for value in part]
        case _:
            return part


def _set_mapping_states(
    aws: Aws,
    template: Mapping[str, Any],
    parameters: Mapping[str, str],
    physical_ids: Mapping[str, str],
) -> None:
    """Set what a mapping's `Enabled` says: created, it is enabled whatever that is."""
    lambda_client: LambdaClient = aws.client("lambda")
    for logical_id, properties in _resources(template, "AWS::Lambda::EventSourceMapping"):
        enabled = _is_true(properties.get("Enabled", True), template, parameters)
        set_mapping_state(lambda_client, physical_ids[logical_id], enabled=enabled)


def _is_true(value: object, template: Mapping[str, Any], parameters: Mapping[str, str]) -> bool:
    match value:
        case bool():
            return value
        case "true" | "false":
            return value == "true"
        case {"Ref": str(name)} if name in template.get("Parameters", {}):
            declared = template["Parameters"][name]
            return _is_true(parameters.get(name, declared.get("Default")), template, parameters)
        case _:
            raise ValueError(f"cannot tell whether a mapping is enabled from {value!r}")


def _register_targets(
    aws: Aws, template: Mapping[str, Any], physical_ids: Mapping[str, str]
) -> None:
    """Give a target group its `Targets`: created, it has none, and callers get 503."""
    for logical_id, properties in _resources(template, "AWS::ElasticLoadBalancingV2::TargetGroup"):
        if not properties.get("Targets"):
            continue
        load_balancing: Any = aws.client("elbv2")
        load_balancing.register_targets(
            TargetGroupArn=physical_ids[logical_id],
            Targets=[
                {**target, "Id": _target_id(aws, target["Id"], physical_ids)}
                for target in properties["Targets"]
            ],
        )


def _target_id(aws: Aws, value: object, physical_ids: Mapping[str, str]) -> str:
    match value:
        case str():
            return value
        case {"Fn::GetAtt": [str(function), "Arn"]}:
            lambda_client: LambdaClient = aws.client("lambda")
            name = physical_ids[function]
            return lambda_client.get_function_configuration(FunctionName=name)["FunctionArn"]
        case _:
            raise ValueError(f"cannot tell which function the target {value!r} is")


def _resources(
    template: Mapping[str, Any], resource_type: str
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for logical_id, resource in template["Resources"].items():
        if resource["Type"] == resource_type:
            yield logical_id, resource.get("Properties", {})
