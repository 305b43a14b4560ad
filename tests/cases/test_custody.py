"""The custody log: any single edit is noticed."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unrepeat.cases import custody
from unrepeat.cases.errors import EvidenceError

from .case_samples import ACT, NOON


def chain(length=3):
    log = b""
    for number in range(length):
        log = custody.append(
            log, "noted", ACT, before={}, after={"n": str(number)}, details={"text": "Zürich", "x": 1.5}
        )
    return log


LOG = chain()
LINES = LOG.splitlines(keepends=True)


def test_chain_that_was_left_alone_holds():
    entries, problems = custody.read(LOG)
    assert (len(entries), problems) == (3, [])
    assert entries[1].previous == entries[0].hash
    assert entries[0].at == "2026-03-01T12:00:00Z"


@given(st.integers(0, len(LOG) - 1), st.integers(0, 255))
def test_any_changed_byte_is_noticed(position, byte):
    edited = LOG[:position] + bytes([byte]) + LOG[position + 1 :]
    assert bool(custody.read(edited)[1]) == (edited != LOG)


@given(st.integers(0, len(LOG)), st.binary(min_size=1, max_size=4))
def test_any_insertion_is_noticed(position, extra):
    assert custody.read(LOG[:position] + extra + LOG[position:])[1]


@given(st.integers(0, len(LOG) - 1), st.integers(1, 20))
def test_any_deletion_is_noticed(position, length):
    assert custody.read(LOG[:position] + LOG[position + length :])[1]


@pytest.mark.parametrize("order", [(1, 2), (0, 2), (1, 0, 2), (0, 2, 1), (0, 0, 1, 2), (0, 1, 1, 2), (2,)])
def test_removed_moved_or_repeated_entries_are_noticed(order):
    assert custody.read(b"".join(LINES[index] for index in order))[1]


def test_cut_off_end_is_caught_by_the_head_digest_only():
    shorter = b"".join(LINES[:2])
    assert custody.read(shorter)[1] == []
    assert custody.head(shorter) != custody.head(LOG)


def test_key_twice_is_noticed():
    edited = LOG.replace(b'{"seq":1,', b'{"seq":1,"who":"Mallory",', 1)
    assert [each.line for each in custody.read(edited)[1]] == [1]


def test_broken_log_takes_no_more_entries():
    with pytest.raises(EvidenceError, match=r"custody.jsonl:2: expected an unbroken custody log"):
        custody.append(LINES[0] + LINES[2], "noted", ACT, before={}, after={})


def test_time_without_zone_is_refused():
    act = custody.Act("Ada", dt.datetime(2026, 3, 1), "unrepeat 0.1.0")  # noqa: DTZ001 - that is the point
    with pytest.raises(EvidenceError, match="a time with its zone"):
        custody.append(b"", "noted", act, before={}, after={})


def test_times_are_stored_in_utc():
    zone = dt.timezone(dt.timedelta(hours=2))
    assert custody.utc(NOON.astimezone(zone)) == "2026-03-01T12:00:00Z"


def test_empty_log_has_the_genesis_head():
    assert custody.head(b"") == custody.GENESIS
