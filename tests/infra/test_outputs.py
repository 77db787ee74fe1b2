"""infra/outputs.yml: what operators and the local stack look a stack's parts up by."""

from tests.infra.compiled import CONSUMER, DOOR, TRIGGER, Template


def test_stack_tells_where_its_parts_are(template: Template) -> None:
    """The runbook and the local stack go by these names."""
    outputs = {name: output["Value"] for name, output in template.body["Outputs"].items()}

    secrets = f"/ses-blocklist/{template.stage}"
    expected = {
        "QueueUrl": {"Ref": "Queue"},
        "DeadLetterQueueUrl": {"Ref": "DeadLetterQueue"},
        "ReceiveCallbackFunction": {"Ref": DOOR},
        "BlockRecipientsFunction": {"Ref": CONSUMER},
        "EventSourceMapping": {"Ref": TRIGGER},
        "PageTopicArn": {"Ref": "PageTopic"},
        "TicketTopicArn": {"Ref": "TicketTopic"},
        "CallbackTokensParameter": f"{secrets}/callback-tokens",
        "TencentCredentialsParameter": f"{secrets}/tencent-credentials",
    }
    assert {name: outputs.get(name) for name in expected} == expected
