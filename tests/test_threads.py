import threading
import time

import numba
import pytest

from understudy.render.jit import threads
from understudy.threads import side_by_side


def test_results_come_in_the_order_of_the_items_however_long_each_takes():
    def work(item):
        time.sleep(0.002 * (item % 3))
        return item * item

    assert list(side_by_side(work, range(20), 4)) == [item * item for item in range(20)]
    assert list(side_by_side(work, [], 4)) == []


def test_few_results_wait_for_whoever_takes_them():
    begun = []
    results = side_by_side(begun.append, range(1000), 2)
    next(results)
    time.sleep(0.05)
    assert len(begun) <= 6


def test_as_many_are_worked_on_at_once_as_there_are_threads():
    meeting = threading.Barrier(3, timeout=10)  # broken where fewer than three come
    assert len(list(side_by_side(lambda _: meeting.wait(), range(3), 3))) == 3


def test_the_first_failure_is_raised_where_its_result_should_come():
    results = side_by_side(lambda item: 1 // (3 - item), range(10), 2)
    assert [next(results) for _ in range(3)] == [0, 0, 1]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_after_a_failure_nothing_more_is_begun():
    begun, failing = [], threading.Event()

    def work(item):
        begun.append(item)
        if item == 0:
            failing.set()
            raise ValueError("broken")
        failing.wait(10)
        time.sleep(0.05)

    with pytest.raises(ValueError, match="broken"):
        list(side_by_side(work, range(100), 2))
    assert len(begun) <= 3


def test_numba_has_as_many_threads_in_a_worker_as_in_its_caller():
    with threads(1):
        assert list(side_by_side(lambda _: numba.get_num_threads(), range(4), 2)) == [1] * 4
