"""What came from outside: the files in `tests/events/`."""

import json
from pathlib import Path
from typing import Any

_EVENTS = Path(__file__).parent / "events"


def payload(name: str) -> bytes:
    return (_EVENTS / name).read_bytes()


def json_payload(name: str) -> Any:  # noqa: ANN401 - whatever the file holds
    return json.loads(payload(name))
