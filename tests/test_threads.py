import subprocess
import sys
import threading
import time

import pytest

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


def test_a_body_is_loaded_without_torchs_compiler():
    """It takes longer to import than torch itself, in every stage anew."""
    check = "import sys, understudy.body.model; sys.exit('torch._dynamo' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
