"""
The brake in DynamoDB: how many new blocks each hour and each mail led to.

Blocks are counted before they are done, and taken off again where they were not. So sandboxes that
count at once may hold a few too many, and never together let more through than the limit.
docs/decisions/0016 tells why.
"""

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress

from functions.blocklist.adapters.dynamo_table import DynamoTable, Item, Update
from functions.blocklist.adapters.hashing import KeyedHash
from functions.blocklist.domain.errors import RetryLaterError
from functions.blocklist.domain.terms import DAY_SECONDS
from functions.blocklist.services.ports import Braked

HOURS_KEY, HOUR = "brake#hours", "h:"
MAIL_KEY, MAIL_COUNT = "brake#mail#", "blocks"
HOUR_SECONDS = 3600
WEEK_HOURS, WEEK_SECONDS = 7 * 24, 7 * DAY_SECONDS
#: So many hours may be over a week old before they are swept up.
MAX_STALE_HOURS = 24
#: Hours that one update forgets.
MAX_SWEPT_HOURS = 100


class DynamoBrake:
    """
    Holds new blocks above *per_hour* in an hour, or *times_mean* times last week's hourly mean.

    And those above *per_mail* for one mail, within a week of its first. One object for each batch.
    """

    def __init__(  # noqa: PLR0913 - what it needs is passed, not found
        self,
        table: DynamoTable,
        *,
        hashed: KeyedHash,
        per_hour: int = 500,
        times_mean: int = 10,
        per_mail: int = 200,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._table = table
        self._hashed = hashed
        self._per_hour = per_hour
        self._times_mean = times_mean
        self._per_mail = per_mail
        self._wall_clock = wall_clock
        #: What was counted: recipient -> hour and mail.
        self._counted: dict[str, tuple[int, str]] = {}

    def hold(self, mails: Mapping[str, str], *, before: float, undo_before: float) -> Braked:
        """
        Count new blocks, given as recipient and the mail that led to each; tell whom not to block.

        Each mail is counted by itself, so that one that cannot be, or for which there is no time
        left, keeps nobody else back. What is not to stay counted is taken off *undo_before*.
        """
        hour = int(self._wall_clock() // HOUR_SECONDS)
        try:
            self._hashed.of("")  # without a key nothing is counted
            room = self._room_in_hour(hour, len(mails), before)
        except RetryLaterError as error:
            return Braked(uncounted=dict.fromkeys(mails, error))
        passed = list(mails)[:room]
        rooms = self._rooms_for_mails(
            Counter(mails[name] for name in passed if mails[name]), before
        )
        held, held_by_mail = list(mails)[room:], Counter[str]()
        uncounted: dict[str, RetryLaterError] = {}
        for recipient in passed:
            mail = mails[recipient]
            left = rooms[mail] if mail else 1
            if isinstance(left, RetryLaterError):
                uncounted[recipient] = left
                continue
            if not left:
                held.append(recipient)
                held_by_mail[mail] += 1
                continue
            rooms[mail] = left - 1
            self._counted[recipient] = (hour, mail)
        self._take_off({hour: len(held) + len(uncounted)}, held_by_mail, undo_before)
        return Braked(held, uncounted)

    def give_back(self, recipients: Collection[str], *, before: float) -> None:
        """Take off the count those that were let through and not blocked; what fails, stays."""
        counted = [self._counted.pop(name) for name in recipients if name in self._counted]
        hours = Counter(hour for hour, _ in counted)
        self._take_off(hours, Counter(mail for _, mail in counted if mail), before)

    def _room_in_hour(self, hour: int, number: int, before: float) -> int:
        """Count *number* new blocks and tell how many of them the hour had room for."""
        item = self._table.update(self._counting_hour(hour, number), before=before)
        self._sweep(item, hour, before)
        counts = _hours(item)
        last_week = sum(n for past, n in counts.items() if hour - WEEK_HOURS <= past < hour)
        limit = max(self._per_hour, self._times_mean * last_week // WEEK_HOURS)
        return _room(limit, counts[hour], number)

    def _rooms_for_mails(
        self, numbers: Mapping[str, int], before: float
    ) -> dict[str, int | RetryLaterError]:
        """
        Count new blocks by mail and tell for how many of each there was room.

        One that could not be counted may have been all the same, and stays so.
        """
        return dict(
            self._table.each(lambda mail: self._room_for_mail(mail, numbers[mail], before), numbers)
        )

    def _room_for_mail(self, mail: str, number: int, before: float) -> int:
        item = self._table.update(self._counting_mail(mail, number), before=before)
        return _room(self._per_mail, int(item[MAIL_COUNT]["N"]), number)

    def _take_off(self, hours: Mapping[int, int], mails: Mapping[str, int], before: float) -> None:
        """Count less; what cannot be taken off stays counted, and so more is held."""
        updates = [self._counting_hour(hour, -number) for hour, number in hours.items() if number]
        updates += [self._counting_mail(mail, -number) for mail, number in mails.items()]
        by_key = {update.key: update for update in updates}
        self._table.each(lambda key: self._table.update(by_key[key], before=before), by_key)

    def _counting_hour(self, hour: int, number: int) -> Update:
        update = Update(HOURS_KEY)
        update.add(f"{HOUR}{hour}", {"N": str(number)})
        update.set("expires_at", self._in_a_week())
        return update

    def _counting_mail(self, mail: str, number: int) -> Update:
        update = Update(MAIL_KEY + self._hashed.of(mail))
        update.add(MAIL_COUNT, {"N": str(number)})
        update.set_once("expires_at", self._in_a_week())
        return update

    def _in_a_week(self) -> Mapping[str, str]:
        return {"N": str(int(self._wall_clock()) + WEEK_SECONDS)}

    def _sweep(self, item: Item, hour: int, before: float) -> None:
        """Forget, now and then, the hours that no mean is made of any more."""
        stale = [past for past in _hours(item) if past < hour - WEEK_HOURS]
        if len(stale) <= MAX_STALE_HOURS:
            return
        update = Update(HOURS_KEY)
        update.set("expires_at", self._in_a_week())
        for past in sorted(stale)[:MAX_SWEPT_HOURS]:
            update.remove(f"{HOUR}{past}")
        with suppress(RetryLaterError):
            self._table.update(update, before=before)


def _hours(item: Item) -> Mapping[int, int]:
    """Give the count of each hour."""
    return {
        int(name.removeprefix(HOUR)): int(value["N"])
        for name, value in item.items()
        if name.startswith(HOUR)
    }


def _room(limit: int, count: int, number: int) -> int:
    """Tell for how many of *number*, which are the last of *count*, the *limit* has room."""
    return min(number, max(0, limit - (count - number)))
