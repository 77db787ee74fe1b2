"""
What a tutorial shows: for each event a client, and for each address a call.

The body is the SDK's own sample code, as the vendor's console writes it for this action, put into
a handler for SQS. It knows which events to act on, so that it does the same work as ours. Nothing
is made slow on purpose.
"""

import json
import os
from typing import Any

from tencentcloud.common import credential
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.ses.v20201002 import models, ses_client


def lambda_handler(event: dict[str, Any], context: object) -> None:
    """Block everyone who bounced hard or complained."""
    del context
    for record in event["Records"]:
        callback = json.loads(record["body"])
        if callback["event"] == "spamreport" or callback["bounceType"] == "hard_bounce":
            block(callback["email"])


def block(email: str) -> None:
    """Put one address on the blocklist."""
    cred = credential.Credential(
        os.environ["TENCENTCLOUD_SECRET_ID"], os.environ["TENCENTCLOUD_SECRET_KEY"]
    )
    scheme, _, endpoint = os.environ["SES_ENDPOINT"].partition("://")
    profile = HttpProfile(protocol=scheme, endpoint=endpoint)
    client = ses_client.SesClient(cred, "ap-singapore", ClientProfile(httpProfile=profile))
    request = models.CreateCustomBlacklistRequest()
    request.from_json_string(json.dumps({"Emails": [email]}))
    client.CreateCustomBlacklist(request)
