"""The real SDK, pointed at the double."""

import pytest
from tencentcloud.common.abstract_model import AbstractModel
from tencentcloud.common.credential import Credential
from tencentcloud.common.exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.ses.v20201002 import models
from tencentcloud.ses.v20201002.ses_client import SesClient

from local.tencent import TencentDouble

SECRET_ID = "AKIDEXAMPLE"
SECRET_KEY = "KEYEXAMPLE"


def make_client(
    double: TencentDouble,
    credential: Credential | None = None,
    *,
    region: str = "ap-singapore",
    **http: object,
) -> SesClient:
    """Make the SDK's client for *double*; *http* goes to its HttpProfile."""
    profile = HttpProfile(protocol="http", endpoint=double.endpoint, **{"reqTimeout": 10, **http})
    credential = credential or Credential(SECRET_ID, SECRET_KEY)
    return SesClient(credential, region, ClientProfile(httpProfile=profile, language="en-US"))


def call(client: SesClient, action: str, **fields: object) -> AbstractModel:
    """Carry out *action* and return the SDK's response object."""
    request = getattr(models, f"{action}Request")()
    for name, value in fields.items():
        setattr(request, name, value)
    return getattr(client, action)(request)


def block(client: SesClient, *emails: str, **fields: object) -> AbstractModel:
    """Put addresses on the custom blocklist."""
    return call(client, "CreateCustomBlacklist", Emails=list(emails), **fields)


def error_of(
    client: SesClient, action: str = "CreateCustomBlacklist", **fields: object
) -> TencentCloudSDKException:
    """Carry out *action*, which must fail, and return the SDK's exception."""
    fields = fields or {"Emails": ["a@example.com"]}
    with pytest.raises(TencentCloudSDKException) as failure:
        call(client, action, **fields)
    return failure.value


def code_of(client: SesClient, action: str = "CreateCustomBlacklist", **fields: object) -> str:
    """Carry out *action*, which must fail, and return the code."""
    return str(error_of(client, action, **fields).get_code())


def counts_of(response: AbstractModel) -> dict[str, int | None]:
    """Return the five counts, which are None where the answer had none."""
    names = ("Total", "Valid", "TooLong", "Repeat", "Invalid")
    return {name: getattr(response, f"{name}Count") for name in names}
