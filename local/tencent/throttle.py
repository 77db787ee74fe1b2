"""The limit on requests: so many of each action in any second, 20 on every blocklist page."""

from collections import defaultdict, deque


class SlidingSecond:
    """Remembers when each action was last admitted. Refused requests do not count."""

    def __init__(self) -> None:
        self._admitted_at: defaultdict[str, deque[float]] = defaultdict(deque)

    def admits(self, action: str, *, at: float, limit: int) -> bool:
        """Say whether one more *action* fits into the second that ends at *at*."""
        recent = self._admitted_at[action]
        while recent and at - recent[0] >= 1:
            recent.popleft()
        if len(recent) >= limit:
            return False
        recent.append(at)
        return True
