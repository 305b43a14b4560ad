"""Who decides about recoveries: policy, approvers, keys and revocations, from a working tree or any other source.

A gate passes a reader of the protected base revision, so that no change can name its own approvers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..cases.errors import ConfigError
from ..reports.canonical_json import digest_of
from .config import Config, Project
from .sign_off_policy import Approvers, SignOffPolicy, parse_approvers
from .ssh_keys import Keys

Reader = Callable[[str], bytes | None]
"""Returns the bytes of a file by its path relative to the project; None where there is none."""


@dataclass(frozen=True, slots=True)
class Authority:
    """What decisions are judged by."""

    policy: SignOffPolicy
    policy_sha256: str
    approvers: Approvers
    keys: Keys


def policy_digest(config: Config) -> str:
    """Return the SHA-256 of what a project states in ``[signoff]`` and ``[gate]``.

    Defaults are left out, so that a release with a further setting does not end every approval.
    """
    return digest_of(config.model_dump(mode="json", include={"signoff", "gate"}, exclude_defaults=True))


def authority_of(project: Project) -> Authority:
    """Return the authority that the files of a project's working tree state.

    Raises:
        ConfigError: A file is missing or cannot be used.
    """
    return authority_from(project.config, lambda path: _read(project.root / path))


def authority_from(config: Config, read: Reader) -> Authority:
    """Return the authority that a configuration and the files it names state.

    Args:
        config: The configuration, as of the revision that is to be trusted.
        read: Reads files of that revision.

    Raises:
        ConfigError: A file is missing or cannot be used.
    """
    policy = config.signoff
    how = 'Say who may sign, such as [approvers."ada@example.org"] with roles = ["risk"]'
    approvers = parse_approvers(_required(read, policy.approvers, how), policy.approvers)
    how = "One line a key: ada@example.org ssh-ed25519 AAAA…"
    allowed = _required(read, policy.allowed_signers, how)
    revoked = read(policy.revoked)
    if revoked is None and "revoked" in policy.model_fields_set:
        raise ConfigError(
            "expected the list of revoked keys, got no file", where=policy.revoked, hint="It may be empty"
        )
    return Authority(policy, policy_digest(config), approvers, Keys(allowed, policy.allowed_signers, revoked))


def _required(read: Reader, path: str, how: str) -> bytes:
    data = read(path)
    if data is None:
        raise ConfigError("expected a file, got none", where=path, hint=how)
    return data


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"expected a readable file, got: {error.strerror}", where=str(path)) from None
