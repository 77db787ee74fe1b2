"""No more than so many requests for one action in any second, wherever it begins."""

from local.tencent.throttle import SlidingSecond


def test_second_slides() -> None:
    """Twenty at the end of one second and twenty at the start of the next are forty in one."""
    window = SlidingSecond()

    admitted = [window.admits("Create", at=at, limit=2) for at in (0.75, 0.75, 1, 1.5, 1.75, 1.75)]

    assert admitted == [True, True, False, False, True, True]


def test_second_ends_after_a_second() -> None:
    window = SlidingSecond()

    assert window.admits("Create", at=0, limit=1)
    assert not window.admits("Create", at=0.999, limit=1)
    assert window.admits("Create", at=1, limit=1)


def test_actions_do_not_count_for_each_other() -> None:
    window = SlidingSecond()

    assert window.admits("Create", at=0, limit=1)
    assert window.admits("Delete", at=0, limit=1)
