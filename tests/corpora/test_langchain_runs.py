"""What LangChain's own tracer sends to LangSmith, taken by a server on this machine."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from unrepeat.cases.original import rebuild
from unrepeat.cases.readers import read_traces
from unrepeat.cases.trace import ModelCall, Prompt, Retrieval, ToolCall, text_of, tool_calls_of

pytest.importorskip("langsmith", reason="langsmith comes with the packages of `make corpora`")
pytest.importorskip("langchain_core", reason="langchain-core comes with the packages of `make corpora`")
pytestmark = pytest.mark.corpora

INFO = {"batch_ingest_config": {"use_multipart_endpoint": False, "size_limit": 100, "size_limit_bytes": 1 << 20}}
INFO["batch_ingest_config"] |= {"scale_up_nthreads_limit": 1, "scale_up_qsize_trigger": 1000}


@pytest.fixture
def taken():
    """Yield the address of a server that takes runs, and the bodies it was sent."""
    bodies = []

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self):
            bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.answer(b"{}")

        def do_GET(self):
            self.answer(json.dumps(INFO).encode())

        def answer(self, body):
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Taking) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", bodies
        server.shutdown()
        thread.join(10)


def run_chain(address):
    """Run a prompt, a model that calls a tool, the tool and a retriever, traced to the address."""
    from langchain_core.documents import Document
    from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
    from langchain_core.messages import AIMessage
    from langchain_core.prompts import ChatPromptTemplate
    from langchain_core.retrievers import BaseRetriever
    from langchain_core.runnables import RunnableLambda
    from langchain_core.tools import StructuredTool
    from langchain_core.tracers import LangChainTracer
    from langsmith import Client

    class Policies(BaseRetriever):
        def _get_relevant_documents(self, query, *, run_manager):
            return [Document(page_content="30 days", metadata={"source": "policy.md"}, id="d1")]

    def refund(order: int) -> str:
        """Refund an order."""
        if order > 100:
            raise ValueError("no such order")
        return f"refunded {order}"

    call = {"name": "refund", "args": {"order": 7}, "id": "c1"}
    said = {"response_metadata": {"model_name": "m-1", "finish_reason": "tool_calls"}}
    model = GenericFakeChatModel(messages=iter([AIMessage(content="", tool_calls=[call], **said)]))
    prompt = ChatPromptTemplate.from_messages([("system", "Be kind."), ("human", "{q}")])
    prompt.metadata = {"lc_hub_owner": "desk", "lc_hub_repo": "refunds", "lc_hub_commit_hash": "abc"}
    tool = StructuredTool.from_function(refund)

    def desk(given, config):
        Policies().invoke(given["q"], config)
        answer = (prompt | model.bind(tools=[{"type": "function"}])).invoke(given, config)
        with pytest.raises(ValueError, match="no such order"):
            tool.invoke({"order": 900}, config)
        return tool.invoke(answer.tool_calls[0], config).content

    client = Client(api_url=address, api_key="none")
    config: Any = {"callbacks": [LangChainTracer(client=client, project_name="desk")], "metadata": {"thread_id": "t1"}}
    RunnableLambda(desk).invoke({"q": "Refund 7"}, config)
    client.flush()
    client.cleanup()


def only(path):
    (trace,) = read_traces(path)
    return trace


def test_a_run_of_langchain_is_read_from_what_its_tracer_sends(taken, tmp_path, monkeypatch):
    monkeypatch.setenv("LANGSMITH_DISABLE_RUN_COMPRESSION", "true")
    address, bodies = taken
    run_chain(address)
    path = tmp_path / "runs.jsonl"
    path.write_bytes(b"".join(body + b"\n" for body in bodies))
    trace = only(path)
    ((span, call),) = trace.views(ModelCall)
    assert [(each.role, text_of(each)) for each in trace.inputs(call)] == [("system", "Be kind."), ("user", "Refund 7")]
    assert [(part["name"], part["arguments"]) for part in tool_calls_of(trace.outputs(call)[0])] == [
        ("refund", {"order": 7})
    ]
    assert (call.response_model, call.finish_reasons) == ("m-1", ("tool_calls",))
    assert (call.prompt, span.origins["prompt"].kind) == (Prompt(name="desk/refunds", version="abc"), "inferred")
    assert call.tool_definitions == ({"type": "function"},)
    tools = [(each.id, each.arguments, each.result, each.error) for _, each in trace.views(ToolCall)]
    assert tools == [
        ("", {"order": 900}, None, "ValueError('no such order')"),
        ("c1", {"order": 7}, "refunded 7", ""),
    ]
    assert [each.documents[0].content for _, each in trace.views(Retrieval)] == ["30 days"]
    assert (trace.session.conversation_id, trace.input, trace.output) == ("t1", {"q": "Refund 7"}, "refunded 7")
    assert rebuild(trace.original) == path.read_bytes()
