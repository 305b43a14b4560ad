"""Field descriptions in JSON Schemas, from the docstrings below the fields.

pydantic can do this too (``use_attribute_docstrings``), but reads the source of every model at import, which takes
a quarter of the start-up of a command; a schema is asked for once in a while.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from functools import cache
from itertools import pairwise
from typing import Any

from pydantic import BaseModel, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue


class Described(BaseModel):
    """Base of models whose fields are described by the docstrings below them."""

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: Any, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Add the descriptions when a schema is made."""
        schema = handler(core_schema)
        properties = handler.resolve_ref_schema(schema).get("properties", {})
        described = docs_of(cls)
        for name, field in cls.model_fields.items():
            target = properties.get(field.alias or name)
            if target is not None and name in described:
                target.setdefault("description", described[name])
        return schema


@cache
def docs_of(model: type[BaseModel]) -> dict[str, str]:
    """Return the docstring below each field of a model, inherited fields included."""
    found: dict[str, str] = {}
    for each in reversed(model.__mro__):
        if issubclass(each, BaseModel) and each is not BaseModel:
            found.update(_own_docs(each))
    return found


def _own_docs(model: type[BaseModel]) -> dict[str, str]:
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(model))).body
    statements = body.body if isinstance(body, ast.ClassDef) else []
    found = {}
    for field, below in pairwise(statements):
        if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
            continue
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) and isinstance(below.value.value, str):
            found[field.target.id] = inspect.cleandoc(below.value.value)
    return found
