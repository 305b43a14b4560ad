"""Each layer imports only those to its left: cases <- replayers <- scorers <- reports <- harness."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LAYERS = ("cases", "replayers", "scorers", "reports", "harness")


def imported_names(tree: ast.AST, module: tuple[str, ...], *, is_package: bool) -> Iterator[tuple[int, str, bool]]:
    """Yields line, absolute dotted name and whether it was written relatively, for every import."""
    package = module if is_package else module[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name, False) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            prefix = [*base, *(node.module.split(".") if node.module else [])]
            # `from .. import cases` names the layer in the alias, `from ..cases import trace` in the module.
            yield from ((node.lineno, ".".join([*prefix, a.name]), node.level > 0) for a in node.names)


def faults(source: str, file: str) -> list[str]:
    """Names every import that goes right, or that reaches a layer otherwise than relatively."""
    path = Path(file)
    layer = path.parts[0]
    module = ("unrepeat", *path.with_suffix("").parts)
    is_package = path.name == "__init__.py"
    found = []
    for line, name, relative in imported_names(
        ast.parse(source), module[:-1] if is_package else module, is_package=is_package
    ):
        root, *rest = name.split(".")
        if root in LAYERS or (root == "unrepeat" and not relative):
            found.append(f"{file}:{line}: expected a relative import, got {name}")
        elif root == "unrepeat" and rest and rest[0] not in LAYERS[: LAYERS.index(layer) + 1]:
            found.append(f"{file}:{line}: expected {layer} to import only to its left, got {name}")
    return found


def product_files() -> Iterator[str]:
    """Every module of the layers, apart from the example systems under `cases/shipped`."""
    for layer in LAYERS:
        for path in sorted((ROOT / layer).rglob("*.py")):
            name = path.relative_to(ROOT)
            if name.parts[:2] != ("cases", "shipped"):
                yield name.as_posix()


def test_layers_import_only_to_the_left() -> None:
    assert [fault for file in product_files() for fault in faults((ROOT / file).read_text("utf-8"), file)] == []


@pytest.mark.parametrize(
    "source",
    [
        "from ..harness import runner",
        "from .. import harness",
        "from unrepeat.cases import trace",
        "import cases.trace",
        "def late():\n    from ..reports.html import page",
    ],
)
def test_an_import_to_the_right_or_not_relative_is_found(source: str) -> None:
    assert len(faults(source, "scorers/output.py")) == 1


@pytest.mark.parametrize("file", ["scorers/output.py", "scorers/__init__.py", "scorers/judges/judge.py"])
def test_imports_to_the_left_and_within_a_layer_pass(file: str) -> None:
    up = ".." if file.count("/") == 1 else "..."
    assert faults(f"from {up}cases import trace\nfrom .score import Score\nimport json", file) == []
