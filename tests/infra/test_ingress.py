"""infra/ingress*.yml and infra/ingress.py: each door lets callbacks in, and nobody else."""

from collections.abc import Mapping

import pytest

from infra.ingress import EXAMPLES, complaints
from tests.infra.compiled import DOOR, Template

PERMISSION = "AWS::Lambda::Permission"
LISTENER = "AWS::ElasticLoadBalancingV2::Listener"
RULE = "AWS::ElasticLoadBalancingV2::ListenerRule"
FUNCTION = {"Fn::GetAtt": [DOOR, "Arn"]}
ACCOUNT = "${AWS::Region}:${AWS::AccountId}"


@pytest.mark.parametrize(
    ("door", "expected"),
    [
        ("url", {"Fn::Sub": "${ReceiveCallbackLambdaFunctionUrl.FunctionUrl}callbacks/"}),
        ("http-api", {"Fn::Sub": "${HttpApi.ApiEndpoint}/callbacks/"}),
        ("http-api-domain", {"Fn::Sub": "https://${DomainName}/callbacks/"}),
        ("alb", {"Fn::Sub": "https://${DomainName}:${HttpsPort}/callbacks/"}),
        ("alb-listener", {"Fn::Sub": "https://${DomainName}:${HttpsPort}/callbacks/"}),
    ],
)
def test_stack_tells_its_callback_address(
    doors: dict[str, Template], door: str, expected: object
) -> None:
    """Whatever the door: what the operator puts the token behind is this output."""
    outputs = doors[door].deployed().body["Outputs"]

    assert outputs["CallbackBaseUrl"]["Value"] == expected


@pytest.mark.parametrize(
    ("door", "target"),
    [
        ("url", None),
        ("http-api", None),
        ("http-api-domain", {"Fn::GetAtt": ["HttpApiDomain", "RegionalDomainName"]}),
        ("alb", {"Fn::GetAtt": ["Balancer", "DNSName"]}),
        ("alb-listener", None),
    ],
)
def test_stack_tells_where_an_own_domain_must_point(
    doors: dict[str, Template], door: str, target: object
) -> None:
    outputs = doors[door].deployed().body["Outputs"]

    assert outputs.get("CallbackDomainTarget", {}).get("Value") == target


def test_url_is_open(doors: dict[str, Template]) -> None:
    """Tencent cannot sign its calls: an address that asks for it answers 403 to every callback."""
    [address] = doors["url"].of_type("AWS::Lambda::Url").values()

    assert address == {"AuthType": "NONE", "TargetFunctionArn": FUNCTION}


def test_url_has_both_permissions(doors: dict[str, Template]) -> None:
    """Since October 2025 a function's address answers 403 unless both are there."""
    permissions = doors["url"].of_type(PERMISSION).values()

    anybody = {"FunctionName": FUNCTION, "Principal": "*"}
    assert {permission["Action"]: permission for permission in permissions} == {
        "lambda:InvokeFunctionUrl": {
            **anybody,
            "Action": "lambda:InvokeFunctionUrl",
            "FunctionUrlAuthType": "NONE",
        },
        "lambda:InvokeFunction": {
            **anybody,
            "Action": "lambda:InvokeFunction",
            "InvokedViaFunctionUrl": True,
        },
    }


def test_url_keeps_the_names_it_had(doors: dict[str, Template]) -> None:
    """
    Under another name CloudFormation makes another address.

    The one in Tencent's console would be gone with the old one.
    """
    assert set(doors["url"].of_type("AWS::Lambda::Url")) == {"ReceiveCallbackLambdaFunctionUrl"}


@pytest.mark.parametrize("door", ["http-api", "http-api-domain"])
def test_http_api_leads_to_the_function(doors: dict[str, Template], door: str) -> None:
    """Payload 2.0 under the stage $default: another stage's name would be part of the path."""
    template = doors[door]
    [integration] = template.of_type("AWS::ApiGatewayV2::Integration").values()
    [route] = template.of_type("AWS::ApiGatewayV2::Route").values()
    [stage] = template.of_type("AWS::ApiGatewayV2::Stage").values()

    assert integration["IntegrationUri"] == FUNCTION
    assert integration["PayloadFormatVersion"] == "2.0"
    assert route["RouteKey"] == "ANY /callbacks/{token}"
    assert (stage["StageName"], stage["AutoDeploy"]) == ("$default", True)


def test_http_api_has_a_throttle(doors: dict[str, Template]) -> None:
    """Without one a stranger's flood takes the account's share of Lambda, and costs."""
    [stage] = doors["http-api"].of_type("AWS::ApiGatewayV2::Stage").values()

    assert stage["DefaultRouteSettings"] == {
        "ThrottlingRateLimit": 100,
        "ThrottlingBurstLimit": 500,
    }


