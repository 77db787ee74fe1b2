"""What the double has been told to do wrong, and to which calls."""

from collections.abc import Callable
from dataclasses import dataclass, field

from local.tencent.calls import Emails
from local.tencent.faults import NONE, Fault


@dataclass(slots=True)
class _Planned:
    fault: Fault
    times: float
    action: str | None
    emails: Callable[[Emails], bool] | None

    def suits(self, action: str, emails: Emails) -> bool:
        return self.action in {None, action} and (self.emails is None or self.emails(emails))


@dataclass(slots=True)
class Script:
    """Faults in the order they were asked for; each meets the first calls that suit it."""

    _planned: list[_Planned] = field(default_factory=list)

    def add(
        self,
        fault: Fault,
        *,
        times: float,
        action: str | None,
        emails: Callable[[Emails], bool] | None,
    ) -> None:
        """Plan *fault* for the next *times* calls that suit."""
        self._planned.append(_Planned(fault, times, action, emails))

    def take(self, action: str, emails: Emails) -> Fault:
        """Return the fault that is due for this call and strike it off."""
        for planned in self._planned:
            if planned.suits(action, emails):
                planned.times -= 1
                if planned.times <= 0:
                    self._planned.remove(planned)
                return planned.fault
        return NONE

    def clear(self) -> None:
        """Forget everything planned."""
        self._planned.clear()
