"""
What a fresh interpreter does for its first event: `python -m bench.first_event WHAT`.

Prints the CPU seconds since the interpreter began, the modules that are loaded by then, and the
most memory that was in use. What is imported at the top is paid for by every side.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping

TOKEN = "bench-token-0123456789"  # noqa: S105 - it opens nothing
OFTEN = 200
#: With a reply that has to be judged, as nearly every first event has.
_BODY = (
    '{"event":"bounce","bounceType":"hard_bounce","email":"a@example.com","username":"1",'
    '"reason":"550 5.1.1 The email account that you tried to reach does not exist."}'
)


def nothing() -> None:
    """Only begin: its time is taken off all others."""


def door() -> None:
    """Take a callback through the handler."""
    from bench.context import Context
    from functions.receive_callback.handler import lambda_handler

    event = {
        "rawPath": f"/callbacks/{TOKEN}",
        "requestContext": {"http": {"method": "POST"}},
        "body": _BODY,
    }
    answer = lambda_handler(event, Context())  # type: ignore[arg-type]  # a stand-in
    _expect(answer["statusCode"], 200)


def door_often() -> None:
    """Take `OFTEN` callbacks through the handler."""
    for _ in range(OFTEN):
        door()


def door_clients() -> None:
    """Read the token and send the message, with the clients that the door has."""
    import boto3

    ssm, sqs = boto3.client("ssm"), boto3.client("sqs")
    parameter = ssm.get_parameter(Name=os.environ["CALLBACK_TOKENS_PARAMETER"], WithDecryption=True)
    _expect(parameter["Parameter"]["Value"], TOKEN)
    sent = sqs.send_message_batch(
        QueueUrl=os.environ["QUEUE_URL"], Entries=[{"Id": "0", "MessageBody": _BODY}]
    )
    _expect(len(sent["Successful"]), 1)


def consumer() -> None:
    """Take one message through the handler."""
    _consume([{"messageId": "m-1", "body": _BODY}])


def consumer_clients() -> None:
    """Read the key and ask Tencent, with the clients that the consumer has."""
    import boto3
    from tencentcloud.common.credential import Credential
    from tencentcloud.common.profile.client_profile import ClientProfile
    from tencentcloud.common.profile.http_profile import HttpProfile
    from tencentcloud.ses.v20201002.ses_client import SesClient

    ssm = boto3.client("ssm")
    name = os.environ["TENCENT_CREDENTIALS_PARAMETER"]
    parameter = ssm.get_parameter(Name=name, WithDecryption=True)
    key = json.loads(parameter["Parameter"]["Value"])
    scheme, _, endpoint = os.environ["TENCENT_SES_ENDPOINT"].partition("://")
    profile = ClientProfile(httpProfile=HttpProfile(protocol=scheme, endpoint=endpoint))
    client = SesClient(Credential(key["secret_id"], key["secret_key"]), "ap-singapore", profile)
    answer = client.call_json("CreateCustomBlacklist", {"Emails": ["a@example.com"]})
    _expect(answer["Response"].get("Error"), None)


def full_batch() -> None:
    """Take a payload of 6 MB, as the runtime reads it from its standard input."""
    _consume(json.loads(sys.stdin.buffer.read())["Records"])


def _consume(records: object) -> None:
    from bench.context import Context
    from functions.block_recipients.handler import lambda_handler

    answer = lambda_handler({"Records": records}, Context())  # type: ignore[arg-type]  # a stand-in
    _expect(answer, {"batchItemFailures": []})


def _expect(found: object, expected: object) -> None:
    if found != expected:
        sys.exit(f"{found!r} instead of {expected!r}")


def _peak_bytes() -> int:
    """Ask Linux; elsewhere the most that any process of this kind had, which includes its start."""
    try:
        with open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123 - one import less
            lines = dict(line.split(":", 1) for line in status)
        return int(lines["VmHWM"].split()[0]) * 1024
    except OSError:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


#: By the word that asks for it.
WHATS: Mapping[str, Callable[[], None]] = {
    run.__name__: run
    for run in (nothing, door, door_often, door_clients, consumer, consumer_clients, full_batch)
}

if __name__ == "__main__":
    WHATS[sys.argv[1]]()
    told = {"seconds": time.process_time(), "modules": [*sys.modules], "peak_bytes": _peak_bytes()}
    print(json.dumps(told))  # noqa: T201 - it is what this is for
