"""The record of processing activities has a row for each purpose, and no spreadsheet runs it."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest

from discretion.catalogue.model import Basis, Catalogue, Form
from discretion.catalogue.recipient import Role
from discretion.domain.notices.dpv import BASES, PURPOSES, ROLES, purpose_term
from discretion.domain.notices.facts import facts
from discretion.domain.notices.processing_record import Activity, activities, as_csv, as_json
from tests.unit.domain.notices.shipped_notices import CATALOGUE, STATIONERY, changed

ENGLISH = STATIONERY.wordings["en"].words.categories
EMAIL = "marketing.communications.email"


def rows(catalogue: Catalogue = CATALOGUE) -> tuple[Activity, ...]:
    """The record."""
    return activities(facts(catalogue), STATIONERY.office, ENGLISH)


def test_each_purpose_is_an_activity_with_all_that_article_30_asks_for() -> None:
    found = {one.purpose: one for one in rows()}
    assert set(found) == set(CATALOGUE.purposes)
    for one in found.values():
        assert one.controller == CATALOGUE.controller
        assert all(one.contact)
        assert one.subjects
        assert one.data
        assert one.recipients
        assert one.measures
        assert all(data.kept for data in one.data)


def test_an_activity_takes_the_data_that_the_catalogue_lets_it_take() -> None:
    found = {one.purpose: {data.category for data in one.data} for one in rows()}
    for path, attribute in CATALOGUE.attributes.items():
        for purpose in CATALOGUE.purposes:
            if purpose in {use.purpose.key for use in attribute.uses}:
                assert attribute.category in found[purpose], path
    assert "user.behavior.browsing_history" not in found["essential.service.payment_processing"]


def test_transfers_name_country_recipient_and_safeguard() -> None:
    (email,) = (one for one in rows() if one.purpose == EMAIL)
    assert len(email.transfers) == 1
    assert email.transfers[0].startswith("US: Message providers (Standard contractual clauses")
    (support,) = (one for one in rows() if one.purpose == "essential.service.operations.support")
    assert support.transfers == ()


def test_a_purpose_that_takes_no_data_is_no_activity() -> None:
    purposes = dict(CATALOGUE.purposes)
    purposes["analytics"] = replace(purposes[EMAIL], key="analytics", bit=62)
    assert "analytics" not in {one.purpose for one in rows(replace(CATALOGUE, purposes=purposes))}


def test_sensitive_data_are_marked() -> None:
    (support,) = (one for one in rows() if one.purpose == "essential.service.operations.support")
    assert {data.category: data.sensitive for data in support.data if data.sensitive} == {
        "user.health_and_medical": ("health",)
    }


def test_the_csv_has_a_line_for_each_purpose() -> None:
    head, *lines = csv.reader(io.StringIO(as_csv(rows()), newline=""))
    assert len(lines) == len(CATALOGUE.purposes)
    assert {len(line) for line in lines} == {len(head)}
    (email,) = (dict(zip(head, line, strict=True)) for line in lines if line[0] == EMAIL)
    assert email["legal basis"] == "consent"
    assert "Message providers (processor)" in email["recipients"]
    assert "e-mail address: P3Y" in email["retention"]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r=", " ="])
def test_no_cell_is_a_formula_to_a_spreadsheet(start: str) -> None:
    """OWASP, CSV injection."""
    label = f'{start}HYPERLINK("http://evil.example")'
    text = as_csv(rows(changed("purposes", EMAIL, label=label)))
    cells = [cell for line in csv.reader(io.StringIO(text, newline="")) for cell in line]
    assert f"'{label}" in cells
    assert not [cell for cell in cells if cell.lstrip()[:1] in {"=", "+", "-", "@"}]


def test_the_json_says_the_same() -> None:
    told = json.loads(as_json(rows()))
    assert [one["purpose"] for one in told] == [one.purpose for one in rows()]
    assert told[0]["data"][0].keys() == {"category", "label", "forms", "kept", "sensitive"}
    (email,) = (one for one in told if one["purpose"] == EMAIL)
    assert len(email["transfers"]) == 1


def test_the_forms_of_data_are_told() -> None:
    (partner,) = (one for one in rows() if one.purpose == "marketing.advertising.third_party.targeted")
    forms = {data.category: data.forms for data in partner.data}
    assert forms["user.demographic.date_of_birth"] == (Form.COARSE,)


def test_every_basis_role_and_purpose_has_a_term() -> None:
    assert set(BASES) == set(Basis)
    assert set(ROLES) == set(Role)
    assert "Purpose" not in {purpose_term(key) for key in CATALOGUE.purposes}
    assert purpose_term("marketing.communications.email") == PURPOSES["marketing.communications"]
    assert purpose_term("train_ai_system") == "Purpose"
