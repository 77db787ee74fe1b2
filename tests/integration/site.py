"""One more stack in the running emulator, changed from test to test as an operator would."""

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests

from infra.ingress import EXAMPLES
from infra.template import compile_template
from local.pipeline import PACKAGE, Pipeline, put_secrets
from local.stack import Stack, deploy

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient

STAGE = "doors"
#: As the stage local has them.
HERE = {
    "transport": "loopback",
    "windowSeconds": "2",
    "consumerTimeoutSeconds": "10",
    "visibilitySeconds": "62",
    "firstRetrySeconds": "1",
    "dryRun": "false",
    "alarms": "off",
}


@dataclass(frozen=True, slots=True)
class Door:
    """The stack behind one door, and how to reach it in the emulator."""

    stack: Stack
    base_url: str
    host: str | None = None

    def request(self, path: str, body: bytes = b"", *, method: str = "POST") -> requests.Response:
        """Send a request as its caller would, under the name that DNS would lead to the door."""
        headers = {"Host": self.host} if self.host else {}
        with requests.Session() as session:
            session.trust_env = False
            return session.request(
                method, f"{self.base_url}{path}", data=body, headers=headers, timeout=30
            )


class Site:
    """What an operator has before the stack: a certificate's ARN, and a load balancer."""

    def __init__(self, pipeline: Pipeline, folder: Path) -> None:
        self.pipeline = pipeline
        self._folder = folder
        self._listener: Mapping[str, Any] = {}

    def deploy(
        self, example: str, *, settings: Mapping[str, str] | None = None, **parameters: str
    ) -> Door:
        """
        Put the door *example* in front of the stack.

        *settings* are stage parameters above the example's, *parameters* those of CloudFormation.
        """
        target = self._folder / f"{'-'.join([example, *(settings or {})])}.json"
        if not target.exists():
            params = {**self._params(example), **(settings or {})}
            artifact = PACKAGE / "functions.zip"
            compile_template(STAGE, artifact=artifact, target=target, params=params)
        template = json.loads(target.read_text())
        put_secrets(self.pipeline.aws, template)
        stack = deploy(
            self.pipeline.aws,
            template,
            PACKAGE / "functions.zip",
            {"TencentSesEndpoint": self.pipeline.double.url, **parameters},
            name=f"ses-blocklist-{STAGE}",
        )
        return self._door(example, stack)

    def begin_anew(self, door: Door, output: str) -> None:
        """Let the function under *output* of the stack lose all that it remembers."""
        client: LambdaClient = self.pipeline.aws.client("lambda")
        name = door.stack.outputs[output]
        variables = client.get_function_configuration(FunctionName=name)["Environment"]
        client.update_function_configuration(
            FunctionName=name,
            Environment={"Variables": {**variables["Variables"], "ANEW": uuid.uuid4().hex}},
        )

    def _params(self, example: str) -> dict[str, str]:
        params = {**HERE, **EXAMPLES[example]}
        if "listenerArn" in params:
            params["listenerArn"] = self._listener_arn()
        if "producers" in params:
            params["producers"] = ",".join(self._producers())
        return params

    def _listener_arn(self) -> str:
        """Make what an operator has already, with a rule of its own on it."""
        balancing: Any = self.pipeline.aws.client("elbv2")
        [balancer] = balancing.create_load_balancer(
            Name="already-there", Subnets=["subnet-1", "subnet-2"]
        )["LoadBalancers"]
        fixed = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "418"}}
        [listener] = balancing.create_listener(
            LoadBalancerArn=balancer["LoadBalancerArn"],
            Protocol="HTTPS",
            Port=8081,
            DefaultActions=[fixed],
        )["Listeners"]
        self._listener = {**listener, **balancer}
        arn: str = listener["ListenerArn"]
        return arn

    def _producers(self) -> Iterator[str]:
        """Make two roles, which may do nothing by themselves."""
        iam: Any = self.pipeline.aws.client("iam")
        trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
        for name in ("producer", "another-producer", "stranger"):
            arn: str = iam.create_role(
                RoleName=name,
                AssumeRolePolicyDocument=json.dumps(
                    {"Version": "2012-10-17", "Statement": [trust]}
                ),
            )["Role"]["Arn"]
            if name != "stranger":
                yield arn

    def _door(self, example: str, stack: Stack) -> Door:
        """Say where the emulator serves what DNS and TLS lead to elsewhere."""
        endpoint, outputs = stack.endpoint_url, stack.outputs
        match example:
            case "url":
                return Door(stack, stack.callback_url("").removesuffix("/callbacks/"))
            case "alb":
                return Door(stack, endpoint, host=f"{outputs['CallbackDomainTarget']}:8081")
            case "alb-listener":
                return Door(stack, endpoint, host=f"{self._listener['DNSName']}:8081")
            case "http-api" | "http-api-domain":
                api: Any = self.pipeline.aws.client("apigatewayv2")
                [ours] = [
                    one
                    for one in api.get_apis()["Items"]
                    if one["Name"] == f"ses-blocklist-{STAGE}"
                ]
                return Door(stack, f"{endpoint}/_aws/execute-api/{ours['ApiId']}")
            case _:
                return Door(stack, endpoint)
