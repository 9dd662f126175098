"""The clock of budgets."""

import math

import pytest

from plnet import budgets
from plnet.budgets import Deadline, TimeIsUpError
from plnet.errors import ConfigError, EngineError


@pytest.fixture
def clock(monkeypatch):
    """A clock that a test sets by hand."""
    times = [0.0]
    monkeypatch.setattr(budgets, "now", lambda: times[0])
    return times


def test_a_deadline_passes_at_its_end_and_not_before(clock):
    deadline = Deadline.start(2)
    clock[0] = 1.5
    deadline.check()
    assert not deadline.passed
    assert deadline.left(0.5) == pytest.approx(0.25)
    clock[0] = 2.0
    assert deadline.passed
    with pytest.raises(TimeIsUpError):
        deadline.check()
    assert deadline.left() > 0, "what is left may be passed on as a budget, and 0 is refused"


def test_without_a_limit_the_time_never_ends(clock):
    deadline = Deadline.start()
    clock[0] = 1e12
    assert not deadline.passed
    assert deadline.left() is None


@pytest.mark.parametrize("wrong", [0, -1.0, math.nan, "3", True, [1]])
def test_a_wrong_budget_is_refused_in_words(wrong):
    with pytest.raises(EngineError, match=r"max_seconds > 0, got .*Leave it out"):
        Deadline.start(wrong)
    with pytest.raises(ConfigError):
        Deadline.start(wrong, ConfigError)
