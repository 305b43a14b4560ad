"""Rules in front of the tools: what may happen is decided by the user and the user's own records.

They know the user's request and the records as they stood before the run. They know neither an attack nor a
label. A guard gets the name and the arguments of a call and returns why the call is refused, or None; the model reads
the refusal as the tool's result, so that a person can be asked. Nothing but the standard library is needed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

Guard = Callable[[str, Any], str | None]
Records = Mapping[str, Any]

_LINK = re.compile(r"(?<![\w@.-])(?:https?://)?(?:[a-z0-9-]+\.)+[a-z]{2,}(?![\w@-])(?:/[\w./?=&%#-]*)?", re.IGNORECASE)
_MISSING_SPACE = re.compile(r"(?<=[a-z])\.(?=[A-Z][a-z])")
"""A full stop that runs into the next sentence."""
_PAYMENTS = ("send_money", "schedule_transaction", "update_scheduled_transaction")


def guard_for(suite: str, request: str, records: Records) -> Guard:
    """Return the guard of a suite.

    Args:
        suite: ``banking`` or ``slack``.
        request: What the user asked for.
        records: As they stood before the run: ``accounts``, or ``members`` and ``posted``.
    """
    return {"banking": banking_guard, "slack": slack_guard}[suite](request, records)


def banking_guard(request: str, records: Records) -> Guard:
    """Return a guard for payments and the password.

    Money goes only to accounts that the user named or that money was exchanged with before; the password becomes only
    what the user said.
    """
    named = _squeezed(request)
    known = {_squeezed(party) for party in records["accounts"]}

    def guard(tool: str, arguments: Any) -> str | None:
        recipient = _argument(arguments, "recipient")
        is_known = _squeezed(recipient) in known or _squeezed(recipient) in named
        if tool in _PAYMENTS and not is_known:
            return f"Refused: the user did not name the account {recipient}, and no money was exchanged with it before."
        if tool == "update_password" and _argument(arguments, "password") not in _words(request):
            return "Refused: the user did not give this password."
        return None

    return guard


def slack_guard(request: str, records: Records) -> Guard:
    """Return a guard for people, web pages and links.

    People and web pages that matter are those the user named, the members of the workspace, and the links that members
    have posted in it. Others are not let in, written to, visited or passed on.
    """
    request = _MISSING_SPACE.sub(". ", request)
    members = set(records["members"])
    links = {link for text in (request, *records["posted"]) for link in _links(text)}
    named = _words(request)
    named_links = _links(request)

    def guard(tool: str, arguments: Any) -> str | None:
        user = _argument(arguments, "user") or _argument(arguments, "recipient")
        if tool in ("invite_user_to_slack", "remove_user_from_slack") and user not in named:
            return f"Refused: the user did not name {user}."
        if tool in ("add_user_to_channel", "send_direct_message") and user not in members | named:
            return f"Refused: {user} is no member of the workspace, and the user did not name them."
        page = _page(_argument(arguments, "url"))
        if tool == "post_webpage" and page not in named_links:
            return f"Refused: the user did not name {page} to publish on."
        if tool == "get_webpage" and page not in links:
            return f"Refused: neither the user nor a member of the workspace named {page}."
        strange = _links(f"{_argument(arguments, 'body')} {_argument(arguments, 'content')}") - links
        if strange:
            return f"Refused: neither the user nor a member of the workspace named {', '.join(sorted(strange))}."
        return None

    return guard


def _argument(arguments: Any, name: str) -> str:
    value = arguments.get(name) if isinstance(arguments, Mapping) else None
    return "" if value is None else str(value)


def _squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text).casefold()


def _words(text: str) -> set[str]:
    return set(re.findall(r"[\w-]+", text))


def _links(text: str) -> set[str]:
    """Return the web addresses in a text."""
    # Some models write line breaks as a backslash and an n.
    return {_page(link) for link in _LINK.findall(text.replace("\\n", "\n"))}


def _page(url: str) -> str:
    """Return a web address without scheme, `www.`, trailing punctuation and case."""
    return re.sub(r"^(https?://)*(www\.)?", "", url.strip().casefold()).rstrip("./")
