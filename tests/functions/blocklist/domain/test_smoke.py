"""The smoke test's recipient."""

import pytest

from functions.blocklist.domain.events import DeliveryEvent, EventKind
from functions.blocklist.domain.smoke import is_smoke


@pytest.mark.parametrize(
    ("recipient", "smoke"),
    [
        ("smoke@ses-blocklist.invalid", True),
        ("smoke@ses-blocklist.invalid.example.com", False),
        ("other@ses-blocklist.invalid", False),
    ],
)
def test_only_its_own_recipient_is_the_smoke_tests(recipient: str, *, smoke: bool) -> None:
    """Everybody else's event is somebody's mail."""
    assert is_smoke(DeliveryEvent(EventKind.HARD_BOUNCE, recipient)) is smoke
