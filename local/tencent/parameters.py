"""Parameters and pages of results, as the pages of all six actions want them."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from local.tencent.blocklists import Rules
from local.tencent.messages import ApiError

Params = Mapping[str, Any]
Response = dict[str, object]
_Row = TypeVar("_Row")

_MAX_LIMIT = 100


def check_parameters(
    given: Params, *, required: Mapping[str, type], optional: Mapping[str, type]
) -> None:
    """Refuse names that are unknown or missing, and values of another type; lists are of texts."""
    types = {**required, **optional}
    if unknown := given.keys() - types.keys():
        raise ApiError("UnknownParameter", f"The parameter `{min(unknown)}` is not recognized.")
    if missing := required.keys() - given.keys():
        raise ApiError("MissingParameter", f"The parameter `{min(missing)}` is missing.")
    for name, value in given.items():
        texts = value if isinstance(value, list) else []
        if type(value) is not types[name] or not all(isinstance(text, str) for text in texts):
            raise ApiError("InvalidParameter", f"The parameter `{name}` has a wrong type.")


def page(rows: list[_Row], params: Params) -> list[_Row]:
    """Return the part of *rows* that Offset and Limit ask for."""
    offset, limit = params["Offset"], params["Limit"]
    if not 0 < limit <= _MAX_LIMIT:
        raise ApiError("FailedOperation.InvalidLimit", "The maximum value of Limit is 100.")
    if offset < 0:
        raise ApiError("InvalidParameterValue", "Offset must not be negative.")
    return rows[offset : offset + limit]


def read_expiry(written: str | None, rules: Rules) -> date | None:
    """Read an ExpireDate: tomorrow in Shanghai, or later."""
    if written is None:
        return None
    expires_on = read_date(written)
    if expires_on < rules.now.date() + timedelta(days=1):
        raise wrong_date()
    return expires_on


def read_date(written: str) -> date:
    """Read YYYY-MM-DD and nothing else."""
    try:
        read = datetime.strptime(written, "%Y-%m-%d").date()  # noqa: DTZ007 - a date has no zone
    except ValueError:
        raise wrong_date() from None
    if written != read.isoformat():  # 2026-1-5
        raise wrong_date()
    return read


def wrong_date() -> ApiError:
    """Make the error that all wrong dates share."""
    return ApiError(
        "InvalidParameterValue.WrongDate",
        "Incorrect search date. Make sure the date and its format are valid.",
    )
