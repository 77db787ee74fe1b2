"""
SNS: callbacks for whoever else wants them, as they came.

Source: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

if TYPE_CHECKING:
    from types_boto3_sns import SNSClient

#: SNS's own limit on a message.
MAX_BYTES = 256 * 1024

#: What forwarding may add to an answer at most: Tencent waits, and nobody knows how long.
BUDGET_SECONDS = 2.0
CONNECT_SECONDS, READ_SECONDS = 0.5, 1.0
#: What one call may take at most.
CALL_SECONDS = CONNECT_SECONDS + READ_SECONDS
#: A connection that was idle while the sandbox was frozen fails once, and at once.
MAX_TRIES = 2

#: Botocore raises the last two at an answer that is not SNS's, such as a proxy's page.
_NOT_ANSWERED = (BotoCoreError, ResponseParserError, KeyError)


class SnsForwarding:
    """A topic that hears of every callback."""

    def __init__(
        self,
        client: Callable[[], "SNSClient"],
        topic_arn: str,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._topic_arn = topic_arn
        self._clock = clock

    def publish(self, body: bytes, *, before: float) -> str | None:
        """
        Publish *body* unchanged, giving up at *before* (monotonic), or after two seconds.

        Returns a code that says why it was not published, if it was not: SNS takes text only, and
        256 KB of it.
        """
        if len(body) > MAX_BYTES:
            return "TooLarge"
        try:
            text = body.decode()
        except UnicodeDecodeError:
            return "NotText"
        return self._publish(text, min(before, self._clock() + BUDGET_SECONDS))

    def _publish(self, text: str, before: float) -> str | None:
        code = "NoTimeLeft"
        for _ in range(MAX_TRIES):
            if self._clock() + CALL_SECONDS > before:
                break
            try:
                answer = self._client().publish(TopicArn=self._topic_arn, Message=text)
            except ClientError as error:
                return error.response["Error"]["Code"]
            except _NOT_ANSWERED as error:
                code = type(error).__name__
            else:  # botocore takes any answer with status 200 for a good one
                return None if answer.get("MessageId") else "NotConfirmed"
        return code
