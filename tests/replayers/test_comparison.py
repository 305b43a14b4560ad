"""When a live answer counts as the recorded one."""

from __future__ import annotations

import pytest

from unrepeat.replayers.comparison import answers_equal


@pytest.mark.parametrize("form", ["exact", "json", "yaml"])
def test_equal_answers_are_equal_in_every_form(form):
    assert answers_equal({"paid": [10, "EUR"]}, {"paid": [10, "EUR"]}, form)


@pytest.mark.parametrize(
    ("recorded", "replayed", "form"),
    [
        ('{"a": 1, "b": 2}', '{"b":2,"a":1}', "json"),
        ("- name: 'Ada'\n  amount: 1.0", '- amount: 1\n  name: "Ada"', "yaml"),
        ("a long\n  sentence", "a long sentence", "yaml"),
    ],
)
def test_layout_does_not_count_in_the_forms_that_say_so(recorded, replayed, form):
    assert answers_equal(recorded, replayed, form)
    assert not answers_equal(recorded, replayed, "exact")


@pytest.mark.parametrize("form", ["exact", "json", "yaml"])
@pytest.mark.parametrize(
    ("recorded", "replayed"),
    [
        ("amount: 10", "amount: 100"),
        ("1", "true"),
        (1, True),
        ("recipient: a\nrecipient: b", "recipient: b"),
        ("amount: 10 # of 100", "amount: 10"),
        ("active: yes", "active: true"),
        ("at: 12:30", "at: 750"),
        (["a", "b"], ["b", "a"]),
        (None, ""),
    ],
)
def test_values_always_count(recorded, replayed, form):
    assert not answers_equal(recorded, replayed, form)


def test_text_that_is_no_yaml_is_compared_as_text():
    assert not answers_equal("{unclosed: [", "{unclosed: [ more", "yaml")
