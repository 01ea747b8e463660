"""The due date of a step of a request under each law, counted by hand on the calendar."""

from __future__ import annotations

from typing import NamedTuple


class Vector(NamedTuple):
    """A request in local time, and the last day of a step."""

    key: str
    right: str
    step: str
    received: str
    day: str
    comment: str
    identified: str = ""
    pauses: tuple[str, ...] = ()  # reason, start, end, ...
    extended: str = ""


VECTORS = (
    # EU: months, and the end rolls over weekends and Belgian holidays
    Vector("eu", "access", "respond", "2026-01-31T10:00", "2026-03-02", "28 February is a Saturday"),
    Vector("eu", "access", "respond", "2026-01-30T10:00", "2026-03-02", "no 30 February either"),
    Vector("eu", "access", "respond", "2028-01-31T10:00", "2028-02-29", "a leap year, a Tuesday"),
    Vector("eu", "erasure", "respond", "2028-02-29T10:00", "2028-03-29", "from a leap day"),
    Vector("eu", "erasure", "respond", "2027-01-29T10:00", "2027-03-01", "28 February 2027 is a Sunday"),
    Vector("eu", "access", "respond", "2026-03-05T10:00", "2026-04-07", "Easter Sunday and Monday"),
    Vector("eu", "access", "respond", "2026-03-03T10:00", "2026-04-03", "Good Friday is worked in Belgium"),
    Vector("eu", "access", "respond", "2026-11-25T10:00", "2026-12-28", "Christmas is a Friday"),
    Vector("eu", "correction", "respond", "2026-06-10T23:59", "2026-07-10", "the last minute of a day"),
    Vector("eu", "correction", "respond", "2026-06-11T00:00", "2026-07-13", "the first minute; a Saturday"),
    Vector("eu", "portability", "respond", "2026-03-10T23:30", "2026-04-10", "summer time begins"),
    Vector("eu", "objection", "respond", "2026-10-12T10:00", "2026-11-12", "summer time ends"),
    Vector("eu", "restriction", "refuse", "2026-01-31T10:00", "2026-03-02", "a refusal takes no longer"),
    Vector(
        "eu", "access", "respond", "2026-01-31T10:00", "2026-04-30", "3 months", extended="2026-02-27T09:00"
    ),
    Vector(
        "eu", "access", "respond", "2025-11-30T10:00", "2026-03-02", "3 months", extended="2025-12-20T09:00"
    ),
    Vector("eu", "access", "extend", "2026-01-31T10:00", "2026-03-02", "notified in the first month"),
    Vector("eu", "withdraw_consent", "respond", "2026-01-31T10:00", "2026-01-31", "at once"),
    # UK: English holidays; since February 2026 the clock waits for identity and may pause
    Vector("gb", "access", "respond", "2026-01-15T10:00", "2026-02-16", "a Sunday; the rule before"),
    Vector(
        "gb",
        "access",
        "respond",
        "2026-03-03T10:00",
        "2026-04-07",
        "Good Friday to Easter Monday",
        "2026-03-03T10:00",
    ),
    Vector(
        "gb",
        "access",
        "respond",
        "2026-05-01T10:00",
        "2026-06-11",
        "from proof of identity",
        "2026-05-11T09:00",
    ),
    Vector(
        "gb",
        "access",
        "respond",
        "2026-11-28T10:00",
        "2026-12-29",
        "Boxing Day made up for",
        "2026-11-28T10:00",
    ),
    Vector(
        "gb",
        "access",
        "respond",
        "2026-06-01T10:00",
        "2026-07-08",
        "seven days stand still",
        "2026-06-01T10:00",
        ("clarification", "2026-06-10T12:00", "2026-06-17T12:00"),
    ),
    Vector(
        "gb",
        "access",
        "respond",
        "2026-06-01T10:00",
        "2026-07-10",
        "two pauses share four days",
        "2026-06-01T10:00",
        (
            "clarification",
            "2026-06-10T12:00",
            "2026-06-16T12:00",
            "identity",
            "2026-06-12T12:00",
            "2026-06-19T12:00",
        ),
    ),
    Vector(
        "gb",
        "access",
        "respond",
        "2026-06-01T10:00",
        "2026-07-01",
        "a pause when all is over",
        "2026-06-01T10:00",
        ("clarification", "2026-07-02T00:00", "2026-07-20T12:00"),
    ),
    Vector(
        "gb",
        "access",
        "respond",
        "2026-06-01T10:00",
        "2026-09-08",
        "pause and 3 months",
        "2026-06-01T10:00",
        ("clarification", "2026-06-10T12:00", "2026-06-17T12:00"),
        "2026-07-08T23:59",
    ),
    Vector(
        "gb",
        "access",
        "respond",
        "2026-03-20T10:00",
        "2026-04-30",
        "ten days over a change of clocks",
        "2026-03-20T10:00",
        ("identity", "2026-03-25T23:30", "2026-04-04T00:30"),
    ),
    Vector("gb", "complaint", "acknowledge", "2026-07-01T10:00", "2026-07-31", "30 days"),
    # Switzerland
    Vector("ch", "access", "respond", "2026-01-31T10:00", "2026-03-02", "30 days"),
    # California: business days without federal holidays; from receipt whatever verifying takes
    Vector("us-ca", "access", "acknowledge", "2026-11-20T10:00", "2026-12-07", "Thanksgiving"),
    Vector("us-ca", "access", "respond", "2026-11-20T10:00", "2027-01-04", "45 days"),
    Vector(
        "us-ca", "access", "respond", "2026-11-20T10:00", "2027-01-04", "verified late", "2026-12-10T10:00"
    ),
    Vector(
        "us-ca",
        "erasure",
        "respond",
        "2026-11-20T10:00",
        "2027-02-18",
        "90 days",
        extended="2027-01-04T23:59",
    ),
    Vector(
        "us-ca", "opt_out_sale", "respond", "2026-06-15T10:00", "2026-07-08", "Juneteenth, Independence Day"
    ),
    Vector("us-ca", "opt_out_sale", "respond", "2026-06-13T10:00", "2026-07-07", "from a Saturday"),
    Vector("us-ca", "limit_sensitive", "respond", "2026-06-15T10:00", "2026-07-08", "as an opt-out"),
    Vector("us-ca", "correction", "respond", "2026-10-20T23:30", "2026-12-04", "summer time ends"),
    Vector("us-ca", "correction", "respond", "2026-02-20T10:00", "2026-04-06", "summer time begins"),
    Vector("us-ca", "automated_decision", "respond", "2027-01-04T10:00", "2027-01-26", "King's birthday"),
    # other states: calendar days, extension, appeal
    Vector("us-va", "access", "respond", "2026-01-31T10:00", "2026-03-17", "45 days"),
    Vector(
        "us-va", "access", "respond", "2026-01-31T10:00", "2026-05-01", "90 days", extended="2026-03-17T10:00"
    ),
    Vector("us-va", "access", "respond", "2028-01-31T10:00", "2028-03-16", "45 days, a leap year"),
    Vector("us-va", "access", "appeal", "2026-03-20T10:00", "2026-05-19", "60 days"),
    Vector("us-va", "opt_out_targeting", "respond", "2026-01-31T10:00", "2026-03-17", "45 days"),
    Vector("us-co", "access", "respond", "2026-01-31T10:00", "2026-03-17", "45 days"),
    Vector("us-co", "access", "appeal", "2026-03-20T10:00", "2026-05-04", "45 days"),
    Vector(
        "us-co", "access", "appeal", "2026-03-20T10:00", "2026-07-03", "105 days", extended="2026-05-04T10:00"
    ),
    Vector("us-co", "access", "appeal_extend", "2026-03-20T10:00", "2026-05-04", "notified in the first"),
    Vector("us-ct", "access", "appeal", "2026-03-20T10:00", "2026-05-19", "60 days"),
    Vector("us-ct", "withdraw_consent", "respond", "2026-03-20T10:00", "2026-04-04", "15 days"),
    Vector("us-tx", "erasure", "appeal", "2026-03-20T10:00", "2026-05-19", "60 days"),
    Vector("us-or", "recipients", "respond", "2026-01-31T10:00", "2026-03-17", "45 days"),
    Vector("us-or", "access", "appeal", "2026-03-20T10:00", "2026-05-04", "45 days"),
    Vector("us-ia", "access", "respond", "2026-01-31T10:00", "2026-05-01", "90 days"),
    Vector(
        "us-ia",
        "access",
        "respond",
        "2026-01-31T10:00",
        "2026-06-15",
        "135 days",
        extended="2026-04-30T10:00",
    ),
    Vector("us-ia", "opt_out_sale", "appeal", "2026-03-20T10:00", "2026-05-19", "60 days"),
    # Brazil
    Vector("br", "access", "summary", "2026-02-14T10:00", "2026-02-14", "at once"),
    Vector("br", "access", "respond", "2026-02-14T10:00", "2026-03-01", "15 days, to a Sunday"),
    Vector("br", "correction", "respond", "2026-02-14T23:59", "2026-02-14", "at once"),
    # Canada and Québec
    Vector("ca", "access", "respond", "2026-01-31T10:00", "2026-03-02", "30 days"),
    Vector(
        "ca", "access", "respond", "2026-01-31T10:00", "2026-04-01", "60 days", extended="2026-03-02T10:00"
    ),
    Vector("ca", "access", "refuse", "2026-01-31T10:00", "2026-03-02", "silence would be a refusal"),
    Vector("ca-qc", "access", "respond", "2026-02-01T10:00", "2026-03-03", "30 days"),
    Vector("ca-qc", "deindexing", "respond", "2026-02-01T10:00", "2026-03-03", "30 days"),
    # China, Japan
    Vector("cn", "access", "respond", "2026-01-31T10:00", "2026-03-02", "30 days"),
    Vector("jp", "correction", "respond", "2026-02-20T10:00", "2026-03-06", "14 days"),
    # India: the rules of 2011 until those of 2025 bind
    Vector("in", "complaint", "respond", "2026-11-24T10:00", "2026-12-24", "a month"),
    Vector("in", "complaint", "respond", "2027-05-12T23:59", "2027-06-12", "the last day of the old rules"),
    Vector("in", "complaint", "respond", "2027-05-13T00:00", "2027-08-11", "90 days"),
    # South Africa
    Vector("za", "access", "respond", "2026-01-31T10:00", "2026-03-02", "30 days"),
    Vector(
        "za", "access", "respond", "2026-01-31T10:00", "2026-04-01", "60 days", extended="2026-02-28T10:00"
    ),
    Vector("za", "correction", "respond", "2026-02-01T10:00", "2026-03-03", "30 days"),
    # unknown
    Vector("unknown", "access", "acknowledge", "2026-01-31T10:00", "2026-02-10", "10 days"),
    Vector("unknown", "access", "summary", "2026-01-31T10:00", "2026-01-31", "at once"),
    Vector("unknown", "access", "respond", "2026-01-31T10:00", "2026-02-14", "14 days"),
    Vector("unknown", "erasure", "respond", "2026-01-31T10:00", "2026-01-31", "at once"),
    Vector("unknown", "access", "appeal", "2026-03-20T10:00", "2026-05-04", "45 days"),
    # refusals take no longer than answers
    Vector("ch", "access", "refuse", "2026-01-31T10:00", "2026-03-02", "30 days"),
    Vector("cn", "access", "refuse", "2026-01-31T10:00", "2026-03-02", "30 days"),
    Vector("za", "access", "refuse", "2026-01-31T10:00", "2026-03-02", "30 days"),
    Vector("gb", "access", "refuse", "2026-01-31T10:00", "2026-03-02", "28 February is a Saturday"),
    Vector("ca-qc", "access", "refuse", "2026-01-31T10:00", "2026-03-02", "silence would be a refusal"),
    Vector("us-ca", "access", "refuse", "2026-01-31T10:00", "2026-03-17", "45 days"),
    Vector("us-va", "access", "refuse", "2026-01-31T10:00", "2026-03-17", "45 days"),
    Vector("us-co", "access", "refuse", "2026-01-31T10:00", "2026-03-17", "45 days"),
    Vector("us-ct", "access", "refuse", "2026-01-31T10:00", "2026-03-17", "45 days"),
    Vector("us-tx", "access", "refuse", "2026-01-31T10:00", "2026-03-17", "45 days"),
    Vector("us-or", "access", "refuse", "2026-01-31T10:00", "2026-03-17", "45 days"),
    Vector("us-ia", "access", "refuse", "2026-01-31T10:00", "2026-05-01", "90 days"),
    Vector("unknown", "access", "refuse", "2026-01-31T10:00", "2026-02-14", "14 days"),
    Vector(
        "us-co", "access", "respond", "2026-01-31T10:00", "2026-05-01", "90 days", extended="2026-03-17T10:00"
    ),
    Vector(
        "us-ct", "access", "respond", "2026-01-31T10:00", "2026-05-01", "90 days", extended="2026-03-17T10:00"
    ),
    Vector(
        "us-tx", "access", "respond", "2026-01-31T10:00", "2026-05-01", "90 days", extended="2026-03-17T10:00"
    ),
    Vector(
        "us-or", "access", "respond", "2026-01-31T10:00", "2026-05-01", "90 days", extended="2026-03-17T10:00"
    ),
    Vector("us-ct", "access", "respond", "2026-01-31T10:00", "2026-03-17", "45 days"),
    Vector("us-tx", "access", "respond", "2026-01-31T10:00", "2026-03-17", "45 days"),
    # states that follow Virginia
    Vector("us-mt", "access", "respond", "2026-01-31T10:00", "2026-03-17", "45 days"),
    Vector(
        "us-mt", "access", "respond", "2026-01-31T10:00", "2026-05-01", "90 days", extended="2026-03-17T10:00"
    ),
    Vector("us-mt", "access", "refuse", "2026-01-31T10:00", "2026-03-17", "45 days"),
    Vector("us-mt", "access", "appeal", "2026-03-20T10:00", "2026-05-19", "60 days"),
    Vector("us-de", "access", "respond", "2026-01-31T10:00", "2026-03-17", "45 days"),
    Vector(
        "us-de", "access", "respond", "2026-01-31T10:00", "2026-05-01", "90 days", extended="2026-03-17T10:00"
    ),
    Vector("us-de", "access", "refuse", "2026-01-31T10:00", "2026-03-17", "45 days"),
    Vector("us-de", "access", "appeal", "2026-03-20T10:00", "2026-05-19", "60 days"),
    Vector("us-nh", "access", "respond", "2026-01-31T10:00", "2026-03-17", "45 days"),
    Vector(
        "us-nh", "access", "respond", "2026-01-31T10:00", "2026-05-01", "90 days", extended="2026-03-17T10:00"
    ),
    Vector("us-nh", "access", "refuse", "2026-01-31T10:00", "2026-03-17", "45 days"),
    Vector("us-nh", "access", "appeal", "2026-03-20T10:00", "2026-05-19", "60 days"),
    Vector("us-ne", "access", "respond", "2026-01-31T10:00", "2026-03-17", "45 days"),
    Vector(
        "us-ne", "access", "respond", "2026-01-31T10:00", "2026-05-01", "90 days", extended="2026-03-17T10:00"
    ),
    Vector("us-ne", "access", "refuse", "2026-01-31T10:00", "2026-03-17", "45 days"),
    Vector("us-ne", "access", "appeal", "2026-03-20T10:00", "2026-05-19", "60 days"),
    Vector("us-nj", "access", "respond", "2026-01-31T10:00", "2026-03-17", "45 days"),
    Vector(
        "us-nj", "access", "respond", "2026-01-31T10:00", "2026-05-01", "90 days", extended="2026-03-17T10:00"
    ),
    Vector("us-nj", "access", "refuse", "2026-01-31T10:00", "2026-03-17", "45 days"),
    Vector("us-nj", "access", "appeal", "2026-03-20T10:00", "2026-05-04", "45 days"),
    Vector("us-tn", "access", "respond", "2026-01-31T10:00", "2026-03-17", "45 days"),
    Vector(
        "us-tn", "access", "respond", "2026-01-31T10:00", "2026-05-01", "90 days", extended="2026-03-17T10:00"
    ),
    Vector("us-tn", "access", "refuse", "2026-01-31T10:00", "2026-03-17", "45 days"),
    Vector("us-tn", "access", "appeal", "2026-03-20T10:00", "2026-05-19", "60 days"),
    Vector("us-mn", "access", "respond", "2026-01-31T10:00", "2026-03-17", "45 days"),
    Vector(
        "us-mn", "access", "respond", "2026-01-31T10:00", "2026-05-01", "90 days", extended="2026-03-17T10:00"
    ),
    Vector("us-mn", "access", "refuse", "2026-01-31T10:00", "2026-03-17", "45 days"),
    Vector("us-mn", "access", "appeal", "2026-03-20T10:00", "2026-05-04", "45 days"),
    Vector("us-md", "access", "respond", "2026-01-31T10:00", "2026-03-17", "45 days"),
    Vector(
        "us-md", "access", "respond", "2026-01-31T10:00", "2026-05-01", "90 days", extended="2026-03-17T10:00"
    ),
    Vector("us-md", "access", "refuse", "2026-01-31T10:00", "2026-03-17", "45 days"),
    Vector("us-md", "access", "appeal", "2026-03-20T10:00", "2026-05-19", "60 days"),
    Vector("us-in", "access", "respond", "2026-01-31T10:00", "2026-03-17", "45 days"),
    Vector(
        "us-in", "access", "respond", "2026-01-31T10:00", "2026-05-01", "90 days", extended="2026-03-17T10:00"
    ),
    Vector("us-in", "access", "refuse", "2026-01-31T10:00", "2026-03-17", "45 days"),
    Vector("us-in", "access", "appeal", "2026-03-20T10:00", "2026-05-19", "60 days"),
    Vector("us-ky", "access", "respond", "2026-01-31T10:00", "2026-03-17", "45 days"),
    Vector(
        "us-ky", "access", "respond", "2026-01-31T10:00", "2026-05-01", "90 days", extended="2026-03-17T10:00"
    ),
    Vector("us-ky", "access", "refuse", "2026-01-31T10:00", "2026-03-17", "45 days"),
    Vector("us-ky", "access", "appeal", "2026-03-20T10:00", "2026-05-19", "60 days"),
    Vector("us-ri", "access", "respond", "2026-01-31T10:00", "2026-03-17", "45 days"),
    Vector(
        "us-ri", "access", "respond", "2026-01-31T10:00", "2026-05-01", "90 days", extended="2026-03-17T10:00"
    ),
    Vector("us-ri", "access", "refuse", "2026-01-31T10:00", "2026-03-17", "45 days"),
    Vector("us-ri", "access", "appeal", "2026-03-20T10:00", "2026-05-19", "60 days"),
    Vector("us-ut", "access", "respond", "2026-01-31T10:00", "2026-03-17", "45 days"),
    Vector(
        "us-ut", "access", "respond", "2026-01-31T10:00", "2026-05-01", "90 days", extended="2026-03-17T10:00"
    ),
    Vector("us-ut", "access", "refuse", "2026-01-31T10:00", "2026-03-17", "45 days"),
    Vector(
        "us-mn", "access", "appeal", "2026-03-20T10:00", "2026-07-03", "105 days", extended="2026-05-04T10:00"
    ),
    Vector("us-or", "withdraw_consent", "respond", "2026-03-20T10:00", "2026-04-04", "15 days"),
    Vector("us-ut", "correction", "respond", "2026-07-01T10:00", "2026-08-15", "45 days"),
)
