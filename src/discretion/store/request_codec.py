"""The codec between a rights request and its stored document; ``schema.requests`` has the legend.

A member that says nothing is not stored. Times that only queries and sorts need are stored too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from discretion.law.deadline import DeadlineExtension, DeadlinePause
from discretion.law.jurisdiction import PauseReason, Right, TimeLength, TimeUnit
from discretion.store.document import Document, JsonValue, MutableDocument, drop_unset
from discretion.store.document_update import list_changed_members
from discretion.store.ledger_names import LedgerPseudonym, NamedPeriod, SubjectNames
from discretion.store.request_state import RequesterAssurance, RequesterRole, RequestReason, RequestState
from discretion.store.subject_request import (
    ErasureSnapshot,
    IdentityCode,
    RequestMessage,
    RequestRefusal,
    RequestResult,
    RequestScope,
    RequestStep,
    StateTransition,
    StepProgress,
    StoredPackage,
    SubjectRequest,
)

DONE, OPEN = "done", "open"
"""Stored states of a step."""


def parse_request(document: Document) -> SubjectRequest:
    """Return the request that a document stores."""
    get = document.get
    extension: Document = get("extension") or {}
    return SubjectRequest(
        id=document["_id"],
        version=document["v"],
        right=Right(document["right"]),
        state=RequestState(document["state"]),
        reason=_parse_reason(get("reason")),
        customer=get("customer"),
        client=document["client"],
        subject=document["subject"],
        role=RequesterRole(document["kind"]),
        by=document["by"],
        assurance=RequesterAssurance(document["assurance"]),
        reference=get("reference"),
        contact=get("contact"),
        login=get("login"),
        reached_numbers=None if "reached" not in document else tuple(document["reached"]),
        new_address=get("new_address"),
        address_proven=get("address_proven"),
        laws=tuple(document["laws"]),
        received=document["received"],
        acknowledged=get("acknowledged"),
        identified=get("identified"),
        proof_until=get("expires"),
        ended=get("ended"),
        acknowledge_by=get("acknowledge_by"),
        extend_by=get("extend_by"),
        due=get("due"),
        pauses=tuple(
            DeadlinePause(PauseReason(pause["reason"]), pause["start"], pause.get("end"))
            for pause in get("pauses", ())
        ),
        extension=_parse_extension(extension),
        extended_why=extension.get("why"),
        scope=_parse_scope(document["scope"]),
        sealed=document["sealed"],
        needs_decision=document["decides"],
        steps=tuple(_parse_step(step) for step in document["steps"]),
        history=tuple(
            StateTransition(
                RequestState(entry["state"]), entry["at"], entry["by"], _parse_reason(entry.get("reason"))
            )
            for entry in document["history"]
        ),
        refusal=RequestRefusal(**document["refusal"]) if "refusal" in document else None,
        result=_parse_result(get("result", {})),
        appeal_of=get("appeal_of"),
        original_received=get("began"),
        open_digest=get("open"),
        next_run=get("next"),
        lease_until=document["until"],
        fence=document["fence"],
        code=parse_code(get("code")),
        codes_sent=tuple(get("codes", ())),
        messages=tuple(
            RequestMessage(message["at"], message["by"], message["for"], message["sealed"])
            for message in get("messages", ())
        ),
        warned=tuple(get("warned", ())),
        warned_at=get("raised"),
        snapshot=_parse_snapshot(get("snapshot")),
        package=_parse_package(document["_id"], get("package")),
    )


def build_request_document(request: SubjectRequest) -> MutableDocument:
    """Return the document that stores a request."""
    optional = {
        "reason": None if request.reason is None else request.reason.value,
        "customer": request.customer,
        "reference": request.reference,
        "contact": request.contact,
        "login": request.login,
        "reached": None if request.reached_numbers is None else list(request.reached_numbers),
        "new_address": request.new_address,
        "address_proven": request.address_proven,
        "acknowledged": request.acknowledged,
        "identified": request.identified,
        "expires": request.proof_until,
        "ended": request.ended,
        "acknowledge_by": request.acknowledge_by,
        "extend_by": request.extend_by,
        "due": request.due,
        "pauses": [_build_pause(pause) for pause in request.pauses] or None,
        "extension": _build_extension(request),
        "refusal": _build_refusal(request.refusal),
        "result": _build_result(request.result) or None,
        "appeal_of": request.appeal_of,
        "began": request.original_received,
        "open": request.open_digest,
        "next": request.next_run,
        "code": build_code(request.code),
        "codes": list(request.codes_sent) or None,
        "messages": [_build_message(message) for message in request.messages] or None,
        "warned": list(request.warned) or None,
        "raised": request.warned_at,
        "snapshot": None if request.snapshot is None else _build_snapshot(request.snapshot),
        "package": None if request.package is None else _build_package(request.package),
    }
    return {
        "_id": request.id,
        "v": request.version,
        "right": request.right.value,
        "state": request.state.value,
        "client": request.client,
        "subject": request.subject,
        "kind": request.role.value,
        "by": request.by,
        "assurance": int(request.assurance),
        "laws": list(request.laws),
        "received": request.received,
        "scope": request.scope.build_members(),
        "sealed": dict(request.sealed),
        "decides": request.needs_decision,
        "steps": [_build_step(step) for step in request.steps],
        "fence": request.fence,
        "until": request.lease_until,
        "history": [_build_transition(transition) for transition in request.history],
        **drop_unset(optional),
    }


def build_request_change(before: SubjectRequest, after: SubjectRequest) -> MutableDocument:
    """Return the members that differ, each as it is stored after the change; None if it is removed."""
    return list_changed_members(build_request_document(before), build_request_document(after))


def build_progress_change(progress: StepProgress) -> MutableDocument:
    """Return the members that a step writes, by their paths; None for one that is removed."""
    members: MutableDocument = {
        **{f"result.purged.{collection}": count for collection, count in progress.purged.items()},
        **{f"sealed.{name}": cell for name, cell in progress.sealed.items()},
    }
    if progress.snapshot is not None:
        members["snapshot"] = _build_snapshot(progress.snapshot)
    if progress.erased_events:
        members["result.events"] = dict(progress.erased_events)
    if progress.package is not None:
        members["package"] = _build_package(progress.package)
    if progress.receipt is not None:
        members["result.receipt"] = progress.receipt
    if progress.certificate is not None:
        members |= {"result.certificate": progress.certificate, "snapshot": None, "sealed": {}}
    return members


def build_completion_change(index: int, output: Mapping[str, JsonValue], at: int) -> MutableDocument:
    """Return the members that mark a step as done, by their paths."""
    step = f"steps.{index}"
    return {f"{step}.state": DONE, f"{step}.at": at, f"{step}.told": dict(output), "next": at}


def build_postponement_change(index: int, attempts: int, why: str, next_run: int) -> MutableDocument:
    """Return the members that postpone a step, by their paths."""
    step = f"steps.{index}"
    return {f"{step}.why": why, f"{step}.attempts": attempts, "next": next_run}


def _parse_reason(stored: str | None) -> RequestReason | None:
    return None if stored is None else RequestReason(stored)


def _parse_extension(stored: Document) -> DeadlineExtension | None:
    if not stored:
        return None
    length = TimeLength(stored["count"], TimeUnit(stored["unit"])) if "count" in stored else None
    return DeadlineExtension(stored["told"], length)


def _build_extension(request: SubjectRequest) -> MutableDocument | None:
    extension = request.extension
    if extension is None:
        return None
    length = extension.length
    return {
        "told": extension.notified_at,
        "why": request.extended_why,
        **({} if length is None else {"count": length.count, "unit": length.unit.value}),
    }


def _build_pause(pause: DeadlinePause) -> MutableDocument:
    return drop_unset({"reason": pause.reason.value, "start": pause.start, "end": pause.end})


def _parse_scope(stored: Document) -> RequestScope:
    return RequestScope(
        part=stored.get("part"),
        channel=stored.get("channel"),
        category=stored.get("category"),
        purpose=stored.get("purpose"),
        is_lifted=stored.get("lift", False),
        decision=stored.get("decision"),
        purposes=tuple(stored.get("purposes", ())),
        attributes=tuple(stored.get("attributes", ())),
        removed=tuple(stored.get("remove", ())),
    )


def _parse_step(stored: Document) -> RequestStep:
    return RequestStep(
        stored["name"],
        stored["state"] == DONE,
        stored["attempts"],
        stored.get("at"),
        stored.get("why"),
        stored.get("told"),
    )


def _build_step(step: RequestStep) -> MutableDocument:
    stored = {
        "name": step.name,
        "state": DONE if step.is_done else OPEN,
        "attempts": step.attempts,
        "at": step.at,
        "why": step.why,
        "told": None if step.output is None else dict(step.output),
    }
    return drop_unset(stored)


def _build_transition(transition: StateTransition) -> MutableDocument:
    reason = {} if transition.reason is None else {"reason": transition.reason.value}
    return {"state": transition.state.value, "at": transition.at, "by": transition.by, **reason}


def _build_refusal(refusal: RequestRefusal | None) -> MutableDocument | None:
    return None if refusal is None else {"law": refusal.law, "words": refusal.words, "next": refusal.next}


def _parse_result(stored: Document) -> RequestResult:
    return RequestResult(
        purged=stored.get("purged", {}),
        erased_events=stored.get("events", {}),
        certificate=stored.get("certificate"),
        receipt=stored.get("receipt"),
    )


def _build_result(result: RequestResult) -> MutableDocument:
    stored = {
        "purged": dict(result.purged) or None,
        "events": dict(result.erased_events) or None,
        "certificate": result.certificate,
        "receipt": result.receipt,
    }
    return drop_unset(stored)


def parse_code(stored: Document | None) -> IdentityCode | None:
    """Parse a stored code."""
    return None if stored is None else IdentityCode(stored["hash"], stored["tries"], stored["until"])


def build_code(code: IdentityCode | None) -> MutableDocument | None:
    """Build the stored members of a code."""
    return None if code is None else {"hash": code.hash, "tries": code.tries, "until": code.valid_until}


def _build_message(message: RequestMessage) -> MutableDocument:
    return {"at": message.at, "by": message.by, "for": message.owner, "sealed": message.sealed}


def _parse_snapshot(stored: Document | None) -> ErasureSnapshot | None:
    if stored is None:
        return None
    return ErasureSnapshot(
        taken_at=stored["at"],
        customers=tuple(stored.get("customers", ())),
        records=tuple(stored.get("records", ())),
        own_identifiers=tuple(stored.get("names", ())),
        shared_identifiers=tuple(stored.get("shared", ())),
        rulings=tuple(stored.get("rulings", ())),
        laws=tuple(stored.get("laws", ())),
        names=SubjectNames(
            tuple(LedgerPseudonym(entry["n"], entry["c"]) for entry in stored.get("pseudonyms", ())),
            tuple(
                NamedPeriod(
                    entry["n"], entry["f"], entry["t"], frozenset(entry["a"]), entry["s"], entry.get("c")
                )
                for entry in stored.get("periods", ())
            ),
        ),
    )


def _build_snapshot(snapshot: ErasureSnapshot) -> MutableDocument:
    lists: Mapping[str, Iterable[object]] = {
        "customers": snapshot.customers,
        "records": snapshot.records,
        "names": snapshot.own_identifiers,
        "shared": snapshot.shared_identifiers,
        "rulings": snapshot.rulings,
        "laws": snapshot.laws,
        "pseudonyms": [
            {"n": pseudonym.value, "c": pseudonym.customer} for pseudonym in snapshot.names.pseudonyms
        ],
        "periods": [_build_named_period(period) for period in snapshot.names.periods],
    }
    return {"at": snapshot.taken_at, **{name: list(values) for name, values in lists.items() if values}}


def _build_named_period(period: NamedPeriod) -> MutableDocument:
    return {
        "n": period.pseudonym,
        "f": period.since,
        "t": period.until,
        "a": sorted(period.contents),
        "s": period.is_shared,
        **({} if period.customer is None else {"c": period.customer}),
    }


def _parse_package(request: bytes, stored: Document | None) -> StoredPackage | None:
    if stored is None:
        return None
    return StoredPackage(
        request,
        stored["customer"],
        stored["fence"],
        stored["sections"],
        stored["rows"],
        stored["made"],
        stored["until"],
    )


def _build_package(package: StoredPackage) -> MutableDocument:
    return {
        "customer": package.customer,
        "fence": package.fence,
        "sections": dict(package.sections),
        "rows": dict(package.rows),
        "made": package.made_at,
        "until": package.available_until,
    }
