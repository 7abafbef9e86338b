"""What a worker does again and again."""

import pytest

from project.worker.upkeep.chores import RETRY_SECONDS, Chores


class Chore:
    """Counts its calls; wants to be called again after ``pause``, or fails when it is None."""

    def __init__(self, pause: float | None) -> None:
        self.pause = pause
        self.calls = 0

    def work(self) -> float:
        self.calls += 1
        if self.pause is None:
            raise OSError("away")
        return self.pause


def test_each_is_called_at_its_own_pace() -> None:
    often, seldom = Chore(0.0), Chore(60.0)
    chores = Chores(often.work, seldom.work)

    pauses = [chores.do_due() for _ in range(3)]

    assert (often.calls, seldom.calls) == (3, 1)
    assert pauses == [0.0, 0.0, 0.0]


def test_the_next_round_is_when_the_first_is_due() -> None:
    chores = Chores(Chore(60.0).work, Chore(30.0).work)

    assert chores.do_due() == pytest.approx(30.0, abs=5.0)


def test_one_that_fails_does_not_hold_up_the_others() -> None:
    failing, other = Chore(None), Chore(60.0)
    chores = Chores(failing.work, other.work)
    with pytest.raises(OSError, match="away"):
        chores.do_due()

    pause = chores.do_due()

    assert (failing.calls, other.calls) == (1, 1)
    assert pause <= RETRY_SECONDS
