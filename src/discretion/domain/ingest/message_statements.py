"""What a message states about purposes: read first, on its own, and in force whatever happens to the rest.

A choice acts at once (GDPR Art. 7(3); 11 CCR 7025(c)): a refusal must not be lost because a phone number of
the same message is wrong. Explicit choices are the content of a ``consent`` message or of Segment's
preference update; ambient choices and opt-out signals stand in the context of any message.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from discretion.catalogue.model import Catalogue, Source
from discretion.domain.ingest.ambient_statements import merge_strictest, refuse_contradicted
from discretion.domain.ingest.consent_ids import CONSENT_MANAGEMENT, read_consent_ids
from discretion.domain.ingest.consent_message import (
    CONSENT_TYPE,
    is_preference_update,
    parse_explicit_statement,
    read_explicit_refusals,
)
from discretion.domain.ingest.message import ExplicitChoice
from discretion.domain.ingest.rejection import LeftOut, MessageRejected, read_object_or_leave_out
from discretion.domain.ingest.shown_notice import FindsNotice
from discretion.domain.ingest.statement_context import StatementContext
from discretion.law.signals.gpc import GPC_HEADER
from discretion.law.signals.model import SignalMeanings
from discretion.law.signals.read_signals import (
    GPC_MEMBER,
    GPP_STRING_MEMBER,
    NO_SIGNAL,
    PrivacySignal,
    read_signals,
)
from discretion.store.consent_event import StatementMethod

UNREADABLE_SIGNAL = "unread"
PREFERENCES_PLACE = "context.consent.categoryPreferences"
_NO_OPT_OUTS: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class MessageStatements:
    """What a message states about purposes.

    Attributes:
        explicit_choices: Purpose → choice, from a message that is a statement.
        statement_context: How the explicit choices were made; None for other messages.
        ambient_choices: Purpose → permitted, as the source reports beside other content.
        signals: The senders of opt-out signals.
        iab_strings: The IAB consent strings of these signals, separated by blanks.
        dated_choices: Purpose → permitted, by a TC string, which has a date of its own.
        dated_at: When that string was last updated (ms).
        left_out: What could not be read.
        dropped: The number of choices about unknown purposes, and about those that nobody is asked about.
        rejection: Why the explicit statement is refused; then only its refusals are among its choices.
    """

    explicit_choices: Mapping[str, ExplicitChoice] = field(default_factory=dict)
    statement_context: StatementContext | None = None
    ambient_choices: Mapping[str, bool] = field(default_factory=dict)
    signals: frozenset[str] = _NO_OPT_OUTS
    iab_strings: str = field(default="", repr=False)
    dated_choices: Mapping[str, bool] = field(default_factory=dict)
    dated_at: int | None = None
    left_out: tuple[LeftOut, ...] = ()
    dropped: int = 0
    rejection: MessageRejected | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing is stated."""
        return not (self.explicit_choices or self.ambient_choices or self.dated_choices or self.signals)

    def keep_refusals(self) -> MessageStatements:
        """Return the statements without permissions.

        Of a message whose time is unknown, a permission could be older than a later refusal.
        """
        return replace(
            self,
            explicit_choices={
                key: choice for key, choice in self.explicit_choices.items() if not choice.permits
            },
            ambient_choices={key: False for key, permits in self.ambient_choices.items() if not permits},
            dated_choices={key: False for key, permits in self.dated_choices.items() if not permits},
        )


_NO_STATEMENTS = MessageStatements()
_CHOICE_MEMBERS = frozenset({"consent", CONSENT_MANAGEMENT})
"""Members of the context with what a source repeats about purposes."""


