import pytest

from understudy.evenly import evenly


@pytest.mark.parametrize(
    ("count", "most", "chosen"),
    [(10, 4, [0, 3, 6, 9]), (3, 8, [0, 1, 2]), (5, 5, [0, 1, 2, 3, 4]), (7, 1, [0]), (0, 4, []), (4, 0, [])],
)
def test_a_few_of_many_are_evenly_spread_from_first_to_last(count, most, chosen):
    assert evenly(count, most).tolist() == chosen


@pytest.mark.parametrize("count", range(1, 60))
def test_as_many_as_may_be_are_chosen_and_none_twice(count):
    assert all(len(set(evenly(count, most).tolist())) == min(count, most) for most in range(1, 60))
