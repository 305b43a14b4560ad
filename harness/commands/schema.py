"""``unrepeat schema``: the JSON Schemas that editors use."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(
    "schema",
    short_help="Print the JSON Schemas that editors use.",
    epilog="\b\nExample:\n  unrepeat schema case --out incidents/case.schema.json",
)
@click.argument("document", type=click.Choice(["case", "trace", "result"]), default="case")
@click.option("--out", type=click.Path(path_type=Path), help="Write it to a file instead of printing it.")
@click.option("--json", "as_json", is_flag=True, help="Accepted for symmetry: a schema is JSON already.")
def command(document: str, out: Path | None, as_json: bool) -> int:
    """Print the JSON Schema of case.yaml, trace.json or result.json."""
    from ..schemas import schema_text

    text = schema_text(document)
    if out is None:
        click.echo(text, nl=False)
        return 0
    from ...cases.files import write_atomic

    out.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(out, text.encode())
    click.echo(f"wrote {out}; editors use it with: # yaml-language-server: $schema={out.name}", err=True)
    return 0
