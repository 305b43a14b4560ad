"""Configuration: unrepeat.toml, or ``[tool.unrepeat]`` in pyproject.toml."""

from __future__ import annotations

import difflib
import hashlib
import ipaddress
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from ..cases.errors import ConfigError
from ..replayers.isolation.levels import Isolating
from .policy import GatePolicy, canonical
from .sign_off_policy import SignOffPolicy

FILE = "unrepeat.toml"
PYPROJECT = "pyproject.toml"
_MAX_BYTES = 1024 * 1024


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class EnvironmentComponent(_Table):
    """A component that is an environment value."""

    env: str
    """Name of the variable."""


class Boundaries(_Table):
    """Functions that are boundaries, as ``module:function``, ``module:Class.method`` or ``module:*``.

    Of a program or a deployment: the names of tools and others that it asks the harness for, ``*`` for any.
    """

    model: list[str] = []
    """Functions that call a model."""
    retrieval: list[str] = []
    """Functions that search."""
    tool: list[str] = []
    """Functions the model may have called. ``module:run(name, arguments)`` names a function that runs tools by name,
    with the parameters that hold the tool's name and its arguments."""
    approval: list[str] = []
    """Functions that ask a reviewer."""
    user: list[str] = []
    """Functions that ask the user."""


class McpServerConfig(_Table):
    """One MCP server that the system talks to; it is answered from the recording in a replay."""

    command: str = ""
    """How the system starts it, such as ``mcp-server-orders`` or ``npx -y @acme/orders``; left out where it is reached
    by URL."""
    tools: str | None = None
    """A JSON file with its tools, as ``tools/list`` answers; as the recording has them when left out."""


class SystemConfig(_Table):
    """One system under test: a callable (``python``), a program (``command``) or a deployment (``url``)."""

    python: str | None = Field(default=None, pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_][\w.]*$")
    """The callable to run, as ``module:function``."""
    command: Annotated[list[str], Field(min_length=1)] | None = None
    """The program to run, with its arguments. ``{input}`` in one of them becomes the input; else it comes on standard
    input."""
    output: Literal["stdout", "last-line"] = "stdout"
    """For a program, where its answer is: all that it prints, or the last line of that."""
    url: str | None = Field(default=None, pattern=r"^https?://[^\s/]+")
    """The deployment to ask: the input is posted there."""
    listen: str = Field(default="127.0.0.1:8731", pattern=r"^(\[[0-9a-fA-F:]+\]|[^\s:]+):\d{1,5}$")
    """For a deployment, where it was told to find its model and its other boundaries; an address of this machine only:
    what is served there is the recording."""
    headers: dict[str, str] = {}
    """For a deployment, headers to send; ``${NAME}`` becomes a variable of your environment."""
    boundaries: Boundaries = Boundaries()
    """Its boundary functions."""
    paths: list[str] = ["."]
    """Folders to put on the import path, relative to the version."""
    interpreter: str | None = None
    """The Python to run it with; the one unrepeat runs with when left out."""
    timeout_s: float = Field(default=60.0, gt=0, le=86_400)
    """Longest time of one replay, in seconds."""
    env: dict[str, str] = {}
    """Environment the app needs. Nothing else of yours reaches it but PATH and the locale."""
    allow_live: list[str] = []
    """What may run for real in a replay: ``retrieval``, ``tool:get_order``. A recorded tool that is a function of the
    app must be a boundary or stand here."""
    allow_subprocess: bool = False
    """Whether a callable may start processes in a replay; programs may."""
    isolation: Isolating | None = None
    """The isolation to run it at; the strongest that this machine has when left out. guard holds only callables."""
    reads: list[str] = []
    """Files and folders it needs although isolation hides where they lie: sockets, temporary folders."""
    mcp: dict[str, McpServerConfig] = {}
    """MCP servers it talks to, by name."""
    components: dict[str, list[str] | EnvironmentComponent] = {}
    """What ``--set`` replaces: files of a version, or an environment value."""
    versions: dict[str, str] = {}
    """Folders by name, so that ``--candidate v2`` works."""

    @model_validator(mode="after")
    def _live_names_a_boundary(self) -> SystemConfig:
        kinds = tuple(Boundaries.model_fields)
        for entry in self.allow_live:
            if entry.partition(":")[0] not in kinds:
                raise ValueError(f"expected allow_live to name a boundary ({', '.join(kinds)}), got {entry!r}")
        return self

    @field_validator("listen")
    @classmethod
    def _listens_on_loopback(cls, listen: str) -> str:
        host, _, port = listen.rpartition(":")
        if not 0 < int(port) < 1 << 16:
            raise ValueError(f"expected a port from 1 to 65535, got {port}")
        if not _is_loopback(host.strip("[]")):
            raise ValueError(
                f"expected an address of this machine only (127.0.0.1, [::1], localhost), got {host}: the recording is "
                "served there. Put a tunnel or a reverse proxy in front for a deployment elsewhere"
            )
        return listen

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> SystemConfig:
        given = [name for name in ("python", "command", "url") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"expected one of python, command and url, got {' and '.join(given)}")
        return self


