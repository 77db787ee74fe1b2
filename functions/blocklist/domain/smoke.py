"""
The recipient of the smoke test that follows a deployment (`make smoke`): nobody.

Names below `.invalid` never exist (RFC 2606), so blocking it would block nobody either.
"""

from functions.blocklist.domain.events import DeliveryEvent

SMOKE_RECIPIENT = "smoke@ses-blocklist.invalid"


def is_smoke(event: DeliveryEvent) -> bool:
    """Tell whether *event* only asks whether the pipeline works."""
    return event.recipient == SMOKE_RECIPIENT