def test_own_domain_of_an_http_api_asks_for_tls_1_2(doors: dict[str, Template]) -> None:
    template = doors["http-api-domain"].deployed()

    [domain] = template.of_type("AWS::ApiGatewayV2::DomainName").values()

    [settings] = domain["DomainNameConfigurations"]
    assert settings["SecurityPolicy"] == "TLS_1_2"
    assert len(template.of_type("AWS::ApiGatewayV2::ApiMapping")) == 1
    assert not doors["http-api"].deployed().of_type("AWS::ApiGatewayV2::DomainName")


def test_only_our_own_api_may_call_the_function(doors: dict[str, Template]) -> None:
    """Without a source anybody's API could be pointed at it. This one holds the account too."""
    [permission] = doors["http-api"].of_type(PERMISSION).values()

    assert permission == {
        "FunctionName": FUNCTION,
        "Action": "lambda:InvokeFunction",
        "Principal": "apigateway.amazonaws.com",
        "SourceArn": {"Fn::Sub": f"arn:${{AWS::Partition}}:execute-api:{ACCOUNT}:${{HttpApi}}/*"},
    }


@pytest.mark.parametrize("door", ["alb", "alb-listener"])
def test_only_our_own_load_balancer_may_call_the_function(
    doors: dict[str, Template], door: str
) -> None:
    """Source and account, as AWS advises: else anybody's could be pointed at the function."""
    [permission] = doors[door].of_type(PERMISSION).values()

    source = permission.pop("SourceArn")

    assert source
    assert permission == {
        "FunctionName": FUNCTION,
        "Action": "lambda:InvokeFunction",
        "Principal": "elasticloadbalancing.amazonaws.com",
        "SourceAccount": {"Ref": "AWS::AccountId"},
    }


@pytest.mark.parametrize("door", ["alb", "alb-listener"])
def test_load_balancer_s_permission_names_its_target_group(
    doors: dict[str, Template], door: str
) -> None:
    """The name is written twice: were they to differ, every callback would be answered 502."""
    template = doors[door]
    [group] = template.of_type("AWS::ElasticLoadBalancingV2::TargetGroup").values()
    name, parts = group["Name"]["Fn::Sub"]

    source = template.properties("BalancerPermission")["SourceArn"]["Fn::Sub"]

    arn = f"arn:${{AWS::Partition}}:elasticloadbalancing:{ACCOUNT}:targetgroup/{name}/*"
    assert source == [arn, parts]
    assert len(name.replace("${Stack}", "12345678")) <= 32
    assert template.resource("TargetGroup")["DependsOn"] == ["BalancerPermission"]
    assert (group["TargetType"], group["Targets"]) == ("lambda", [{"Id": FUNCTION}])
    assert group["HealthCheckEnabled"] is False


def test_load_balancer_speaks_tls_1_2_or_newer_on_each_port(doors: dict[str, Template]) -> None:
    """Tencent's page names 8080 to 8082, its FAQ 443: one certificate serves what is given."""
    listeners = doors["alb"].deployed().of_type(LISTENER)

    for listener in listeners.values():
        assert listener["Protocol"] == "HTTPS"
        assert listener["SslPolicy"] == "ELBSecurityPolicy-TLS13-1-2-2021-06"
        assert listener["Certificates"] == [{"CertificateArn": {"Ref": "CertificateArn"}}]
        [default] = listener["DefaultActions"]
        assert default == {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}


@pytest.mark.parametrize(
    ("second", "third", "number"), [("", "", 1), ("443", "", 2), ("8080", "8082", 3)]
)
def test_each_port_has_its_listener_its_rule_and_its_way_in(
    doors: dict[str, Template], second: str, third: str, number: int
) -> None:
    template = doors["alb"].deployed(SecondHttpsPort=second, ThirdHttpsPort=third)

    listeners = template.of_type(LISTENER)
    [group] = template.of_type("AWS::EC2::SecurityGroup").values()

    assert len(listeners) == number
    assert {rule["ListenerArn"]["Ref"] for rule in template.of_type(RULE).values()} == set(
        listeners
    )
    assert [way_in["FromPort"] for way_in in group["SecurityGroupIngress"]] == [
        listener["Port"] for listener in listeners.values()
    ]
    assert all(one["FromPort"] == one["ToPort"] for one in group["SecurityGroupIngress"])


