"""Who has approved a recovery: every rule, over values; nothing is read, run or asked for the time here.

Words: a *decision* is one envelope (approve, approve with conditions, reject, revoke) by one principal in one role. It
is *counted* when no rule of part 2 refuses it. A refused decision counts for nothing; what is forged or about
something else refuses the whole report, because it should not be there.

1. The report
   1. every case in it is ``fixed``, and its own digests agree;
   2. case, trace and evidence of every case are the bytes it names, whatever the case's status since; the evidence
      is as it was left, and the custody log still holds the entry it names as the head;
   3. the policy is the one it names, and the severity is the worst the cases state;
   4. it is the newest report about each of its cases in its environment, as their custody logs say, byte for byte,
      and so is the page beside it; it is about the environment asked for, and was not made in the future;
   5. every decision the custody logs know about it is there.
2. A decision
   1. is one canonical envelope of the known predicate type, nothing in it unsigned, with the namespace of recoveries,
      and its signature is over these bytes;
   2. names this report, case set, policy and system, and says of them what the report says;
   3. is made with a key that belongs to the principal, was valid then and is now, and is not revoked;
   4. was made after the report and not in the future, was logged in every case when it was made, and every custody
      head it names is still in the log;
   5. is by an approver who holds the role, and is no author of the fix under any name;
   6. if it approves: has not expired, neither by its own date nor by the policy's, gives a date and conditions if it
      is conditional, and its person has not revoked it.
3. The whole
   1. a rejection or revocation by a holder of a required role blocks, however old its key, until the same person
      supersedes it by name. One of an earlier report blocks too while it is about the same system bytes: a new
      report is no way around a no;
   2. every role the policy asks for at the severity has a counted approval; with four eyes each by another person,
      and two principals or keys of one person are one person;
   3. every fact the severity demands is there.

``signed`` needs all three parts. ``missing`` means that people have yet to act; ``refused`` that something stands
against it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from ..reports.attestation import APPROVALS, NAMESPACE, Predicate, Statement
from ..reports.canonical_json import digest_of
from ..scorers.recovery import RecoveredCase, RecoveryReport
from ..scorers.sign_off_result import Refusal, RoleState, SignOff
from .required_facts import missing_authors, worst_severity
from .sign_off_policy import Approvers, SignOffPolicy, folded_name
from .situation import CaseState, Decision, KeyCheck, Reproduced, Situation

_RESTORE = "Restore it from version control"
SKEW = dt.timedelta(minutes=5)
"""How far the clocks of two machines may differ."""
FORGED = frozenset(
    {
        "not-an-envelope", "duplicate-keys", "unsigned-fields", "not-canonical", "unknown-predicate",
        "malformed-statement", "wrong-namespace", "forged", "another-report", "report-changed", "subjects-differ",
        "contradicts-report", "custody-rewritten",
    }
)  # fmt: skip
"""Rules whose break refuses the whole report, not only the decision."""
DOUBLED = frozenset({"one-person-two-roles", "two-keys-one-person"})
"""Rules about approvals that each count, but not together."""


def subjects_of(report: RecoveryReport, report_sha256: str) -> dict[str, str]:
    """Return what a decision about a report is about: name to SHA-256."""
    return {"report": report_sha256, **report.digests}


def case_set_digest(cases: Sequence[RecoveredCase]) -> str:
    """Return the digest of a set of cases: of their ids and digests, in order of id."""
    return digest_of({each.case_id: each.digests for each in cases})


def judge(what: Situation, policy: SignOffPolicy, approvers: Approvers, now: dt.datetime) -> SignOff:
    """Return what sign-off of a report came to.

    Args:
        what: The report, the cases as they are, the decisions.
        policy: Who must sign.
        approvers: Who holds which role.
        now: The current time, in UTC.
    """
    report = what.report
    refused = [(each, decision_refusal(what, each, policy, approvers, now)) for each in what.decisions]
    counted = [each for each, refusal in refused if refusal is None]
    against = [refusal for _, refusal in refused if refusal is not None]
    roles, doubled = _roles(what, counted, policy, approvers)
    refusals = [
        *report_refusals(what, now),
        *(each for each in against if each.rule in FORGED),
        *_vetoes(what, counted, policy, approvers),
    ]
    uncounted = [*(each for each in against if each.rule not in FORGED), *doubled]
    facts = [fact for case in what.cases for fact in case.facts_missing]
    facts += [f"{each.key}: {each.reason}" for each in missing_authors(report.authors)]
    lacking = {each.role for each in roles if each.reason}
    spoilt = {each.said.approver.role for each, refusal in refused if refusal and each.statement} & lacking
    ends = [each.expires_at for each in roles if each.expires_at]
    used = {each.principal for each in roles if each.principal}
    return SignOff(
        state="refused" if refusals or spoilt or doubled else "missing" if lacking or facts else "signed",
        report_id=report.report_id,
        environment=report.environment,
        severity=report.severity,
        epoch=report.epoch,
        incidents=tuple(each.case_id for each in report.cases),
        roles=roles,
        refusals=tuple(refusals),
        uncounted=tuple(uncounted),
        facts_missing=tuple(facts),
        conditions=tuple(
            text for each in counted if each.said.approver.principal in used for text in each.said.conditions
        ),
        expires_at="" if lacking else min(ends, default=""),
    )


def report_refusals(what: Situation, now: dt.datetime) -> list[Refusal]:
    """Return what stands against the report itself (part 1)."""
    report, where = what.report, what.report.report_id
    again = "Make a new report with `unrepeat recovery`"
    found = [refusal for case in report.cases for refusal in _case_refusals(what, case)]

    def add(broken: bool, rule: str, reason: str, hint: str = again) -> None:
        if broken:
            found.append(Refusal(rule=rule, where=where, reason=reason, hint=hint))

    bound = (case_set_digest(report.cases), report.system.sha256)
    agree = (report.digests.get("case-set"), report.digests.get("system-under-test")) == bound
    add(not agree or not report.cases, "contradicts-itself", "its digests are not those of what it holds")
    add(
        report.digests.get("gate-policy") != what.policy_sha256,
        "policy-changed",
        "the policy in unrepeat.toml is not the one it was made under",
    )
    severity = worst_severity([case.severity for case in what.cases])
    add(report.severity != severity, "severity-differs", f"it says {report.severity}, the cases say {severity}")
    add(
        report.environment != what.environment,
        "another-environment",
        f"it is about {report.environment}, not about {what.environment}",
    )
    add(
        _time(report.created_at) > now + SKEW,
        "in-the-future",
        f"it was made at {report.created_at}, which is yet to come",
    )
    kept = {each.envelope for each in what.decisions}
    for entry in what.logged:
        if entry.report == what.report_sha256 and entry.envelope not in kept:
            whose = f"the {entry.decision} of {entry.principal} ({entry.role})"
            told = f"{whose} is in the custody log of {entry.case_id}, its file is not there"
            add(True, "deleted-decision", told, "Restore the folder of the report from version control")
    return _once(found)


def _case_refusals(what: Situation, case: RecoveredCase) -> Iterable[Refusal]:
    state = next((each for each in what.cases if each.case_id == case.case_id), CaseState(case.case_id))
    again = f"Prove it again and make a new report: `unrepeat prove {case.case_id}`, `unrepeat recovery {case.case_id}`"

    def refusal(rule: str, reason: str, hint: str = again) -> Refusal:
        return Refusal(rule=rule, where=case.case_id, reason=reason, hint=hint)

    if case.verdict != "fixed":
        yield refusal("not-proven", f"the report says {case.verdict}, not fixed")
    if not state.found:
        yield refusal("case-missing", "the case is not there", _RESTORE)
        return
    for problem in state.problems:
        yield refusal("evidence-changed", problem, _RESTORE)
    names = {"statement": "case.yaml", "trace": "trace.json", "evidence": "the preserved evidence"}
    for name, words in names.items():
        if case.digests.get(name) != state.found.get(name):
            rule = {"statement": "case-changed"}.get(name, f"{name}-changed")
            yield refusal(rule, f"{words} changed after the report was made")
    if case.digests.get("custody") not in state.heads:
        told = "the custody log no longer holds the entry the report names: it was cut off or written anew"
        yield refusal("custody-rewritten", told, "Restore custody.jsonl from version control")
    yield from _newest_refusals(what, state, again)


def _newest_refusals(what: Situation, state: CaseState, hint: str) -> Iterable[Refusal]:
    newest, report = state.newest, what.report
    if newest is None or newest.epoch < report.epoch:
        told = "the custody log knows no such report"
        yield Refusal(rule="report-not-logged", where=state.case_id, reason=told, hint=hint)
    elif newest.epoch > report.epoch:
        told = f"{newest.report_id} (epoch {newest.epoch}) has taken the place of this report (epoch {report.epoch})"
        yield Refusal(rule="old-epoch", where=state.case_id, reason=told, hint="Sign and verify the newest report")
    elif newest.sha256 != what.report_sha256:
        told = "recovery.json is not the file that was logged when the report was made"
        yield Refusal(rule="report-changed", where=report.report_id, reason=told, hint=_RESTORE)
    elif what.page_sha256 not in ("", newest.page):
        told = "recovery.html is not the page that was made from recovery.json: approvers may have read something else"
        yield Refusal(rule="page-changed", where=report.report_id, reason=told, hint=_RESTORE)


def decision_refusal(
    what: Situation, each: Decision, policy: SignOffPolicy, approvers: Approvers, now: dt.datetime
) -> Refusal | None:
    """Return the first reason why a decision does not count (part 2); None when it does."""
    if each.unusable is not None or each.statement is None or each.key is None:
        return each.unusable or Refusal(rule="not-an-envelope", where=each.where, reason="it cannot be read")
    checks = chain(  # lazily: a later rule may rely on an earlier one
        _signature_rules(what, each.statement, each.key),
        _key_rules(each.said, each.key, approvers),
        _time_rules(what, each, now),
        _person_rules(what, each.said, policy, approvers),
        _approval_rules(what, each.said, policy, approvers, now),
    )
    for rule, reason in checks:
        if reason:
            return Refusal(rule=rule, where=each.where, reason=reason, hint=_HINTS.get(rule, ""))
    return None


_HINTS = {
    "expired": "Sign again, or make a new report",
    "key-expired": "Renew the key in allowed_signers, or sign with another",
    "unknown-approver": "Add the person to the file of approvers, on the protected branch",
    "role-not-held": "Add the role to the person in the file of approvers, on the protected branch",
    "author": "Somebody else must sign",
    "wrong-key": "Add the key to allowed_signers, on the protected branch, or sign with the key that is there",
    "not-logged": "Restore custody.jsonl from version control, or sign again",
    "deleted-decision": "Restore the folder of the report from version control",
}
Checked = Iterable[tuple[str, str]]
"""Rules by name, each with the reason why it is broken; an empty reason where it holds."""


def _signature_rules(what: Situation, statement: Statement, key: KeyCheck) -> Checked:
    report, said = what.report, statement.predicate
    expected, named = subjects_of(report, what.report_sha256), statement.digests()
    differing = [name for name in expected if expected[name] != named.get(name)]
    yield (
        "wrong-namespace",
        "" if key.namespace == NAMESPACE else f"the signature is for {key.namespace!a}, not for {NAMESPACE}",
    )
    yield "forged", "" if key.authentic else "the signature does not fit what it is on"
    another = said.report_id != report.report_id
    yield "another-report", f"it is about {said.report_id!a}" if another else ""
    yield "report-changed", "it is about other bytes of this report" if "report" in differing else ""
    yield "subjects-differ", f"it is about another {', '.join(differing)}" if differing else ""
    yield "contradicts-report", _contradiction(report, said)


def _contradiction(report: RecoveryReport, said: Predicate) -> str:
    pairs = {
        "incidents": (tuple(each.case_id for each in report.cases), said.incidents),
        "environment": (report.environment, said.environment),
        "severity": (report.severity, said.severity),
        "epoch": (report.epoch, said.epoch),
        "residual risk": (residual_risks(report), said.residual_risk),
        "restrictions": (restrictions(report), said.restrictions),
    }
    names = [name for name, (ours, theirs) in pairs.items() if ours != theirs]
    return f"it does not say what the report says about {', '.join(names)}" if names else ""


def residual_risks(report: RecoveryReport) -> dict[str, str]:
    """Return what may still happen, by case, as the cases state it."""
    return {each.case_id: str(each.stated.get("residual_risk") or "not stated") for each in report.cases}


def restrictions(report: RecoveryReport) -> dict[str, tuple[str, ...]]:
    """Return what the system may not do for now, by case, as the cases state it."""
    return {
        each.case_id: tuple(str(entry["what"]) for entry in each.stated.get("restrictions") or ())
        for each in report.cases
    }


def _key_rules(said: Predicate, key: KeyCheck, approvers: Approvers) -> Checked:
    who = said.approver.principal
    yield "unknown-approver", "" if who in approvers.approvers else f"{who} is no approver"
    yield "wrong-key", "" if key.listed else f"the key {key.fingerprint} is not one of {who}"
    yield "key-revoked", f"the key {key.fingerprint} is revoked" if key.revoked else ""
    neither = not key.valid_then and not key.valid_now
    yield "key-expired", f"the key {key.fingerprint} was not valid then and is not now" if neither else ""
    yield (
        "back-dated",
        "" if key.valid_then else f"its key was not valid at {said.signed_at}, when it says it was signed",
    )
    yield "key-expired", "" if key.valid_now else f"the key {key.fingerprint} is no longer valid"


def _time_rules(what: Situation, each: Decision, now: dt.datetime) -> Checked:
    said = each.said
    try:
        signed, _ = _time(said.signed_at), _time(said.expires_at or said.signed_at)
    except ValueError:
        yield "malformed-statement", "expected times such as 2026-01-31T14:05:00Z, got something else"
        return
    early = signed < _time(what.report.created_at)
    yield (
        "back-dated",
        f"it says {said.signed_at}, before the report was made at {what.report.created_at}" if early else "",
    )
    yield "in-the-future", f"it says {said.signed_at}, which is yet to come" if signed > now + SKEW else ""
    entries = [entry for entry in what.logged if entry.envelope == each.envelope]
    unlogged = sorted({case.case_id for case in what.cases} - {entry.case_id for entry in entries})
    yield "not-logged", f"the custody log of {', '.join(unlogged)} does not know it" if unlogged else ""
    late = [entry for entry in entries if not _about(entry.at, signed)]
    yield "back-dated", f"it says {said.signed_at}, but was logged at {late[0].at}" if late else ""
    cut = [case.case_id for case in what.cases if said.custody.get(case.case_id) not in case.heads]
    told = f"the custody log of {', '.join(cut)} no longer holds the entry it names: it was cut off or written anew"
    yield "custody-rewritten", told if cut else ""


def _person_rules(what: Situation, said: Predicate, policy: SignOffPolicy, approvers: Approvers) -> Checked:
    who, role = said.approver.principal, said.approver.role
    known = approvers.approvers.get(who)
    yield "role-not-held", "" if known and role in known.roles else f"{who} does not hold the role {role}"
    asked = policy.roles_at(what.report.severity)
    yield "role-not-asked", "" if role in asked else f"the policy asks for {', '.join(asked)}, not for {role}"
    author = author_among(what.report.authors, approvers.names_of(who))
    barred = said.decision in APPROVALS and author
    yield "author", f"{who} is an author of the fix ({author})" if barred else ""


def author_among(authors: Iterable[str], names: frozenset[str]) -> str:
    """Return the first author that is one of a person's names; empty when none is.

    Args:
        authors: Names, addresses, or ``Name <address>``.
        names: Every name and address of the person, folded.
    """
    for author in authors:
        name, _, address = author.rstrip("> ").partition("<")
        if {folded_name(part) for part in (author, name, address) if part.strip()} & names:
            return author
    return ""


def _approval_rules(
    what: Situation, said: Predicate, policy: SignOffPolicy, approvers: Approvers, now: dt.datetime
) -> Checked:
    if said.decision not in APPROVALS:
        return
    conditional = said.decision == "approve-with-conditions"
    told = "a conditional approval needs conditions and a date at which it ends"
    yield "malformed-statement", told if conditional and not said.conditions else ""
    yield "malformed-statement", "" if said.expires_at else "an approval needs a date at which it ends"
    end = approval_end(said, policy)
    yield "expired", f"it ended at {_text(end)}" if now >= end else ""
    person = approvers.person(said.approver.principal)
    revoked = any(
        each.person == person and each.decision == "revoke" and said.signed_at <= each.at
        for each in _standing(what, approvers)
        if each.envelope not in said.supersedes
    )
    yield "revoked-approval", "its person revoked it" if revoked else ""


def approval_end(said: Predicate, policy: SignOffPolicy) -> dt.datetime:
    """Return when an approval ends: at its own date, or when the policy says, whichever is sooner."""
    longest = _time(said.signed_at) + dt.timedelta(days=policy.validity_days)
    return min(_time(said.expires_at), longest) if said.expires_at else longest


@dataclass(frozen=True, slots=True)
class _Veto:
    person: str
    principal: str
    role: str
    decision: str
    envelope: str
    at: str
    where: str
    reason: str


def _standing(what: Situation, approvers: Approvers) -> list[_Veto]:
    """Return the rejections and revocations of this report, and those of earlier ones about the same system."""
    found: dict[str, _Veto] = {}
    for each in what.decisions:
        if each.statement is None or each.key is None or not each.key.authentic or each.said.decision in APPROVALS:
            continue
        said, who = each.said, each.said.approver
        person, at = approvers.person(who.principal), said.signed_at
        found[each.envelope] = _Veto(
            person, who.principal, who.role, said.decision, each.envelope, at, each.where, said.reason
        )
    for entry in what.logged:
        same = entry.system == what.report.system.sha256 and entry.environment == what.report.environment
        if same and entry.report != what.report_sha256 and entry.decision not in APPROVALS:
            person = approvers.person(entry.principal)
            found[entry.envelope] = _Veto(
                person,
                entry.principal,
                entry.role,
                entry.decision,
                entry.envelope,
                entry.at,
                entry.report_id,
                entry.reason,
            )
    return list(found.values())


def _vetoes(
    what: Situation, counted: Sequence[Decision], policy: SignOffPolicy, approvers: Approvers
) -> Iterable[Refusal]:
    asked = policy.roles_at(what.report.severity)
    for veto in _standing(what, approvers):
        known = approvers.approvers.get(veto.principal)
        if known is None or veto.role not in known.roles or veto.role not in asked:
            continue
        superseded = any(
            veto.envelope in each.said.supersedes
            and approvers.person(each.said.approver.principal) == veto.person
            and each.said.signed_at >= veto.at
            for each in counted
        )
        if not superseded:
            verb = {"reject": "rejected", "revoke": "revoked"}.get(veto.decision, veto.decision)
            because = f": {veto.reason}" if veto.reason else ""
            hint = f"{veto.principal} can sign again with --supersedes {veto.envelope[:12]}"
            told = f"{veto.principal} ({veto.role}) {verb} it{because}"
            yield Refusal(rule="veto", where=veto.where, reason=told, hint=hint)


def _roles(
    what: Situation, counted: Sequence[Decision], policy: SignOffPolicy, approvers: Approvers
) -> tuple[tuple[RoleState, ...], list[Refusal]]:
    """Return the state of each required role, and the approvals that would make one person fill two."""
    report = what.report
    asked = policy.roles_at(report.severity)
    offers = {role: [each for each in counted if _approves(each, role)] for role in asked}
    if policy.needs_four_eyes(report.severity):
        chosen = _distinct(list(asked), offers, approvers, {})
    else:
        chosen = {role: each[-1] for role, each in offers.items() if each}
    four_eyes = policy.needs_four_eyes(report.severity)
    busy = {approvers.person(each.said.approver.principal) for each in chosen.values()} if four_eyes else set[str]()
    states, doubled = [], []
    for role in asked:
        given = chosen.get(role)
        if given is not None:
            end = _text(approval_end(given.said, policy))
            states.append(RoleState(role=role, principal=given.said.approver.principal, expires_at=end))
            continue
        if offers[role]:
            doubled.append(_doubled(role, offers[role][-1], chosen, approvers))
        reason = f"another person must sign as {role}" if offers[role] else f"nobody has signed as {role}"
        able = [name for name in _able(role, report, approvers) if approvers.person(name) not in busy]
        told = f"{reason}; {', '.join(able)} can" if able else f"{reason}, and nobody who may sign holds that role"
        states.append(RoleState(role=role, reason=told))
    return tuple(states), doubled


def _able(role: str, report: RecoveryReport, approvers: Approvers) -> list[str]:
    holders = [name for name, each in approvers.approvers.items() if role in each.roles]
    return [name for name in holders if not author_among(report.authors, approvers.names_of(name))]


def _approves(each: Decision, role: str) -> bool:
    return each.said.decision in APPROVALS and each.said.approver.role == role


def _same_person(one: Decision, other: Decision, approvers: Approvers) -> bool:
    people = [approvers.person(each.said.approver.principal) for each in (one, other)]
    keys = [each.key.fingerprint for each in (one, other) if each.key]
    return people[0] == people[1] or keys[0] == keys[1]


def _distinct(
    roles: list[str], offers: Mapping[str, Sequence[Decision]], approvers: Approvers, taken: Mapping[str, Decision]
) -> dict[str, Decision]:
    """Return the largest choice of one approval a role in which no person appears twice."""
    if not roles:
        return dict(taken)
    role, *rest = roles
    best: dict[str, Decision] = {}
    for offer in (*offers[role], None):
        if offer is not None and any(_same_person(offer, other, approvers) for other in taken.values()):
            continue
        found = _distinct(rest, offers, approvers, {**taken, role: offer} if offer else taken)
        if len(found) > len(best):
            best = found
        if len(best) == len(taken) + len(roles):
            break
    return best


def _doubled(role: str, offer: Decision, chosen: Mapping[str, Decision], approvers: Approvers) -> Refusal:
    other = next((each for each in chosen.values() if _same_person(offer, each, approvers)), offer)
    mine, theirs = offer.said.approver, other.said.approver
    same = mine.principal == theirs.principal and offer.key == other.key
    rule = "one-person-two-roles" if mine.principal == theirs.principal else "two-keys-one-person"
    if not same and offer.key and other.key and offer.key.fingerprint != other.key.fingerprint:
        rule = "two-keys-one-person"
    told = f"{mine.principal} signed as {role}, and {theirs.principal} as {theirs.role}: that is one person"
    hint = f"With four eyes, another person must sign as {role}"
    return Refusal(rule=rule, where=offer.where, reason=told, hint=hint)


def reproduction_refusals(report: RecoveryReport, run: Reproduced) -> tuple[str, ...]:
    """Return in what a run differs from what was signed; empty when the report is about just this."""
    case = next((each for each in report.cases if each.case_id == run.case_id), None)
    if case is None:
        return (f"{report.report_id} is not about {run.case_id}",)
    found = []
    if (case.verdict, case.scope) != (run.verdict, run.scope):
        found.append(f"signed was {_words(case.verdict, case.scope)}, this run says {_words(run.verdict, run.scope)}")
    if not run.system or report.system.sha256 != run.system:
        found.append(
            f"signed was the system {report.system.sha256[:12]}, this run is about {run.system[:12] or 'none'}"
        )
    names = {"statement": "case.yaml", "trace": "trace.json", "evidence": "the evidence"}
    found += [
        f"{words} is not what was signed"
        for name, words in names.items()
        if case.digests.get(name) != run.digests.get(name)
    ]
    return tuple(found)


def _words(verdict: str, scope: str) -> str:
    return f"{verdict} ({scope.replace('_', ' ')})" if scope else verdict


def _time(text: str) -> dt.datetime:
    """Return a time in the one form this project writes, in which the order of texts is that of times."""
    moment = dt.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=dt.UTC)
    if _text(moment) != text:
        raise ValueError(text)
    return moment


def is_time(text: str) -> bool:
    """Tell whether a text is a time as this project writes it."""
    try:
        return bool(_time(text))
    except ValueError:
        return False


def _about(text: str, moment: dt.datetime) -> bool:
    """Tell whether a time of a log, which anybody may have written, is this one but for the clocks."""
    return is_time(text) and abs(_time(text) - moment) <= SKEW


def _text(moment: dt.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _once(refusals: Iterable[Refusal]) -> list[Refusal]:
    return list(dict.fromkeys(refusals))
