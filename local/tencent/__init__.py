"""A double of Tencent's SES API (version 2020-10-02) that keeps blocklists and can misbehave."""

from local.tencent import faults
from local.tencent.calls import RecordedRequest
from local.tencent.double import TencentDouble

__all__ = ["RecordedRequest", "TencentDouble", "faults"]
