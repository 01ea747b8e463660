"""The codec between a rights request and its stored document; ``schema.requests`` has the legend.

A member that says nothing is not stored. Times that only queries and sorts need are stored too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from discretion.law.deadline import DeadlineExtension, DeadlinePause
from discretion.law.jurisdiction import PauseReason, Right, TimeLength, TimeUnit
from discretion.store.document import Document, JsonValue, MutableDocument
from discretion.store.document_update import list_changed_members
from discretion.store.request_state import Assurance, RequesterRole, RequestReason, RequestState
from discretion.store.subject_request import (
    ErasureSnapshot,
    IdentityCode,
    LedgerPseudonym,
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


def decode_request(document: Document) -> SubjectRequest:
    """Return the request that a document stores."""
    get = document.get
    extension: Document = get("extension") or {}
    return SubjectRequest(
        id=document["_id"],
        version=document["v"],
        right=Right(document["right"]),
        state=RequestState(document["state"]),
        reason=_decode_reason(get("reason")),
        customer=get("customer"),
        client=document["client"],
        subject=document["subject"],
        role=RequesterRole(document["kind"]),
        by=document["by"],
        assurance=Assurance(document["assurance"]),
        reference=get("reference"),
        contact=get("contact"),
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
        extension=_decode_extension(extension),
        extended_why=extension.get("why"),
        scope=_decode_scope(document["scope"]),
        sealed=document["sealed"],
        needs_decision=document["decides"],
        steps=tuple(_decode_step(step) for step in document["steps"]),
        history=tuple(
            StateTransition(
                RequestState(entry["state"]), entry["at"], entry["by"], _decode_reason(entry.get("reason"))
            )
            for entry in document["history"]
        ),
        refusal=RequestRefusal(**document["refusal"]) if "refusal" in document else None,
        result=_decode_result(get("result", {})),
        appeal_of=get("appeal_of"),
        original_received=get("began"),
        open_digest=get("open"),
        next_run=get("next"),
        lease_until=document["until"],
        fence=document["fence"],
        code=_decode_code(get("code")),
        codes_sent=tuple(get("codes", ())),
        messages=tuple(
            RequestMessage(message["at"], message["by"], message["for"], message["sealed"])
            for message in get("messages", ())
        ),
        warned=tuple(get("warned", ())),
        warned_at=get("raised"),
        snapshot=_decode_snapshot(get("snapshot")),
        package=_decode_package(document["_id"], get("package")),
    )


def encode_request(request: SubjectRequest) -> MutableDocument:
    """Return the document that stores a request."""
    optional = {
        "reason": None if request.reason is None else request.reason.value,
        "customer": request.customer,
        "reference": request.reference,
        "contact": request.contact,
        "acknowledged": request.acknowledged,
        "identified": request.identified,
        "expires": request.proof_until,
        "ended": request.ended,
        "acknowledge_by": request.acknowledge_by,
        "extend_by": request.extend_by,
        "due": request.due,
        "pauses": [_encode_pause(pause) for pause in request.pauses] or None,
        "extension": _encode_extension(request),
        "refusal": _encode_refusal(request.refusal),
        "result": _encode_result(request.result) or None,
        "appeal_of": request.appeal_of,
        "began": request.original_received,
        "open": request.open_digest,
        "next": request.next_run,
        "code": _encode_code(request.code),
        "codes": list(request.codes_sent) or None,
        "messages": [_encode_message(message) for message in request.messages] or None,
        "warned": list(request.warned) or None,
        "raised": request.warned_at,
        "snapshot": None if request.snapshot is None else _encode_snapshot(request.snapshot),
        "package": None if request.package is None else _encode_package(request.package),
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
        "steps": [_encode_step(step) for step in request.steps],
        "fence": request.fence,
        "until": request.lease_until,
        "history": [_encode_transition(transition) for transition in request.history],
        **_drop_unset(optional),
    }


def encode_change(before: SubjectRequest, after: SubjectRequest) -> MutableDocument:
    """Return the members that differ, each as it is stored after the change; None if it is removed."""
    return list_changed_members(encode_request(before), encode_request(after))


def encode_progress(progress: StepProgress) -> MutableDocument:
    """Return the members that a step writes, by their paths; None for one that is removed."""
    members: MutableDocument = {
        **{f"result.purged.{collection}": count for collection, count in progress.purged.items()},
        **{f"sealed.{name}": cell for name, cell in progress.sealed.items()},
    }
    if progress.snapshot is not None:
        members["snapshot"] = _encode_snapshot(progress.snapshot)
    if progress.erased_events:
        members["result.events"] = dict(progress.erased_events)
    if progress.package is not None:
        members["package"] = _encode_package(progress.package)
    if progress.receipt is not None:
        members["result.receipt"] = progress.receipt
    if progress.certificate is not None:
        members |= {"result.certificate": progress.certificate, "snapshot": None, "sealed": {}}
    return members


def encode_completion(index: int, output: Mapping[str, JsonValue], at: int) -> MutableDocument:
    """Return the members that mark a step as done, by their paths."""
    step = f"steps.{index}"
    return {f"{step}.state": DONE, f"{step}.at": at, f"{step}.told": dict(output), "next": at}


def encode_postponement(index: int, attempts: int, why: str, next_run: int) -> MutableDocument:
    """Return the members that postpone a step, by their paths."""
    step = f"steps.{index}"
    return {f"{step}.why": why, f"{step}.attempts": attempts, "next": next_run}


def _drop_unset(members: Document) -> MutableDocument:
    return {name: value for name, value in members.items() if value is not None}


def _decode_reason(stored: str | None) -> RequestReason | None:
    return None if stored is None else RequestReason(stored)


def _decode_extension(stored: Document) -> DeadlineExtension | None:
    if not stored:
        return None
    length = TimeLength(stored["count"], TimeUnit(stored["unit"])) if "count" in stored else None
    return DeadlineExtension(stored["told"], length)


def _encode_extension(request: SubjectRequest) -> MutableDocument | None:
    extension = request.extension
    if extension is None:
        return None
    length = extension.length
    return {
        "told": extension.notified_at,
        "why": request.extended_why,
        **({} if length is None else {"count": length.count, "unit": length.unit.value}),
    }


def _encode_pause(pause: DeadlinePause) -> MutableDocument:
    return _drop_unset({"reason": pause.reason.value, "start": pause.start, "end": pause.end})


def _decode_scope(stored: Document) -> RequestScope:
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


def _decode_step(stored: Document) -> RequestStep:
    return RequestStep(
        stored["name"],
        stored["state"] == DONE,
        stored["attempts"],
        stored.get("at"),
        stored.get("why"),
        stored.get("told"),
    )


def _encode_step(step: RequestStep) -> MutableDocument:
    stored = {
        "name": step.name,
        "state": DONE if step.is_done else OPEN,
        "attempts": step.attempts,
        "at": step.at,
        "why": step.why,
        "told": None if step.output is None else dict(step.output),
    }
    return _drop_unset(stored)


def _encode_transition(transition: StateTransition) -> MutableDocument:
    reason = {} if transition.reason is None else {"reason": transition.reason.value}
    return {"state": transition.state.value, "at": transition.at, "by": transition.by, **reason}


def _encode_refusal(refusal: RequestRefusal | None) -> MutableDocument | None:
    return None if refusal is None else {"law": refusal.law, "words": refusal.words, "next": refusal.next}


def _decode_result(stored: Document) -> RequestResult:
    return RequestResult(
        purged=stored.get("purged", {}),
        erased_events=stored.get("events", {}),
        certificate=stored.get("certificate"),
        receipt=stored.get("receipt"),
    )


def _encode_result(result: RequestResult) -> MutableDocument:
    stored = {
        "purged": dict(result.purged) or None,
        "events": dict(result.erased_events) or None,
        "certificate": result.certificate,
        "receipt": result.receipt,
    }
    return _drop_unset(stored)


def _decode_code(stored: Document | None) -> IdentityCode | None:
    return None if stored is None else IdentityCode(stored["hash"], stored["tries"], stored["until"])


def _encode_code(code: IdentityCode | None) -> MutableDocument | None:
    return None if code is None else {"hash": code.hash, "tries": code.tries, "until": code.valid_until}


def _encode_message(message: RequestMessage) -> MutableDocument:
    return {"at": message.at, "by": message.by, "for": message.owner, "sealed": message.sealed}


def _decode_snapshot(stored: Document | None) -> ErasureSnapshot | None:
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
        pseudonyms=tuple(LedgerPseudonym(entry["n"], entry["c"]) for entry in stored.get("pseudonyms", ())),
    )


def _encode_snapshot(snapshot: ErasureSnapshot) -> MutableDocument:
    lists: Mapping[str, Iterable[object]] = {
        "customers": snapshot.customers,
        "records": snapshot.records,
        "names": snapshot.own_identifiers,
        "shared": snapshot.shared_identifiers,
        "rulings": snapshot.rulings,
        "laws": snapshot.laws,
        "pseudonyms": [{"n": pseudonym.value, "c": pseudonym.customer} for pseudonym in snapshot.pseudonyms],
    }
    return {"at": snapshot.taken_at, **{name: list(values) for name, values in lists.items() if values}}


def _decode_package(request: bytes, stored: Document | None) -> StoredPackage | None:
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


def _encode_package(package: StoredPackage) -> MutableDocument:
    return {
        "customer": package.customer,
        "fence": package.fence,
        "sections": dict(package.sections),
        "rows": dict(package.rows),
        "made": package.made_at,
        "until": package.available_until,
    }
