"""
Which door a stage gets, and what makes no sense together: asked before anything is deployed.

What a single value must look like stands beside it in the template, as its `AllowedPattern`;
CloudFormation asks for it again, whoever deploys.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

#: What each door reads, as stage parameters. The others would change nothing.
_READS = {
    "url": frozenset[str](),
    "http-api": frozenset({"domainName", "certificateArn", "throttlePerSecond", "throttleBurst"}),
    "alb": frozenset(
        {
            *("domainName", "certificateArn", "vpcId", "subnetIds", "listenerArn", "rulePriority"),
            *("httpsPort", "secondHttpsPort", "thirdHttpsPort"),
        }
    ),
    "none": frozenset[str](),
}
_OF_DOORS = frozenset[str]().union(*_READS.values())

#: What a load balancer of the stack's own stands on; a listener that is there already has it all.
_BALANCER = ("certificateArn", "vpcId", "subnetIds")
_MORE_PORTS = ("secondHttpsPort", "thirdHttpsPort")

_CERTIFICATE = "arn:aws:acm:ap-southeast-1:000000000000:certificate/example"
#: Each door with values that are made up, for the checks of its template.
EXAMPLES: Mapping[str, Mapping[str, str]] = {
    "url": {"ingress": "url"},
    "http-api": {"ingress": "http-api"},
    "http-api-domain": {
        "ingress": "http-api",
        "domainName": "callbacks.example.com",
        "certificateArn": _CERTIFICATE,
    },
    "alb": {
        "ingress": "alb",
        "domainName": "callbacks.example.com",
        "certificateArn": _CERTIFICATE,
        "secondHttpsPort": "443",
        "vpcId": "vpc-00000000",
        "subnetIds": "subnet-00000000,subnet-11111111",
    },
    "alb-listener": {
        "ingress": "alb",
        "domainName": "callbacks.example.com",
        "listenerArn": "arn:aws:elasticloadbalancing:eu-west-1:000000000000:listener/app/a/b/c",
    },
    "none": {
        "ingress": "none",
        "producers": "arn:aws:iam::000000000000:role/one,arn:aws:iam::111111111111:role/a/two",
    },
}


def complaints(
    defaults: Mapping[str, Any], chosen: Mapping[str, Any], *, template: Mapping[str, Any]
) -> Iterator[str]:
    """
    Yield what is wrong with a stage's parameters, as sentences for whoever set them.

    *chosen* are the stage's own, which stand above the *defaults*.
    """
    effective = {**defaults, **chosen}
    given = {name for name, value in effective.items() if value != ""}
    door = str(effective["ingress"])
    yield from _wrong_values(template)
    for name in sorted(_OF_DOORS & given & set(chosen) - _READS[door]):
        readers = " and ".join(other for other, reads in _READS.items() if name in reads)
        yield f"ingress {door} does not use {name}: it belongs to {readers}"
    yield from _of_door(door, given)


def _of_door(door: str, given: set[str]) -> Iterator[str]:
    match door:
        case "http-api" if len(given & {"domainName", "certificateArn"}) == 1:
            yield "ingress http-api: domainName and certificateArn go together"
        case "alb":
            yield from _of_balancer(given)
        case "none":
            if "producers" not in given:
                yield "ingress none: nobody could put callbacks on the queue; set producers"
            if "forwardTopic" in given:
                yield "ingress none: forwardTopic needs a door, which is what forwards"


def _of_balancer(given: set[str]) -> Iterator[str]:
    if "listenerArn" in given:
        for name in (*_BALANCER, *_MORE_PORTS):
            if name in given:
                yield f"ingress alb: with listenerArn there is no use for {name}"
    elif missing := [name for name in _BALANCER if name not in given]:
        yield f"ingress alb: set {', '.join(missing)}; or listenerArn, of a listener you have"


def _wrong_values(template: Mapping[str, Any]) -> Iterator[str]:
    for declared in template["Parameters"].values():
        pattern = declared.get("AllowedPattern", "")
        if pattern and not re.fullmatch(pattern, str(declared["Default"])):
            yield f"{declared['ConstraintDescription']}, not {declared['Default']!r}"