@pytest.mark.parametrize("door", ["alb", "alb-listener"])
def test_rule_lets_callbacks_through_and_nothing_else(
    doors: dict[str, Template], door: str
) -> None:
    """The listener's own answer to anything else costs no call of the function."""
    for rule in doors[door].deployed().of_type(RULE).values():
        assert rule["Conditions"] == [
            {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/callbacks/*"]}}
        ]
        assert rule["Actions"] == [{"Type": "forward", "TargetGroupArn": {"Ref": "TargetGroup"}}]


def test_shared_listener_gets_a_rule_and_nothing_else(doors: dict[str, Template]) -> None:
    template = doors["alb-listener"].deployed()

    [rule] = template.of_type(RULE).values()

    assert (rule["ListenerArn"], rule["Priority"]) == (
        {"Ref": "ListenerArn"},
        {"Ref": "RulePriority"},
    )
    assert not template.of_type(LISTENER)
    assert not template.of_type("AWS::ElasticLoadBalancingV2::LoadBalancer")
    assert not template.of_type("AWS::EC2::SecurityGroup")


def test_no_door_writes_the_token_into_a_log(doors: dict[str, Template]) -> None:
    """An access log holds the path, and the path the token."""
    [balancer] = (
        doors["alb"].deployed().of_type("AWS::ElasticLoadBalancingV2::LoadBalancer").values()
    )
    [stage] = doors["http-api"].of_type("AWS::ApiGatewayV2::Stage").values()

    assert {"Key": "access_logs.s3.enabled", "Value": "false"} in balancer["LoadBalancerAttributes"]
    assert "AccessLogSettings" not in stage


def test_without_a_door_nobody_may_call_the_function(doors: dict[str, Template]) -> None:
    template = doors["none"].deployed()

    assert not template.of_type(PERMISSION)
    assert "CallbackBaseUrl" not in template.body["Outputs"]
    assert template.body["Outputs"]["QueueArn"]["Value"] == {"Fn::GetAtt": ["Queue", "Arn"]}


@pytest.mark.parametrize("door", EXAMPLES)
def test_every_arn_is_of_the_partition_it_is_in(doors: dict[str, Template], door: str) -> None:
    """China's and GovCloud's begin with another: written out, nothing there would be allowed."""
    template = doors[door]

    text = template.text
    for declared in template.body["Parameters"].values():
        text = text.replace(str(declared.get("Default", "")), "")
    assert "arn:aws:" not in text


_DEFAULTS: Mapping[str, object] = {
    "ingress": "url",
    "throttlePerSecond": 100,
    "httpsPort": 8081,
    **dict.fromkeys(("domainName", "certificateArn", "vpcId", "subnetIds", "listenerArn"), ""),
    **dict.fromkeys(("producers", "forwardTopic"), ""),
}


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)
def test_examples_make_sense(example: Mapping[str, str]) -> None:
    assert list(complaints(_DEFAULTS, example, template={"Parameters": {}})) == []


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        (
            {"domainName": "a.example.com"},
            "ingress url does not use domainName: it belongs to http-api and alb",
        ),
        ({"httpsPort": 443}, "ingress url does not use httpsPort: it belongs to alb"),
        (
            {"ingress": "http-api", "domainName": "a.example.com"},
            "ingress http-api: domainName and certificateArn go together",
        ),
        (
            {"ingress": "alb", "vpcId": "vpc-1"},
            "ingress alb: set certificateArn, subnetIds; or listenerArn, of a listener you have",
        ),
        (
            {"ingress": "alb", "listenerArn": "arn", "vpcId": "vpc-1"},
            "ingress alb: with listenerArn there is no use for vpcId",
        ),
        (
            {"ingress": "none"},
            "ingress none: nobody could put callbacks on the queue; set producers",
        ),
        (
            {"ingress": "none", "producers": "arn", "forwardTopic": "arn"},
            "ingress none: forwardTopic needs a door, which is what forwards",
        ),
    ],
)
def test_what_makes_no_sense_together_is_said(chosen: Mapping[str, object], told: str) -> None:
    """Before the deployment, and in the words of whoever set it."""
    assert list(complaints(_DEFAULTS, chosen, template={"Parameters": {}})) == [told]


def test_shared_default_of_another_door_is_nobody_s_mistake() -> None:
    """One stage may have the domain that all stages know, another the function's own address."""
    defaults = {**_DEFAULTS, "domainName": "a.example.com"}

    assert list(complaints(defaults, {}, template={"Parameters": {}})) == []


def test_value_that_cloudformation_would_refuse_is_refused_before(
    doors: dict[str, Template],
) -> None:
    body = doors["alb"].body
    body["Parameters"]["SecondHttpsPort"]["Default"] = "8081, 443"

    told = list(complaints(_DEFAULTS, EXAMPLES["alb"], template=body))

    assert told == ["secondHttpsPort must be a port, not '8081, 443'"]
