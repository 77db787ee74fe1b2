"""
Make plain CloudFormation of what osls compiles, for whoever deploys by other means.

The code's place becomes a parameter, in place of a bucket that osls makes and fills. Who hears the
alarms is a parameter already; what osls' caller is told before, CloudFormation tells here.
"""

from collections.abc import Mapping
from typing import Any

_BUCKET = "ServerlessDeploymentBucket"

_CODE = {"S3Bucket": {"Ref": "CodeBucket"}, "S3Key": {"Ref": "CodeKey"}}
_CODE_PARAMETERS = {
    "CodeBucket": {
        "Type": "String",
        "Description": "Bucket with the zip of the functions, in the region of the stack",
    },
    "CodeKey": {
        "Type": "String",
        "Description": "Key of the zip; another one for other code, or no function is updated",
    },
}

#: Who is told by which kind of alarm, in the template's words.
RECIPIENTS = {
    "pages": ("PageEmail", "PageTopicArn"),
    "tickets": ("TicketEmail", "TicketTopicArn"),
}


def plain(template: Mapping[str, Any], *, watched: bool) -> dict[str, Any]:
    """Return *template* without osls' own; a *watched* stage needs somebody to hear its alarms."""
    rules = {"Rules": _rules()} if watched else {}
    return {
        **template,
        **rules,
        "Parameters": {**template.get("Parameters", {}), **_CODE_PARAMETERS},
        "Resources": {
            name: _with_code(resource)
            for name, resource in template["Resources"].items()
            if not name.startswith(_BUCKET)
        },
        "Outputs": {
            name: output
            for name, output in template.get("Outputs", {}).items()
            if not name.startswith(_BUCKET)
        },
    }


def _with_code(resource: Mapping[str, Any]) -> Mapping[str, Any]:
    if resource["Type"] != "AWS::Lambda::Function":
        return resource
    return {**resource, "Properties": {**resource["Properties"], "Code": _CODE}}


def _rules() -> dict[str, Any]:
    return {
        f"SomebodyGets{kind.capitalize()}": {
            "Assertions": [
                {
                    "Assert": {"Fn::Or": [_is_given(email), _is_given(topic)]},
                    "AssertDescription": f"Nobody would get the {kind}: set {email} or {topic}",
                }
            ]
        }
        for kind, (email, topic) in RECIPIENTS.items()
    }


def _is_given(parameter: str) -> dict[str, Any]:
    return {"Fn::Not": [{"Fn::Equals": [{"Ref": parameter}, ""]}]}
