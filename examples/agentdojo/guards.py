"""The guards of `rules` over an environment of the benchmark: the records are read from it before the run."""

from __future__ import annotations

from typing import Any

from unrepeat.replayers.trajectory import Guard

from . import rules


def guard_for(suite: str, request: str, environment: Any) -> Guard:
    """Return the guard of a suite.

    Args:
        suite: ``banking`` or ``slack``.
        request: What the user asked for.
        environment: The environment before the run.
    """
    return rules.guard_for(suite, request, records_of(suite, environment))


def banking_guard(request: str, environment: Any) -> Guard:
    """Return a guard for payments and the password."""
    return guard_for("banking", request, environment)


def slack_guard(request: str, environment: Any) -> Guard:
    """Return a guard for people, web pages and links."""
    return guard_for("slack", request, environment)


def records_of(suite: str, environment: Any) -> dict[str, list[str]]:
    """Return what the rules need of an environment, as plain text.

    Returns:
        ``accounts`` that money was exchanged with; or ``members`` of the workspace and what they ``posted``.
    """
    if suite == "banking":
        account = environment.bank_account
        orders = [*account.transactions, *account.scheduled_transactions]
        parties = [party for order in orders for party in (order.sender, order.recipient)]
        return {"accounts": list(dict.fromkeys(parties))}
    slack = environment.slack
    inboxes = (*slack.channel_inbox.values(), *slack.user_inbox.values())
    members = list(slack.users)
    posted = [message.body for inbox in inboxes for message in inbox if message.sender in members]
    return {"members": members, "posted": list(dict.fromkeys(posted))}
