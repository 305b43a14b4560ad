"""LangChain's structured output and embeddings."""

from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel


class Decision(BaseModel):
    """What to do about an order."""

    order_id: str
    refund: bool
    reason: str


model = ChatOpenAI(model="gpt-4.1-mini", temperature=0.2).with_structured_output(Decision)
asked = [("system", "You answer customers of the shop."), ("user", "Order A-18 is lost. Refund it?")]
print(model.invoke(asked))
embeddings = OpenAIEmbeddings(model="text-embedding-3-small", check_embedding_ctx_length=False)
print(embeddings.embed_query("lost parcel"))
