"""The record of processing activities has a row for each purpose, and no formula for a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest

from discretion.catalogue.model import Basis, Catalogue, Form
from discretion.catalogue.recipient import RecipientRole
from discretion.domain.notices.dpv import DPV_BASES, DPV_PURPOSES, DPV_ROLES, find_purpose_term
from discretion.domain.notices.facts import collect_facts
from discretion.domain.notices.processing_record import (
    ProcessingActivity,
    format_activities_csv,
    format_activities_json,
    list_activities,
)
from tests.unit.domain.notices.shipped_notices import CATALOGUE, TEMPLATES, change_entry

ENGLISH = TEMPLATES.wordings["en"].words.categories
EMAIL = "marketing.communications.email"


def list_shipped_activities(catalogue: Catalogue = CATALOGUE) -> tuple[ProcessingActivity, ...]:
    """List the processing activities of a catalogue."""
    return list_activities(collect_facts(catalogue), TEMPLATES.office, ENGLISH)


def test_each_purpose_is_an_activity_with_the_fields_of_article_30() -> None:
    activities = {activity.purpose: activity for activity in list_shipped_activities()}
    assert set(activities) == set(CATALOGUE.purposes)
    for activity in activities.values():
        assert activity.controller == CATALOGUE.controller
        assert all(activity.contact)
        assert activity.subjects
        assert activity.data
        assert activity.recipients
        assert activity.measures
        assert all(data.kept for data in activity.data)


def test_an_activity_has_the_data_that_the_catalogue_allows() -> None:
    categories = {
        activity.purpose: {data.category for data in activity.data} for activity in list_shipped_activities()
    }
    for path, attribute in CATALOGUE.attributes.items():
        for purpose in CATALOGUE.purposes:
            if purpose in {use.purpose.key for use in attribute.uses}:
                assert attribute.category in categories[purpose], path
    assert "user.behavior.browsing_history" not in categories["essential.service.payment_processing"]


def test_transfers_name_country_recipient_and_safeguard() -> None:
    (email,) = (activity for activity in list_shipped_activities() if activity.purpose == EMAIL)
    assert len(email.transfers) == 1
    assert email.transfers[0].startswith("US: Message providers (Standard contractual clauses")
    (support,) = (
        activity
        for activity in list_shipped_activities()
        if activity.purpose == "essential.service.operations.support"
    )
    assert support.transfers == ()


def test_a_purpose_without_data_is_not_an_activity() -> None:
    purposes = dict(CATALOGUE.purposes)
    purposes["analytics"] = replace(purposes[EMAIL], key="analytics", bit=62)
    assert "analytics" not in {
        activity.purpose for activity in list_shipped_activities(replace(CATALOGUE, purposes=purposes))
    }


def test_sensitive_data_are_marked() -> None:
    (support,) = (
        activity
        for activity in list_shipped_activities()
        if activity.purpose == "essential.service.operations.support"
    )
    assert {data.category: data.sensitive for data in support.data if data.sensitive} == {
        "user.health_and_medical": ("health",)
    }


def test_the_csv_has_a_line_for_each_purpose() -> None:
    head, *lines = csv.reader(io.StringIO(format_activities_csv(list_shipped_activities()), newline=""))
    assert len(lines) == len(CATALOGUE.purposes)
    assert {len(line) for line in lines} == {len(head)}
    (email,) = (dict(zip(head, line, strict=True)) for line in lines if line[0] == EMAIL)
    assert email["legal basis"] == "consent"
    assert "Message providers (processor)" in email["recipients"]
    assert "e-mail address: P3Y" in email["retention"]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r=", " ="])
def test_no_cell_is_a_formula_for_a_spreadsheet(start: str) -> None:
    """OWASP, CSV injection."""
    label = f'{start}HYPERLINK("http://evil.example")'
    text = format_activities_csv(list_shipped_activities(change_entry("purposes", EMAIL, label=label)))
    cells = [cell for line in csv.reader(io.StringIO(text, newline="")) for cell in line]
    assert f"'{label}" in cells
    assert not [cell for cell in cells if cell.lstrip()[:1] in {"=", "+", "-", "@"}]


def test_the_json_has_the_same_activities() -> None:
    activities = json.loads(format_activities_json(list_shipped_activities()))
    assert [activity["purpose"] for activity in activities] == [
        activity.purpose for activity in list_shipped_activities()
    ]
    assert activities[0]["data"][0].keys() == {"category", "label", "forms", "kept", "sensitive"}
    (email,) = (activity for activity in activities if activity["purpose"] == EMAIL)
    assert len(email["transfers"]) == 1


def test_the_forms_of_data_are_listed() -> None:
    (partner,) = (
        activity
        for activity in list_shipped_activities()
        if activity.purpose == "marketing.advertising.third_party.targeted"
    )
    forms = {data.category: data.forms for data in partner.data}
    assert forms["user.demographic.date_of_birth"] == (Form.COARSE,)


def test_every_basis_role_and_purpose_has_a_term() -> None:
    assert set(DPV_BASES) == set(Basis)
    assert set(DPV_ROLES) == set(RecipientRole)
    assert "Purpose" not in {find_purpose_term(key) for key in CATALOGUE.purposes}
    assert find_purpose_term("marketing.communications.email") == DPV_PURPOSES["marketing.communications"]
    assert find_purpose_term("train_ai_system") == "Purpose"
