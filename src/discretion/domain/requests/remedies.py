"""Remedies against a refusal: appeal, complaint to the supervisory authority, and court (GDPR Art. 12(4))."""

from __future__ import annotations

from discretion.domain.requests.deadlines import DeadlineClock
from discretion.law.jurisdiction import Jurisdiction
from discretion.store.subject_request import SubjectRequest


def describe_remedies(deadline_clock: DeadlineClock, request: SubjectRequest) -> str:
    """Return the remedies of a refused request under the applicable laws, as a text for the person."""
    remedies = []
    if appeal_laws := deadline_clock.appeal_laws(request):
        citations = ", ".join(law.law for law in appeal_laws)
        remedies.append(f"You can appeal to us ({citations}), with appeal(request:).")
    remedies += [
        f"You can complain to {_describe_authority(law)}." for law in deadline_clock.applicable_laws(request)
    ]
    remedies.append("You can go to court.")
    return " ".join(dict.fromkeys(remedies))  # two laws may share an authority


def _describe_authority(law: Jurisdiction) -> str:
    return f"{law.authority.name} ({law.authority.url})"
