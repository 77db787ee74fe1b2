"""
An empty AWS account on this machine, and a double of Tencent's API, to rehearse deployments in.

`make account`: says how to use it, and runs until Ctrl-C. Unlike the demo's, its stack is the one
that `make deploy` makes, and the emulator's own trigger reads the queue. No permission is tried:
for one of SQS' the emulator wants two (local/quirks.py).
"""

import signal
import sys
import time
from types import FrameType

from local.aws import Aws
from local.emulator import Emulator
from local.metrics import Place, publish_metrics
from local.parent import end_with_parent
from local.pipeline import REGION, SECRET_ID, SECRET_KEY, STACK_NAME
from local.tencent.double import TencentDouble

_POLL_SECONDS = 1.0
_LOG_GROUPS = [
    f"/aws/lambda/{STACK_NAME}-{function}" for function in ("receiveCallback", "blockRecipients")
]


def main() -> None:
    """Start it, say how to use it, and make metrics of what its functions log until the end."""
    end_with_parent()
    signal.signal(signal.SIGTERM, _exit)
    with (
        TencentDouble(secret_id=SECRET_ID, secret_key=SECRET_KEY) as double,
        Emulator(region=REGION, enforce_iam=False, own_trigger=True) as aws,
    ):
        print(_told(aws, double), flush=True)  # noqa: T201 - to be copied whole, also from a file
        place = Place()
        while True:
            publish_metrics(aws, _LOG_GROUPS, place=place)
            time.sleep(_POLL_SECONDS)


def _exit(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(1)


def _told(aws: Aws, double: TencentDouble) -> str:
    return f"""
An empty account. In another shell, in this folder:

  export AWS_ENDPOINT_URL={aws.endpoint_url} AWS_REGION={aws.region}
  export AWS_DEFAULT_REGION=$AWS_REGION AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test
  export TENCENT_SES_ENDPOINT={double.url}
  export TENCENTCLOUD_SECRET_ID={SECRET_ID} TENCENTCLOUD_SECRET_KEY={SECRET_KEY}
  .venv/bin/ses-blocklist init local
  make deploy STAGE=local PARAMS="alarms=off tencentSesEndpoint=$TENCENT_SES_ENDPOINT"
  make smoke STAGE=local

Everything else in docs/deployments.md and docs/operations.md works for the stage local too.
Ctrl-C ends the account, and all that is in it.
"""


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