class Redaction(_Table):
    """What an import replaces besides the built-in patterns."""

    fields: dict[str, str] = {}
    """Fields that are always replaced: JSON path to type, such as ``"$..password" = "password"``."""
    entities: dict[str, list[str]] = {}
    """Names that are replaced wherever they stand as words, by type: ``person = ["Ada Brook"]``."""


class ModelConfig(_Table):
    """One live model, by the name that ``--model`` takes."""

    input_per_million: float | None = Field(default=None, ge=0)
    """Price of a million input tokens, in USD. Prices are yours to state; none is built in."""
    output_per_million: float | None = Field(default=None, ge=0)
    """Price of a million output tokens, in USD."""
    timeout_s: float = Field(default=120.0, gt=0, le=3_600)
    """Longest time of one attempt of one call, in seconds."""
    retries: int = Field(default=3, ge=0, le=10)
    """Further attempts of one call after an outage: no connection, no answer in time, 429, 5xx."""

    @model_validator(mode="after")
    def _prices_go_together(self) -> ModelConfig:
        if (self.input_per_million is None) != (self.output_per_million is None):
            raise ValueError("expected input_per_million together with output_per_million, got only one of them")
        return self


class Config(_Table):
    """The whole file."""

    incidents: str = "incidents"
    """Folder of the cases."""
    systems: dict[str, SystemConfig] = {}
    """The systems under test."""
    models: dict[str, ModelConfig] = {}
    """Live models by name: ``[models."openai/gpt-4o"]``."""
    redaction: Redaction = Redaction()
    """What an import replaces besides the built-in patterns."""
    signoff: SignOffPolicy = SignOffPolicy()
    """Who must sign a recovery, and where that is kept."""
    gate: GatePolicy = GatePolicy()
    """What turns the verdicts of `unrepeat gate` into its exit code."""


@dataclass(frozen=True, slots=True)
class Project:
    """A configuration and where it was found."""

    root: Path
    """The folder of the file; relative paths are relative to it."""
    config: Config
    file: Path | None
    """None when no file was found and the defaults stand."""

    @property
    def incidents(self) -> Path:
        """Folder of the cases."""
        return self.root / self.config.incidents

    @property
    def recoveries(self) -> Path:
        """Folder of the recovery reports and their signatures."""
        return self.root / self.config.signoff.recoveries

    @property
    def results(self) -> Path:
        """Folder of results, ignored by git."""
        return self.root / ".unrepeat"


def load_project(start: Path) -> Project:
    """Return the configuration that holds in a folder: its own file, or the nearest one above.

    Raises:
        ConfigError: A file is there but not usable, with its place.
    """
    for folder in (start.resolve(), *start.resolve().parents):
        found = _read(folder)
        if found is not None:
            return found
    return Project(root=start.resolve(), config=Config(), file=None)


