"""The operator's AWS account, and what is not of one stage alone in it."""

import os
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cli.adapters.aws import Aws, Caller
    from cli.adapters.metrics import Metrics
    from cli.adapters.secrets import Secrets


@cache
def aws() -> "Aws":
    """Give the operator's AWS account."""
    from cli.adapters.aws import Aws

    return Aws(os.environ)


def caller() -> "Caller":
    """Give who asks, as AWS knows them: it stands beside what they decide."""
    from cli.adapters.aws import caller

    return caller(aws())


def secrets(*, kms_key_arn: str = "") -> "Secrets":
    """Give where secrets are stored, encrypted with *kms_key_arn* or with AWS' own key."""
    from cli.adapters.secrets import Secrets

    return Secrets(aws(), kms_key_arn=kms_key_arn)


def metrics() -> "Metrics":
    """Give what CloudWatch knows."""
    from cli.adapters.metrics import Metrics

    return Metrics(aws())
