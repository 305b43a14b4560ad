"""Working on several things at a time: order, errors, how many."""

from __future__ import annotations

import threading

import pytest

from unrepeat.harness.parallel import in_parallel, processors


def test_results_come_in_the_order_of_the_items():
    later = threading.Event()

    def work(number):
        if number == 0:
            assert later.wait(10)
        later.set()
        return number * 2

    assert in_parallel(work, range(5), most=2) == [0, 2, 4, 6, 8]


def test_no_more_than_asked_for_are_at_work():
    at_work, seen, lock = [], [], threading.Lock()

    def work(number):
        with lock:
            at_work.append(number)
            seen.append(len(at_work))
        threading.Event().wait(0.01)
        with lock:
            at_work.remove(number)

    in_parallel(work, range(12), most=3)
    assert max(seen) <= 3


@pytest.mark.parametrize("most", [1, 4])
def test_error_is_raised_and_what_has_not_begun_is_not_begun(most):
    begun = []

    def work(number):
        begun.append(number)
        if number == 1:
            raise ValueError("one")
        threading.Event().wait(0.02)

    with pytest.raises(ValueError, match="one"):
        in_parallel(work, range(100), most=most)
    assert len(begun) < 100


def test_one_item_is_worked_on_in_this_thread():
    assert in_parallel(lambda _: threading.current_thread(), [0]) == [threading.current_thread()]


def test_nothing_gives_nothing():
    assert in_parallel(str, []) == []


def test_there_is_a_processor():
    assert processors() >= 1
