"""
Which messages a function's answer leaves on the queue.

"Success and failure conditions" in
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
"""

import json
from collections.abc import Collection


def failed_ids(answer: bytes, batch_ids: Collection[str]) -> frozenset[str]:
    """
    Return those of *batch_ids* that stay, by what a function answered that reports item failures.

    An answer that AWS does not accept fails the whole batch. So does one that its page does not
    list, such as a bare string: here a mistake has to show, not to delete.
    """
    everything = frozenset(batch_ids)
    try:
        parsed = json.loads(answer or b"null")
    except ValueError:
        return everything
    if parsed is None or parsed == {}:
        return frozenset()
    if not isinstance(parsed, dict) or "batchItemFailures" not in parsed:
        return everything
    return _reported(parsed["batchItemFailures"], everything)


def _reported(failures: object, everything: frozenset[str]) -> frozenset[str]:
    if failures is None:
        return frozenset()
    if not isinstance(failures, list):
        return everything
    ids = {_identifier(failure) for failure in failures}
    return frozenset(id_ for id_ in ids if id_ is not None) if ids <= everything else everything


def _identifier(failure: object) -> str | None:
    """Return the id that *failure* names; None, which no message has, for any other shape."""
    identifier = failure.get("itemIdentifier") if isinstance(failure, dict) else None
    return identifier if isinstance(identifier, str) else None
