"""
The six blocklist actions: parameters, limits and business errors as their pages state them.

Create, List, Update and Delete of the custom list: https://cloud.tencent.com/document/api/1288/
107854, 107852, 107851, 107853; the automatic list: .../51031, 51032.
Mind the case: `Blacklist` in Create and ListCustomBlacklist, `BlackList` everywhere else.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from local.tencent.blocklists import Blocklists, CustomEntry, Rules, Verdict
from local.tencent.messages import ApiError
from local.tencent.parameters import (
    Params,
    Response,
    check_parameters,
    page,
    read_date,
    read_expiry,
    wrong_date,
)

_EXPIRED, _ACTIVE, _ALL = 0, 1, 2


def perform(action: str, params: object, *, lists: Blocklists, rules: Rules) -> Response:
    """
    Carry out one action on *lists* and return its response, without RequestId.

    Raises:
        ApiError: It is refused; nothing has changed.
    """
    if not isinstance(params, dict):
        raise ApiError("InvalidRequest", "The request body is not a JSON object.")
    known = ACTIONS[action]
    given = {name: value for name, value in params.items() if value is not None}
    check_parameters(given, required=known.required, optional=known.optional)
    return known.perform(given, lists, rules)


def _create(params: Params, lists: Blocklists, rules: Rules) -> Response:
    emails = params.get("Emails")
    if not emails:
        raise ApiError(
            "MissingParameter.EmailsNecessary", "The recipient email address is required."
        )
    if len(emails) > rules.max_emails_per_request:
        raise ApiError(
            "LimitExceeded.ReceiverDetailRequestLimit",
            "The number of recipient addresses requested exceeds the limit.",
        )
    expires_on = read_expiry(params.get("ExpireDate"), rules)
    counts = Counter(lists.add(email, expires_on, rules) for email in emails)
    return {"TotalCount": len(emails), **{verdict.value: counts[verdict] for verdict in Verdict}}


def _update(params: Params, lists: Blocklists, rules: Rules) -> Response:
    email = params["Email"]
    if rules.fault_of(email):
        raise ApiError("InvalidParameterValue.IllegalEmailAddress", "The email address is illegal.")
    expires_on = read_expiry(params.get("ExpireDate") or None, rules)
    entries = {entry.id: entry for entry in lists.custom.values()}
    entry = entries.get(params["Id"])
    taken = lists.custom.get(email, entry) != entry
    if entry is None or taken:  # neither case has an error of its own on the page
        raise ApiError("InternalError", "An internal error occurred.")
    updated = replace(entry, email=email, expires_on=expires_on)
    entries[entry.id] = updated
    lists.custom = {entry.email: entry for entry in entries.values()}
    return {}


def _list(params: Params, lists: Blocklists, rules: Rules) -> Response:
    status, wanted, today = params["Status"], params.get("Email"), rules.now.date()
    if status not in {_EXPIRED, _ACTIVE, _ALL}:
        raise ApiError("InvalidParameterValue", "Status must be 0, 1 or 2.")
    entries = [
        entry
        for entry in reversed(lists.custom.values())
        if wanted in {None, entry.email} and status in {_ALL, int(entry.is_active(today))}
    ]
    rows = [_custom_row(entry, today) for entry in page(entries, params)]
    return {"TotalCount": len(entries), "Data": rows}


def _custom_row(entry: CustomEntry, today: date) -> Response:
    return {
        "Id": entry.id,
        "Email": entry.email,
        "CreateTime": f"{entry.created_at:%Y-%m-%d %H:%M:%S}",
        "ExpireDate": entry.expires_on.isoformat() if entry.expires_on else "",
        "Status": int(entry.is_active(today)),
    }


def _delete(params: Params, lists: Blocklists, _rules: Rules) -> Response:
    for email in params["Emails"]:
        lists.custom.pop(email, None)
    return {}


def _list_automatic(params: Params, lists: Blocklists, _rules: Rules) -> Response:
    first, last = read_date(params["StartDate"]), read_date(params["EndDate"])
    if first > last:
        raise wrong_date()
    wanted = params.get("EmailAddress")
    rows: list[Response] = [
        {
            "BounceTime": f"{bounced.bounced_at:%Y-%m-%d %H:%M:%S}",
            "EmailAddress": bounced.email,
            "IspDesc": bounced.reason,
        }
        for bounced in reversed(lists.automatic.values())
        if first <= bounced.bounced_at.date() <= last and wanted in {None, bounced.email}
    ]
    return {"TotalCount": len(rows), "BlackList": page(rows, params)}


def _delete_automatic(params: Params, lists: Blocklists, _rules: Rules) -> Response:
    emails = params["EmailAddressList"]
    if not emails:
        raise ApiError("InvalidParameterValue", "EmailAddressList must hold at least 1 address.")
    for email in emails:
        lists.automatic.pop(email, None)
    return {}


@dataclass(frozen=True, slots=True)
class _Action:
    perform: Callable[[Params, Blocklists, Rules], Response]
    required: Mapping[str, type] = field(default_factory=dict)
    optional: Mapping[str, type] = field(default_factory=dict)


#: Emails of CreateCustomBlacklist is required too, but its absence has a code of its own.
ACTIONS: Mapping[str, _Action] = {
    "CreateCustomBlacklist": _Action(_create, optional={"Emails": list, "ExpireDate": str}),
    "UpdateCustomBlackList": _Action(
        _update, required={"Id": int, "Email": str}, optional={"ExpireDate": str}
    ),
    "ListCustomBlacklist": _Action(
        _list, required={"Offset": int, "Limit": int, "Status": int}, optional={"Email": str}
    ),
    "DeleteCustomBlackList": _Action(_delete, required={"Emails": list}),
    "ListBlackEmailAddress": _Action(
        _list_automatic,
        required={"StartDate": str, "EndDate": str, "Limit": int, "Offset": int},
        optional={"EmailAddress": str, "TaskID": str},
    ),
    "DeleteBlackList": _Action(_delete_automatic, required={"EmailAddressList": list}),
}
