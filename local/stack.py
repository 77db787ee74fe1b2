"""
Put the compiled CloudFormation template into the emulator.

What `osls deploy` does with an account, from a bucket of our own and in half a second.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from local.aws import Aws
from local.cloudformation import apply_template, outputs, physical_ids
from local.quirks import allow_batches, mend, without_metric_math

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_s3 import S3Client

#: A bucket is created here unless another region is named, and naming this one is an error.
_UNNAMED_REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class Stack:
    """A deployed stack. *log_groups*, one a function, exist from the function's first call on."""

    name: str
    outputs: Mapping[str, str]
    log_groups: tuple[str, ...]
    endpoint_url: str

    def callback_url(self, token: str) -> str:
        """
        Return the address for callbacks with *token*.

        A function URL's host name leads nowhere here: the emulator serves it under its own address.
        """
        url = urlsplit(self.outputs["CallbackBaseUrl"])
        url_id = url.netloc.partition(".")[0]
        return f"{self.endpoint_url}/_aws/lambda-url/{url_id}{url.path}{token}"


def deploy(
    aws: Aws,
    template: Mapping[str, Any],
    artifact: Path,
    parameters: Mapping[str, str],
    *,
    name: str = "ses-blocklist",
) -> Stack:
    """
    Create the stack *name* from *template*, or update it; every function gets the zip *artifact*.

    Raises:
        DeploymentError: CloudFormation refused the template, or a resource failed.
    """
    bucket = _Bucket(aws, f"{name}-artifacts")
    parameters = {
        **parameters,
        "CodeBucket": bucket.name,
        "CodeKey": bucket.put(artifact.read_bytes(), suffix=".zip"),
    }
    adapted = without_metric_math(allow_batches(template))
    key = bucket.put(json.dumps(adapted).encode(), suffix=".json")
    cloudformation: CloudFormationClient = aws.client("cloudformation")
    apply_template(cloudformation, name, template_url=bucket.url(key), parameters=parameters)
    known_as = physical_ids(cloudformation, name)
    mend(aws, adapted, parameters, physical_ids=known_as)
    return Stack(
        name=name,
        outputs=outputs(cloudformation, name),
        log_groups=tuple(
            f"/aws/lambda/{known_as[logical_id]}"
            for logical_id, resource in adapted["Resources"].items()
            if resource["Type"] == "AWS::Lambda::Function"
        ),
        endpoint_url=aws.endpoint_url,
    )


class _Bucket:
    """Where CloudFormation reads from; a template in the request itself may have 51,200 bytes."""

    def __init__(self, aws: Aws, name: str) -> None:
        self.name = name
        self._endpoint_url = aws.endpoint_url
        self._s3: S3Client = aws.client("s3")
        if name not in {known.get("Name") for known in self._s3.list_buckets()["Buckets"]}:
            self._create(aws.region)

    def put(self, content: bytes, *, suffix: str) -> str:
        """Return the key of *content*: another for other contents, or no update would follow."""
        key = hashlib.sha256(content).hexdigest() + suffix
        self._s3.put_object(Bucket=self.name, Key=key, Body=content)
        return key

    def url(self, key: str) -> str:
        return f"{self._endpoint_url}/{self.name}/{key}"

    def _create(self, region: str) -> None:
        if region == _UNNAMED_REGION:
            self._s3.create_bucket(Bucket=self.name)
        else:
            named: Any = {"LocationConstraint": region}  # the stubs list the regions of their day
            self._s3.create_bucket(Bucket=self.name, CreateBucketConfiguration=named)
