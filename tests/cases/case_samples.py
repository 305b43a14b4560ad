"""Small cases to write, read and break."""

import datetime as dt
import os
import signal
import sys

from unrepeat.cases import library
from unrepeat.cases.custody import Act
from unrepeat.cases.trace import Message, ModelCall, Source, Span, ToolCall, Trace, TraceDocument

NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
ACT = Act("Ada <ada@example.org>", NOON, "unrepeat 0.1.0", "testing")
CASE = """\
# what happened on Sunday
id: INC-1   # as in the ticket
title: Refund to a stranger
assert:
  - {type: not-contains, value: refunded}
# the end
"""


def document(answer="I refunded it."):
    messages = (
        Message(role="user", parts=({"type": "text", "content": "Refund ord_993"},)),
        Message(role="assistant", parts=({"type": "text", "content": answer},)),
    )
    spans = (
        Span(span_id="s1", view=ModelCall(input=(0,), output=(1,))),
        Span(span_id="s2", view=ToolCall(name="issue_refund", arguments={"order_id": "ord_993"}, result="ok")),
    )
    source = Source(format="chat", file="chat.json")
    trace = Trace(trace_id="t1", source=source, spans=spans, messages=messages, input="Refund ord_993", output=answer)
    return TraceDocument(traces=(trace,))


def create(incidents, text=CASE, files=None, case_id="inc-1"):
    files = {"chat.json": b"[]\n"} if files is None else files
    return library.create(incidents / case_id, text, document(), files, ACT)


def in_child(action):
    """Run a function in a forked process and return its exit status (negative: the signal that killed it)."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            action()
            status = 0
        except Exception as error:
            print(error, file=sys.stderr)
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def killed_at(step, action):
    """Run a function in a child that is killed with SIGKILL at its n-th call to the file system.

    Returns:
        Whether it was killed; False when the function ended before.
    """

    def run():
        seen = 0

        def count(event, _):
            nonlocal seen
            if event in ("open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "shutil.rmtree"):
                seen += 1
                if seen == step:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        action()

    status = in_child(run)
    assert status in (0, -signal.SIGKILL)
    return status != 0
