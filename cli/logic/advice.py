"""What an error of Tencent's means for an operator, and what to do about it."""

from typing import NamedTuple

from cli.errors import CliError, MendFirstError, TryAgainError
from functions.blocklist.domain.errors import (
    BlocklistError,
    ConfigurationError,
    RateLimitedError,
    RetryLaterError,
)


class _Advice(NamedTuple):
    """What codes with this beginning mean, and what to do."""

    code: str
    meaning: str
    do: str


_ALLOW = "Allow ses:{action} to the key's user in Tencent's CAM, or use another key."
_OTHER_KEY = "set TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY."
_STORE_AGAIN = "Store the stage's key again: ses-blocklist init STAGE --new-key."

#: The first that fits.
_ADVICE = (
    _Advice(
        "AuthFailure.SignatureExpire",
        "this machine's clock is off by more than five minutes",
        "Set the clock, then run the command again.",
    ),
    _Advice("AuthFailure.UnauthorizedOperation", "the key may not do that", _ALLOW),
    _Advice("UnauthorizedOperation", "the key may not do that", _ALLOW),
    _Advice(
        "AuthFailure",
        "Tencent does not know the key, or its secret is wrong",
        "Look at TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY, else at the stage's key. "
        "A key of the China site works there only, and the other way round.",
    ),
    _Advice("InvalidCredential", "the key has blanks in it", _STORE_AGAIN),
    _Advice("UnreadableCredentials", "it is not a key in the pipeline's form", _STORE_AGAIN),
    _Advice(
        "ssm:ParameterNotFound",
        "the stage has no key yet",
        f"Store one: ses-blocklist init STAGE. Or {_OTHER_KEY}",
    ),
    _Advice(
        "ssm:AccessDenied",
        "you may not read the stage's key",
        f"Ask for ssm:GetParameter on it, or {_OTHER_KEY}",
    ),
    _Advice(
        "UnsupportedRegion",
        "endpoint and region do not belong together",
        "Look at TENCENT_SES_ENDPOINT and TENCENT_SES_REGION.",
    ),
    _Advice(
        "LimitExceeded",
        "the account's list is full",
        "Take entries off it, or ask Tencent for more.",
    ),
)


def explain(error: BlocklistError, *, action: str) -> CliError:
    """Give what a person needs to know about *error*, which *action* met."""
    if isinstance(error, RateLimitedError):
        return TryAgainError(
            f"Tencent asks for fewer requests ({error.code}){_request(error)}.",
            "Somebody else uses up the account's 20 a second. Wait a minute and run the command "
            "again; it goes on from where it stopped.",
        )
    if isinstance(error, ConfigurationError):
        for known in _ADVICE:
            if error.code.startswith(known.code):
                return MendFirstError(
                    f"{action} was refused ({error.code}): {known.meaning}{_request(error)}.",
                    known.do.format(action=action),
                )
    elif isinstance(error, RetryLaterError):
        return TryAgainError(
            f"Tencent gave no usable answer to {action} ({error.code}){_request(error)}.",
            "Run the command again in a minute; it goes on from where it stopped. Is the network, "
            "or a proxy, in the way?",
        )
    return MendFirstError(
        f"{action} was refused ({error.code}){_request(error)}.",
        "Tencent's page on it: https://www.tencentcloud.com/document/product/1084. With the "
        "request id Tencent's support can say more.",
    )


def _request(error: BlocklistError) -> str:
    return f", request {error.request_id}" if error.request_id else ""
