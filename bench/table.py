"""
DynamoDB's UpdateItem, as far as ours go, in a process of its own: its work is not counted as ours.

It counts what AWS would charge for. Conditions are not looked at: one sandbox alone meets none that
does not hold.
"""

import json
import re
import threading
import zlib
from collections.abc import Mapping
from typing import Any, TypeAlias

from local.tencent.messages import HttpRequest
from local.tencent.server import Connection

#: As DynamoDB writes it down: each value under the letter of its type.
Item: TypeAlias = dict[str, dict[str, Any]]

#: A write takes a unit for each of so many bytes of the item, before or after it, and what is over.
UNIT_BYTES = 1024

_CLAUSE = re.compile(r"(SET|ADD|REMOVE) ([^A-Z]+)")
#: `#0=:0`, `#0=if_not_exists(#0,:0)`, `#0 :0` and `#0`.
_PART = re.compile(r"(#\d+)(?:=(if_not_exists\(#\d+,)?(:\d+)\)?| (:\d+))?")


class Table:
    """Items by their key, and what it took to write them."""

    def __init__(self) -> None:
        self._updates = 0
        self._units = 0
        self._items: dict[str, Item] = {}
        self._lock = threading.Lock()

    def forget(self) -> tuple[int, int, int]:
        """Empty it; give how many updates there were, their units, and the bytes that stood."""
        with self._lock:
            counts = self._updates, self._units, sum(map(_bytes, self._items.values()))
            self._updates = self._units = 0
            self._items.clear()
        return counts

    def answer(self, request: HttpRequest, connection: Connection) -> None:
        """Carry out an update and give the whole item, with the checksum that botocore checks."""
        update = json.loads(request.body)
        with self._lock:
            body = json.dumps({"Attributes": self._update(update)}).encode()
        head = (
            "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\n"
            f"Content-Length: {len(body)}\r\nx-amz-crc32: {zlib.crc32(body)}\r\n\r\n"
        )
        connection.send(head.encode() + body)

    def _update(self, update: Mapping[str, Any]) -> Item:
        names, values = update["ExpressionAttributeNames"], update["ExpressionAttributeValues"]
        item = self._items.setdefault(update["Key"]["pk"]["S"], dict(update["Key"]))
        before = _bytes(item)
        for verb, parts in _CLAUSE.findall(update["UpdateExpression"]):
            for placeholder, once, set_to, added in _PART.findall(parts):
                name = names[placeholder]
                if verb == "REMOVE":
                    item.pop(name, None)
                elif verb == "ADD":
                    item[name] = _sum(item.get(name, {"N": "0"}), values[added])
                elif not once or name not in item:
                    item[name] = values[set_to]
        self._updates += 1
        self._units += -(-max(before, _bytes(item)) // UNIT_BYTES)
        return item


def _sum(one: Mapping[str, str], other: Mapping[str, str]) -> dict[str, Any]:
    return {"N": str(int(one["N"]) + int(other["N"]))}


def _bytes(item: Item) -> int:
    """Give an item's size, about as DynamoDB counts it: names and values, without punctuation."""
    return sum(len(name) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: Mapping[str, Any]) -> int:
    inner = value.get("M")
    if inner is None:
        return len(json.dumps(next(iter(value.values())), ensure_ascii=False).encode()) - 2
    return 3 + sum(1 + len(name) + _value_bytes(entry) for name, entry in inner.items())