def parsed(text: str, file: Path) -> Config:
    """Return the configuration that a text would be as unrepeat.toml.

    Args:
        text: TOML.
        file: What to call it in errors.

    Raises:
        ConfigError: It is not TOML, or not a configuration.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"expected TOML, got {error}", where=str(file)) from error
    return _parse(file, table)


def config_in(data: bytes, name: str, where: Path) -> Config | None:
    """Return the configuration that the content of a file is; None for a pyproject.toml without the table.

    Args:
        data: The content, from wherever it was kept.
        name: ``unrepeat.toml`` or ``pyproject.toml``.
        where: What to call the file in errors.

    Raises:
        ConfigError: It is not TOML, or not a configuration.
    """
    try:
        table: Any = tomllib.loads(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ConfigError(f"expected UTF-8, got byte {error.start}", where=str(where)) from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"expected TOML, got {error}", where=str(where)) from error
    if name != FILE:
        tools = table.get("tool")
        table = tools.get("unrepeat") if isinstance(tools, dict) else None
    return None if table is None else _parse(where, table)


def _read(folder: Path) -> Project | None:
    own = folder / FILE
    if own.is_file():
        return Project(root=folder, config=_parse(own, _toml(own)), file=own)
    pyproject = folder / PYPROJECT
    if pyproject.is_file():
        tools = _toml(pyproject).get("tool")
        table = tools.get("unrepeat") if isinstance(tools, dict) else None
        if table is not None:
            return Project(root=folder, config=_parse(pyproject, table), file=pyproject)
    return None


def _toml(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            raw = file.read(_MAX_BYTES + 1)
        if len(raw) > _MAX_BYTES:
            raise ConfigError(f"expected at most {_MAX_BYTES} bytes, got more", where=str(path))
        return tomllib.loads(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ConfigError(f"expected UTF-8, got byte {error.start}", where=str(path)) from error
    except RecursionError:
        raise ConfigError("expected TOML, got values nested too deeply", where=str(path)) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"expected TOML, got {error}", where=str(path)) from error
    except OSError as error:
        raise ConfigError(f"expected a readable file, got {error.strerror}", where=str(path)) from error


def _parse(path: Path, table: Mapping[str, Any]) -> Config:
    try:
        return Config.model_validate(table)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(step) for step in first["loc"])
        raise ConfigError(_explain(first), where=f"{path}: {place}", hint=_nearest(first)) from error


def _explain(error: Any) -> str:
    if error["type"] == "extra_forbidden":
        return f"expected a known key, got {error['loc'][-1]!r}"
    form = _FORMS.get(str(error["loc"][-1]))
    if form is not None and error["type"] in ("string_pattern_mismatch", "list_type", "string_type"):
        return f"expected {form}, got {error['input']!r}"
    return str(error["msg"])


_FORMS = {
    "python": "a callable such as desk.app:handle",
    "command": 'a list of words such as ["node", "dist/agent.js"]',
    "url": "a URL such as http://127.0.0.1:8080/tickets",
    "listen": "an address such as 127.0.0.1:8731",
}
"""What keys hold whose patterns say little."""


def _nearest(error: Any) -> str:
    if error["type"] != "extra_forbidden":
        return ""
    *outer, key = map(str, error["loc"])
    close = difflib.get_close_matches(key, _table_at(outer).model_fields, n=1)
    return f"Did you mean {close[0]!r}?" if close else ""


def _table_at(place: Iterable[str]) -> type[BaseModel]:
    """Return the table that a place of the file is in; names that people give stand between its keys."""
    table: type[BaseModel] = Config
    for step in place:
        field = table.model_fields.get(step)
        table = next(_tables_in(field.annotation), table) if field is not None else table
    return table


def _tables_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _tables_in(inner)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def runs_sha256(config: Config) -> str:
    """Return a digest of how systems and models are run."""
    return hashlib.sha256(canonical(config.model_dump(mode="json", include={"systems", "models"}))).hexdigest()


def system_named(project: Project, name: str | None) -> tuple[str, SystemConfig] | None:
    """Return the system a case names, or the only one there is; None when none is configured.

    Raises:
        ConfigError: The name is unknown, or several systems are there and the case names none.
    """
    systems = project.config.systems
    if name is not None and name in systems:
        return name, systems[name]
    if not systems:
        return None
    if name is None and len(systems) == 1:
        return next(iter(systems.items()))
    got = repr(name) if name else "no `system` in the case"
    raise ConfigError(
        f"expected one of the systems {', '.join(systems)}, got {got}",
        where=str(project.file),
        hint="Set `system:` in case.yaml, or add the system to unrepeat.toml",
    )
