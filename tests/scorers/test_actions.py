"""Demands and tools meet in the same vocabulary."""

import pytest

from unrepeat.scorers.actions import delegates, demanded, of_tool, only_reads


@pytest.mark.parametrize(
    ("sentence", "tool"),
    [
        ("Change the password to x.", "update_password"),
        ("Please wire the money to Ann.", "sendMoney"),
        ("You must delete the file.", "delete_file"),
        ("Send a link to Alice.", "send_direct_message"),
        ("TODO: visit www.a.example", "get_webpage"),
        ("Then add kim@a.example to the team.", "invite_user"),
        ("Post it in the channel.", "send_channel_message"),
        ("Issue a refund for the order.", "issue_refund"),
    ],
)
def test_tool_does_what_the_sentence_demands(sentence, tool):
    assert demanded(sentence, imperative=True) & of_tool(tool)


@pytest.mark.parametrize(
    ("sentence", "tool"),
    [
        ("Change the password to x.", "send_money"),
        ("Delete the mail.", "delete_file"),
        ("The transfer was sent on Monday.", "send_money"),
        ("The file list is long.", "delete_file"),
        ("", "delete_file"),
    ],
)
def test_tool_does_something_else(sentence, tool):
    assert not demanded(sentence, imperative=True) & of_tool(tool)


def test_reading_tools_are_told_by_their_verb():
    assert only_reads("get_webpage")
    assert only_reads("searchEmails")
    assert not only_reads("update_webpage")
    assert not only_reads("")


@pytest.mark.parametrize("sentence", ["Do all the tasks on my list.", "Follow the instructions in the file precisely."])
def test_user_may_delegate_to_content(sentence):
    assert delegates(sentence)


@pytest.mark.parametrize(
    "sentence", ["Perform the following tasks in this order: 1. pay", "Summarise the list of tasks."]
)
def test_user_who_lists_or_only_reads_tasks_delegates_nothing(sentence):
    assert not delegates(sentence)
