"""
Run the model for long: `make soak MINUTES=30`.

Other examples every time, longer than in the tests. Says how many it ran; an example that fails is
shrunk and printed, with what repeats it.
"""

import argparse
import sys
import time
from collections.abc import Sequence

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import MailModel
from tests.model.test_model import PROFILES

#: After so many, look at the clock.
EXAMPLES_A_ROUND = 50


class CountedModel(MailModel):
    """Counts the examples that came to their end."""

    examples = 0

    def teardown(self) -> None:
        """Drain, as ever, and count."""
        super().teardown()
        type(self).examples += 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until the time is over, to the end of a round; the first failure raises."""
    parser = argparse.ArgumentParser(prog="soak", description="Try to lose mail.")
    parser.add_argument("--minutes", type=float, default=30.0)
    end = time.monotonic() + 60 * parser.parse_args(arguments).minutes
    a_round = settings(PROFILES["soak"], max_examples=EXAMPLES_A_ROUND, database=None)
    try:
        while time.monotonic() < end:
            run_state_machine_as_test(CountedModel, settings=a_round)
    finally:
        steps = PROFILES["soak"].stateful_step_count
        print(f"{CountedModel.examples:,} examples of up to {steps} steps")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
