"""Alignment of lists of unequal length, for explanations."""

from hypothesis import given
from hypothesis import strategies as st

from unrepeat.replayers.alignment import REACH, differing

ITEMS = st.lists(st.integers(0, 5), max_size=60)


def test_inserted_item_is_the_only_difference():
    assert list(differing([1, 2, 3], [1, 9, 2, 3])) == [(None, 1)]


def test_removed_item_is_the_only_difference():
    assert list(differing([1, 2, 3], [2, 3])) == [(0, None)]


def test_changed_item_keeps_its_place():
    assert list(differing([1, 2, 3, 4], [1, 9, 3, 4, 5])) == [(1, 1), (None, 4)]


def test_insertion_longer_than_the_reach_is_found_from_the_end():
    new = [1, *range(100, 100 + 3 * REACH), 2]
    assert list(differing([1, 2], new)) == [(None, index) for index in range(1, 3 * REACH + 1)]


def test_nothing_in_common_pairs_items_in_order():
    assert list(differing([1, 2, 3], [4, 5])) == [(0, 0), (1, 1), (2, None)]


@given(ITEMS, ITEMS)
def test_the_rest_of_both_lists_is_equal(old, new):
    pairs = list(differing(old, new))
    gone, come = {at for at, _ in pairs}, {to for _, to in pairs}
    kept = [item for index, item in enumerate(old) if index not in gone]
    assert kept == [item for index, item in enumerate(new) if index not in come]


@given(ITEMS, ITEMS)
def test_changed_items_differ(old, new):
    assert all(old[at] != new[to] for at, to in differing(old, new) if at is not None and to is not None)
