"""infra/checkov.yml: what is not looked at has its reason."""

import re

from infra.template import ROOT

SKIPPED = re.compile(r"  - (CKV\w+)")


def test_every_skipped_check_has_its_reason_above() -> None:
    """A check that somebody switched off to get on is never looked at again."""
    lines = (ROOT / "infra" / "checkov.yml").read_text().splitlines()
    [start] = [number for number, line in enumerate(lines) if line == "skip-check:"]
    skipped = [
        (before, match[1])
        for before, line in zip(lines[start:], lines[start + 1 :], strict=False)
        if (match := SKIPPED.fullmatch(line))
    ]

    # Two that belong together may share the one above the first.
    bare = [check for before, check in skipped if not before.startswith("  # ")]
    assert len(skipped) > 10
    assert set(bare) <= {"CKV_AWS_21", "CKV_AWS_95"}
