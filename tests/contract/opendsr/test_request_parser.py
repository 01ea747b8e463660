"""Requests of OpenDSR 2.0 (sections 5 and 7.1), what is wrong with them, and signatures (4)."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.x509.oid import NameOID

from discretion.catalogue.load import load
from discretion.edge.opendsr import certificate
from discretion.edge.opendsr.request_parser import Asked, Wrong, asked, supported
from discretion.errors import Misconfigured

CATALOGUE = load(None)
NOW = 1_767_225_600_000
ROOT = bytes(range(32))
EMAIL = {"identity_type": "email", "identity_value": "Ada@Example.org", "identity_format": "raw"}
BODY: dict[str, Any] = {
    "regulation": "gdpr",
    "subject_request_id": "a7551968-d5d6-44b2-9831-815ac9017798",
    "subject_request_type": "erasure",
    "submitted_time": "2025-12-31T15:00:00Z",
    "subject_identities": [EMAIL],
    "api_version": "2.0",
    "status_callback_urls": ["https://controller.example/opendsr"],
    "extensions": {"other-processor.example": {"foo": 1}},
}


def read(**change: Any) -> Asked:
    """A request that holds."""
    found = asked({**BODY, **change}, CATALOGUE)
    assert isinstance(found, Asked), found
    return found


def codes(**change: Any) -> list[str]:
    """Why a request does not hold; a value of None takes the member away."""
    body = {name: value for name, value in {**BODY, **change}.items() if value is not None}
    found = asked(body, CATALOGUE)
    assert isinstance(found, Wrong), found
    for problem in found.problems:
        assert "ada" not in problem.message.lower()
    return [one.code for one in found.problems]


def digest(form: str, text: str = "ada@example.org") -> dict[str, str]:
    """An e-mail address, hashed."""
    hashed = hashlib.new(form, text.encode()).hexdigest()
    return {"identity_type": "email", "identity_value": hashed, "identity_format": form}


def test_a_request_is_read_as_the_specification_writes_it() -> None:
    """Section 7.2's example, with the regulation that it forgets."""
    found = read()
    assert (found.type, found.regulation, found.submitted) == ("erasure", "gdpr", 1_767_193_200_000)
    assert [(one.type, one.value.value) for one in found.identifiers] == [("email", "ada@example.org")]
    assert found.callbacks == ("https://controller.example/opendsr",)
    assert "ada" not in repr(found).lower()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"regulation": None}, "REGULATION_INVALID"),
        ({"regulation": "lgpd"}, "REGULATION_INVALID"),
        ({"subject_request_id": "A7551968-D5D6-44B2-9831-815AC9017798"}, "REQUEST_ID_INVALID"),
        ({"subject_request_id": "a7551968-d5d6-14b2-9831-815ac9017798"}, "REQUEST_ID_INVALID"),
        ({"subject_request_type": "rectification"}, "REQUEST_TYPE_INVALID"),
        ({"submitted_time": None}, "SUBMITTED_TIME_INVALID"),
        ({"submitted_time": "2025-12-31T15:00:00"}, "SUBMITTED_TIME_INVALID"),
        ({"submitted_time": "2025-02-31T15:00:00Z"}, "SUBMITTED_TIME_INVALID"),
        ({"api_version": "3.0"}, "API_VERSION_UNSUPPORTED"),
        ({"extensions": []}, "EXTENSIONS_INVALID"),
        ({"status_callback_urls": "https://controller.example"}, "CALLBACKS_INVALID"),
        ({"status_callback_urls": ["https://controller.example"] * 6}, "CALLBACKS_INVALID"),
        ({"subject_identities": None}, "IDENTITIES_MISSING"),
        ({"subject_identities": []}, "IDENTITIES_MISSING"),
        ({"subject_identities": [EMAIL] * 51}, "IDENTITIES_MISSING"),
        ({"subject_identities": ["ada@example.org"]}, "IDENTITY_INVALID"),
        ({"subject_identities": [{**EMAIL, "identity_value": "ada"}]}, "IDENTITY_INVALID"),
        ({"subject_identities": [{**EMAIL, "identity_format": "sha512"}]}, "IDENTITY_INVALID"),
        (
            {"subject_identities": [{**EMAIL, "identity_type": "ios_advertising_id"}]},
            "IDENTITY_TYPE_UNSUPPORTED",
        ),
    ],
)
def test_each_thing_that_is_wrong_is_told_alone(change: dict[str, Any], expected: str) -> None:
    """With a code, and without the value."""
    assert codes(**change) == [expected]