@dataclass(frozen=True, slots=True)
class MessageStatementReader:
    """Reader of statements.

    Attributes:
        catalogue: The purposes.
        signals: The meaning of opt-out signals.
        finds_notice: Whether a privacy notice exists.
    """

    catalogue: Catalogue
    signals: SignalMeanings
    finds_notice: FindsNotice

    def read(self, source: Source, raw: Mapping[str, object], *, gpc: bool) -> MessageStatements:
        """Read what a message states; ``gpc`` says that the request had the header ``Sec-GPC: 1``."""
        message_type = raw.get("type")
        # The context's own fault is reported with the rest of the message.
        context, _ = read_object_or_leave_out(raw, "context")
        signal = read_signals(self.signals, gpc, context)
        is_consent_message = message_type == CONSENT_TYPE
        is_update = is_preference_update(message_type, raw)
        if (
            signal is NO_SIGNAL
            and _CHOICE_MEMBERS.isdisjoint(context)
            and not (is_consent_message or is_update)
        ):  # as of nearly all messages
            return _NO_STATEMENTS
        preferences, left_out, unknown = (
            ({}, [], 0) if is_consent_message else self._read_preferences(context)
        )
        id_choices, id_faults = read_consent_ids(self.catalogue, source, context)
        # Beside an explicit statement only what the consent manager denies counts.
        repeated = (
            {node: False for node, permits in id_choices.items() if not permits}
            if is_consent_message or is_update
            else merge_strictest(preferences, id_choices)
        )
        statements = MessageStatements(
            ambient_choices=refuse_contradicted(repeated, signal.tcf_choices),
            dated_choices=signal.tcf_choices,
            dated_at=signal.recorded_at,
            signals=collect_opt_outs(signal),
            iab_strings=" ".join(signal.raw.values()),
            left_out=(*_list_unreadable_signals(signal), *left_out, *id_faults),
            dropped=unknown,
        )
        if is_consent_message:
            return self._add_explicit_choices(statements, source, raw)
        if is_update:
            update = {**raw, "context": {"consent": {"categoryPreferences": preferences}}}
            return self._add_explicit_choices(statements, source, update)
        return statements

    def _add_explicit_choices(
        self, statements: MessageStatements, source: Source, raw: Mapping[str, object]
    ) -> MessageStatements:
        try:
            choices, statement_context, unaskable = parse_explicit_statement(
                self.catalogue, source, raw.get("type"), raw, self.finds_notice
            )
        except MessageRejected as rejection:
            # A refusal needs no proof, so a fault of the proof or of another choice takes nothing from it.
            refusals = read_explicit_refusals(self.catalogue, raw)
            return replace(
                statements,
                explicit_choices=refusals,
                statement_context=StatementContext(StatementMethod.SOURCE) if refusals else None,
                rejection=rejection,
            )
        return replace(
            statements,
            explicit_choices=choices,
            statement_context=statement_context,
            dropped=statements.dropped + unaskable,
        )

    def _read_preferences(self, context: Mapping[str, object]) -> tuple[dict[str, bool], list[LeftOut], int]:
        """Read Segment's consent object; a choice about an unknown purpose is dropped and counted."""
        consent, consent_fault = read_object_or_leave_out(context, "consent", "context.consent")
        preferences, preferences_fault = read_object_or_leave_out(
            consent, "categoryPreferences", PREFERENCES_PLACE
        )
        left_out = [fault for fault in (consent_fault, preferences_fault) if fault is not None]
        choices: dict[str, bool] = {}
        unknown = 0
        for purpose, permits in preferences.items():
            if not is_known_purpose(self.catalogue, purpose):
                unknown += 1
            elif isinstance(permits, bool):
                choices[purpose] = permits
            else:
                place = f"{PREFERENCES_PLACE}.{purpose}"
                left_out.append(LeftOut(place, "TYPE_WRONG", "It takes true or false for each purpose."))
        return choices, left_out, unknown


def collect_opt_outs(signal: PrivacySignal) -> frozenset[str]:
    """Return the senders of opt-out signals; GPC is one sender, as header or as property.

    An unreadable GPP string may contain an opt-out, so it counts as one.
    """
    if signal is NO_SIGNAL:
        return _NO_OPT_OUTS
    unreadable = {
        UNREADABLE_SIGNAL for problem in signal.problems if problem.place.startswith(GPP_STRING_MEMBER)
    }
    if not signal.has_opt_out:
        return frozenset(unreadable)
    return frozenset(
        unreadable.union(GPC_MEMBER if sender == GPC_HEADER else sender for sender in signal.sources)
    )


def is_known_purpose(catalogue: Catalogue, purpose: str) -> bool:
    """Return whether a purpose is a node of the catalogue's tree of purposes."""
    return any(key == purpose or key.startswith(purpose + ".") for key in catalogue.purposes)


def _list_unreadable_signals(signal: PrivacySignal) -> Sequence[LeftOut]:
    if signal is NO_SIGNAL:
        return ()
    places = dict.fromkeys(problem.place.partition("/")[0] for problem in signal.problems)
    return [LeftOut(f"context.{place}", "SIGNAL_UNREADABLE", "It cannot be read.") for place in places]
