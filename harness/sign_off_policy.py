"""Who must sign a recovery: the table ``[signoff]`` of unrepeat.toml, and the file of approvers."""

from __future__ import annotations

import tomllib
import unicodedata
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..cases.errors import ConfigError
from ..cases.vocabulary import Severity

Role = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
Roles = Annotated[list[Role], Field(min_length=1)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class RolesBySeverity(_Table):
    """Which roles must sign. A case without severity is treated as critical."""

    low: Roles = ["engineering"]
    """Roles at severity low."""
    medium: Roles = ["engineering", "business"]
    """Roles at severity medium."""
    high: Roles = ["engineering", "business", "risk"]
    """Roles at severity high."""
    critical: Roles = ["engineering", "business", "risk"]
    """Roles at severity critical."""


class SignOffPolicy(_Table):
    """Who must sign a recovery, and where that is kept."""

    recoveries: str = "recoveries"
    """Folder of the recovery reports and their signatures; commit it."""
    environment: str = Field(default="production", pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    """The environment a recovery is approved for unless a command names another."""
    roles: RolesBySeverity = RolesBySeverity()
    """Which roles must sign, by severity."""
    four_eyes: list[Severity] = ["high", "critical"]
    """Severities at which each role must be signed by another person."""
    validity_days: int = Field(default=180, ge=1, le=3650)
    """Longest time an approval lasts, in days."""
    approvers: str = "recoveries/approvers.toml"
    """File that says who holds which role."""
    allowed_signers: str = "recoveries/allowed_signers"
    """File of keys, in the format of ``ssh-keygen -Y verify``. Its dates are read as UTC."""
    revoked: str = "recoveries/revoked_keys"
    """Revoked keys: a list of public keys, or a key revocation list of ``ssh-keygen -k``. May be missing at this
    place; must be there where you name another."""

    def roles_at(self, severity: str) -> tuple[str, ...]:
        """Return the roles that must sign; those of critical for a severity that is not known."""
        return tuple(dict.fromkeys(getattr(self.roles, severity, self.roles.critical)))

    def needs_four_eyes(self, severity: str) -> bool:
        """Tell whether each role needs another person."""
        return severity in self.four_eyes or not hasattr(self.roles, severity)


class Approver(_Table):
    """One person who may sign, by the principal that allowed_signers gives their keys."""

    roles: Roles
    """The roles this person holds."""
    person: str = ""
    """Who it is, where one person has several principals."""
    also_known_as: list[str] = []
    """Names and addresses under which this person writes code."""


class Approvers(_Table):
    """The file of approvers."""

    approvers: dict[str, Approver] = {}
    """By principal."""

    def person(self, principal: str) -> str:
        """Return who a principal is."""
        known = self.approvers.get(principal)
        return (known.person if known else "") or principal

    def names_of(self, principal: str) -> frozenset[str]:
        """Return every name of the person behind a principal, folded."""
        person = self.person(principal)
        mine = {name: each for name, each in self.approvers.items() if self.person(name) == person}
        names = {principal, person, *mine, *(alias for each in mine.values() for alias in each.also_known_as)}
        return frozenset(map(folded_name, names))


def folded_name(name: str) -> str:
    """Return a name in the form names are compared in: case, white space and form of Unicode aside."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def parse_approvers(data: bytes, where: str) -> Approvers:
    """Return what a file of approvers says.

    Raises:
        ConfigError: It is not TOML, or not such a file.
    """
    try:
        return Approvers.model_validate(tomllib.loads(data.decode()))
    except UnicodeDecodeError:
        raise ConfigError("expected UTF-8, got something else", where=where) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"expected TOML, got {error}", where=where) from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        hint = 'Write [approvers."ada@example.org"] with roles = ["risk"]'
        raise ConfigError(str(first["msg"]), where=f"{where}: {place}", hint=hint) from None
