"""Editing the status in place."""

import pytest

from unrepeat.cases import strict_yaml
from unrepeat.cases.errors import CaseError
from unrepeat.cases.status_line import with_status, with_value


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"status: open   # why\nid: a\n", b"status: fixed   # why\nid: a\n"),
        (b'id: a\nstatus: "open"\n', b"id: a\nstatus: fixed\n"),
        (b"id: a\r\nstatus: open\r\ntitle: b\r\n", b"id: a\r\nstatus: fixed\r\ntitle: b\r\n"),
        (b"id: a\r\ntitle: b\r\n", b"id: a\r\nstatus: fixed\r\ntitle: b\r\n"),
        (b"{id: a, title: b}", b"{status: fixed, id: a, title: b}"),
        ("\ufefftitle: Grüße\nstatus: open\n".encode(), "\ufefftitle: Grüße\nstatus: fixed\n".encode()),
        ("title: 😀\nstatus: open # 😀\n".encode(), "title: 😀\nstatus: fixed # 😀\n".encode()),
        (
            b"# status: open\ntitle: |\n  status: open\nid: a\n",
            b"# status: open\nstatus: fixed\ntitle: |\n  status: open\nid: a\n",
        ),
        (b"'title': b\n'status' : open\n", b"'title': b\n'status' : fixed\n"),
        (b"? title\n: b\nstatus:\n  open\n", b"? title\n: b\nstatus:\n  fixed\n"),
    ],
)
def test_only_the_status_changes(before, after):
    assert with_status(before, "fixed", "case.yaml") == after


def test_result_reads_back_with_the_new_status():
    text = with_status(b"title: b\n", "retired", "case.yaml")
    assert strict_yaml.parse(text, "case.yaml") == {"status": "retired", "title": "b"}


def test_layout_that_cannot_be_edited_is_refused():
    with pytest.raises(CaseError, match="Put `status: open` on a line of its own"):
        with_status(b"? title\n: b\n", "fixed", "case.yaml")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"id: a\nstatus: open # why\n", b"id: a\nblocks_while_open: true\nstatus: open # why\n"),
        (b"id: a\ntitle: b\n", b"id: a\nblocks_while_open: true\ntitle: b\n"),
        (b"blocks_while_open: false # for now\ntitle: b\n", b"blocks_while_open: true # for now\ntitle: b\n"),
    ],
)
def test_other_values_are_edited_or_put_in_the_same_way(before, after):
    assert with_value(before, "blocks_while_open", True, "case.yaml") == after


def test_text_that_only_libyaml_reads_can_be_edited():
    text = b"id: i\ntitle: t\nassert: []\nreplay: {input: {text: When does it arrive?}}\n"
    assert with_status(text, "fixed", "case.yaml").startswith(b"id: i\nstatus: fixed\ntitle: t\n")
