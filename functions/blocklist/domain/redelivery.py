"""How long a message waits before it is tried again."""

#: Long enough for an outage, short enough that a repair shows within a quarter of an hour.
MAX_WAIT_SECONDS = 900


def wait_seconds(receive_count: int, *, first: float, spread: float) -> int:
    """
    Give the visibility timeout in whole seconds after the *receive_count*-th receive.

    Doubles from *first* to 900 s. *spread*, from 1 to 1.25, keeps messages that failed together
    from coming back together.
    """
    doublings = min(max(receive_count, 1) - 1, 30)  # 2^30 s is past any cap
    return round(min(first * 2.0**doublings, MAX_WAIT_SECONDS) * spread)
