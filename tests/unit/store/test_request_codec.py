"""A request is the same after the codec, and a change names only the members that differ."""

from __future__ import annotations

from dataclasses import fields, replace

from hypothesis import given
from hypothesis import strategies as st

from discretion.law.deadline import DeadlineExtension, DeadlinePause
from discretion.law.jurisdiction import PauseReason, Right, TimeLength, TimeUnit
from discretion.store.ledger_names import LedgerPseudonym, NamedPeriod, SubjectNames
from discretion.store.request_codec import (
    build_progress_change,
    build_request_change,
    build_request_document,
    parse_request,
)
from discretion.store.request_state import RequesterAssurance, RequesterRole, RequestReason, RequestState
from discretion.store.schema.requests import REQUEST_COLLECTIONS
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
from tests.fixtures.subject_request import build_accepted_request

SCOPE = RequestScope(
    part="categories",
    channel="web",
    category="user.contact",
    purpose="analytics",
    is_lifted=True,
    decision="D-1",
    purposes=("marketing",),
    attributes=("contact.email", "contact.phone"),
    removed=("contact.phone",),
)
SNAPSHOT = ErasureSnapshot(
    taken_at=10,
    customers=(b"c", b"d"),
    records=(b"r",),
    own_identifiers=(b"i",),
    shared_identifiers=(b"s",),
    rulings=(b"u",),
    laws=("eu",),
    names=SubjectNames(
        (LedgerPseudonym(b"p", b"c"),),
        (
            NamedPeriod(b"q", 1, 2, frozenset({"contact.email"}), is_shared=True, customer=b"d"),
            NamedPeriod(b"r", 3, 4, frozenset(), is_shared=False),
        ),
    ),
)
PACKAGE = StoredPackage(b"q", b"c", 3, {"events": 2}, {"events": 201}, 11, 12)
FULL = SubjectRequest(
    id=b"q",
    version=7,
    right=Right.ERASURE,
    state=RequestState.ACTION_REQUIRED,
    reason=RequestReason.EVIDENCE,
    customer=b"c",
    client="app",
    subject="sub",
    reached_numbers=(b"n",),
    role=RequesterRole.GUARDIAN,
    by="guardian:app",
    assurance=RequesterAssurance.CODE,
    reference="F-1",
    contact=b"a",
    login=b"l",
    new_address=b"n",
    address_proven=17,
    laws=("eu", "us-ca"),
    received=1,
    acknowledged=2,
    identified=3,
    proof_until=4,
    ended=5,
    acknowledge_by=6,
    extend_by=7,
    due=8,
    pauses=(DeadlinePause(PauseReason.CLARIFICATION, 1, 2), DeadlinePause(PauseReason.IDENTITY, 3)),
    extension=DeadlineExtension(9, TimeLength(10, TimeUnit.DAYS)),
    extended_why="There is much of it.",
    scope=SCOPE,
    sealed={"changes": b"x"},
    needs_decision=True,
    steps=(RequestStep("depart", True, 1, 9, "AWAY", {"found": True}), RequestStep("purge")),
    history=(
        StateTransition(RequestState.ACCEPTED, 1, "self:app"),
        StateTransition(RequestState.ACTION_REQUIRED, 2, "steward:office", RequestReason.EVIDENCE),
    ),
    refusal=RequestRefusal("GDPR Art. 12", "Why.", "You can complain."),
    result=RequestResult(
        purged={"events": 2}, erased_events={"Order Completed": 1}, certificate="c.e.r", receipt="t"
    ),
    appeal_of=b"o",
    original_received=1,
    open_digest=b"n",
    next_run=13,
    lease_until=14,
    fence=2,
    code=IdentityCode("hash", 1, 15),
    codes_sent=(1, 2),
    messages=(RequestMessage(1, "self:app", b"c", b"m"),),
    warned=("week",),
    warned_at=16,
    snapshot=SNAPSHOT,
    package=PACKAGE,
)
PLAIN = replace(build_accepted_request(b"q", ()), next_run=None, history=())
MEMBERS = [field.name for field in fields(SubjectRequest) if field.name != "extended_why"]


@st.composite
def requests(draw: st.DrawFn) -> SubjectRequest:
    """Draw a request that has some of the members; the reason of an extension comes with it."""
    names = draw(st.sets(st.sampled_from(MEMBERS)))
    drawn = replace(PLAIN, **{name: getattr(FULL, name) for name in names})
    return replace(drawn, extended_why=None if drawn.extension is None else FULL.extended_why)


@given(requests())
def test_a_request_is_decoded_as_it_was_encoded(request: SubjectRequest) -> None:
    assert parse_request(build_request_document(request)) == request


@given(requests(), requests())
def test_a_change_turns_one_state_into_the_other(before: SubjectRequest, after: SubjectRequest) -> None:
    after = replace(after, id=before.id)
    change = build_request_change(before, after)
    stored = {**build_request_document(before), **change}
    assert parse_request({name: value for name, value in stored.items() if value is not None}) == after
    assert build_request_change(before, before) == {}


def test_the_schema_has_exactly_the_members_of_a_request() -> None:
    (schema,) = [collection.schema for collection in REQUEST_COLLECTIONS if collection.name == "requests"]
    assert build_request_document(FULL).keys() == schema["properties"].keys()
    assert build_request_document(PLAIN).keys() == set(schema["required"])


def test_a_certificate_removes_what_identifies_the_person() -> None:
    members = build_progress_change(StepProgress(certificate="c.e.r"))
    assert members == {"result.certificate": "c.e.r", "snapshot": None, "sealed": {}}


def test_a_step_writes_only_what_it_did() -> None:
    assert build_progress_change(StepProgress()) == {}
    progress = StepProgress(purged={"events": 2}, sealed={"old:7": b"x"}, receipt="t")
    assert build_progress_change(progress) == {
        "result.purged.events": 2,
        "sealed.old:7": b"x",
        "result.receipt": "t",
    }