def test_everything_that_is_wrong_is_told_at_once() -> None:
    """So that a controller mends its client once."""
    assert codes(regulation=None, submitted_time="soon", subject_identities=[]) == [
        "REGULATION_INVALID",
        "SUBMITTED_TIME_INVALID",
        "IDENTITIES_MISSING",
    ]


@pytest.mark.parametrize("form", ["sha256", "sha1", "md5"])
def test_a_digest_finds_nobody_and_says_so(form: str) -> None:
    """Ids are kept under a secret key. A digest beside its own address adds nothing; another is refused."""
    assert codes(subject_identities=[digest(form)]) == ["IDENTITY_FORMAT_UNSUPPORTED"]
    assert len(read(subject_identities=[EMAIL, digest(form)]).identifiers) == 1
    assert codes(subject_identities=[EMAIL, digest(form, "eve@example.org")]) == [
        "IDENTITY_FORMAT_UNSUPPORTED"
    ]


def test_discovery_lists_what_people_can_be_found_by() -> None:
    """And nothing that would be refused."""
    listed = supported(CATALOGUE)
    assert {"identity_type": "email", "identity_format": "raw"} in listed
    values = {"email": "ada@example.org"}
    for one in listed:
        kind = one["identity_type"]
        assert read(subject_identities=[{**one, "identity_value": values.get(kind, "id-77")}]).identifiers


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> RSAPrivateKey:
    """A key, made once."""
    return certificate.kept_key(tmp_path_factory.mktemp("keys") / "processor.key", ROOT, bytes)


def test_a_signature_is_verified_with_the_certificate_alone(key: RSAPrivateKey) -> None:
    """As a controller does it: the certificate from discovery, the raw body, SHA-256 (FIPS 186-4)."""
    seal = certificate.Seal("cdp.example", certificate.own(key, "cdp.example", NOW), key)
    found = x509.load_pem_x509_certificate(seal.chain)
    public = found.public_key()
    assert isinstance(public, RSAPublicKey)
    public.verify(base64.b64decode(seal.sign(b"{}")), b"{}", PKCS1v15(), hashes.SHA256())
    with pytest.raises(InvalidSignature):
        public.verify(base64.b64decode(seal.sign(b"{}")), b"{ }", PKCS1v15(), hashes.SHA256())
    assert "cdp" in repr(seal)
    assert "key" not in repr(seal)


def test_the_key_lies_sealed_and_is_the_same_tomorrow(tmp_path: Path) -> None:
    """One key, made once; its file opens with the root key only."""
    path = tmp_path / "keys" / "processor.key"
    first = certificate.kept_key(path, ROOT, bytes)
    assert certificate.kept_key(path, ROOT, bytes).public_key() == first.public_key()
    assert [one.name for one in path.parent.iterdir()] == ["processor.key"]
    assert path.stat().st_mode & 0o077 == 0
    with pytest.raises(Misconfigured):
        certificate.kept_key(path, bytes(32), bytes)


def authority(wanted: bytes, domain: str, days: int = 90) -> bytes:
    """What an authority makes of a request for a certificate."""
    request = x509.load_pem_x509_csr(wanted)
    assert request.is_signature_valid
    mine = generate_private_key(SECP256R1())
    begin = datetime(2025, 12, 1, tzinfo=UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(request.subject)
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "An authority")]))
        .public_key(request.public_key())
        .serial_number(7)
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(domain)]), critical=False)
        .sign(mine, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


def test_a_certificate_of_an_authority_takes_the_place_of_our_own(key: RSAPrivateKey, tmp_path: Path) -> None:
    """If it is of our key, for our domain and in force; whatever else is told at the start."""
    wanted = certificate.wanted(key, "cdp.example")
    chain = authority(wanted, "cdp.example")
    assert certificate.issued(chain, key, "cdp.example", NOW) == chain
    other = certificate.kept_key(tmp_path / "other.key", ROOT, bytes)
    for unfit, holder, why in (
        (chain, other, "another key"),
        (authority(wanted, "cdp.example.evil"), key, "not for cdp.example"),
        (authority(wanted, "cdp.example", days=10), key, "not in force"),
        (b"no PEM", key, "no certificate"),
    ):
        with pytest.raises(Misconfigured, match=why):
            certificate.issued(unfit, holder, "cdp.example", NOW)
