"""The parser of OpenDSR 2.0 requests (sections 5 and 7.1), its error codes, and signatures (section 4)."""

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

from discretion.catalogue.load import load_catalogue
from discretion.edge.opendsr import certificate
from discretion.edge.opendsr.request_parser import (
    InvalidOpenDsrRequest,
    OpenDsrRequest,
    list_supported_identities,
    parse_opendsr_request,
)
from discretion.errors import Misconfigured

CATALOGUE = load_catalogue(None)
NOW_MS = 1_767_225_600_000
ROOT_KEY = bytes(range(32))
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


def parse_valid_request(**changes: Any) -> OpenDsrRequest:
    """Return the request parsed from a valid body with changed members."""
    parsed = parse_opendsr_request({**BODY, **changes}, CATALOGUE)
    assert isinstance(parsed, OpenDsrRequest), parsed
    return parsed


def list_problem_codes(**changes: Any) -> list[str]:
    """Return the codes of the problems of an invalid body; a value of None removes the member."""
    body = {name: value for name, value in {**BODY, **changes}.items() if value is not None}
    parsed = parse_opendsr_request(body, CATALOGUE)
    assert isinstance(parsed, InvalidOpenDsrRequest), parsed
    for problem in parsed.problems:
        assert "ada" not in problem.message.lower()
    return [problem.code for problem in parsed.problems]


def hash_identity(algorithm: str, email: str = "ada@example.org") -> dict[str, str]:
    """Return an identity that contains the hash of an e-mail address."""
    hash_value = hashlib.new(algorithm, email.encode()).hexdigest()
    return {"identity_type": "email", "identity_value": hash_value, "identity_format": algorithm}


def test_the_example_of_the_specification_is_parsed() -> None:
    """The example of section 7.2, with the required regulation, which the example omits."""
    request = parse_valid_request()
    assert (request.type, request.regulation, request.submitted_at) == ("erasure", "gdpr", 1_767_193_200_000)
    assert [(identifier.type, identifier.value.value) for identifier in request.identifiers] == [
        ("email", "ada@example.org")
    ]
    assert request.callbacks == ("https://controller.example/opendsr",)
    assert "ada" not in repr(request).lower()


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
def test_each_invalid_member_has_its_own_code(change: dict[str, Any], expected: str) -> None:
    """list_problem_codes checks that no message contains the value."""
    assert list_problem_codes(**change) == [expected]


def test_all_problems_are_reported_together() -> None:
    """A controller can then correct its client in one step."""
    assert list_problem_codes(regulation=None, submitted_time="soon", subject_identities=[]) == [
        "REGULATION_INVALID",
        "SUBMITTED_TIME_INVALID",
        "IDENTITIES_MISSING",
    ]


@pytest.mark.parametrize("form", ["sha256", "sha1", "md5"])
def test_a_hashed_identity_is_refused_unless_its_address_is_present(form: str) -> None:
    """Identifiers are indexed under a secret key, so a plain hash finds no customer.

    A hash is accepted and ignored only beside the address that it was computed from.
    """
    assert list_problem_codes(subject_identities=[hash_identity(form)]) == ["IDENTITY_FORMAT_UNSUPPORTED"]
    assert len(parse_valid_request(subject_identities=[EMAIL, hash_identity(form)]).identifiers) == 1
    assert list_problem_codes(subject_identities=[EMAIL, hash_identity(form, "eve@example.org")]) == [
        "IDENTITY_FORMAT_UNSUPPORTED"
    ]


def test_discovery_lists_every_accepted_identity() -> None:
    """Each listed identity is accepted by the parser."""
    listed = list_supported_identities(CATALOGUE)
    assert {"identity_type": "email", "identity_format": "raw"} in listed
    values = {"email": "ada@example.org"}
    for identity in listed:
        identity_type = identity["identity_type"]
        assert parse_valid_request(
            subject_identities=[{**identity, "identity_value": values.get(identity_type, "id-77")}]
        ).identifiers


@pytest.fixture(scope="module")
def signing_key(tmp_path_factory: pytest.TempPathFactory) -> RSAPrivateKey:
    """The signing key of the processor."""
    return certificate.load_or_create_key(tmp_path_factory.mktemp("keys") / "processor.key", ROOT_KEY, bytes)


def test_a_signature_verifies_with_the_published_certificate(signing_key: RSAPrivateKey) -> None:
    """As a controller verifies it: the certificate of discovery, the raw body and SHA-256 (FIPS 186-4)."""
    signing_certificate = certificate.SigningCertificate(
        "cdp.example", certificate.build_self_signed(signing_key, "cdp.example", NOW_MS), signing_key
    )
    published = x509.load_pem_x509_certificate(signing_certificate.chain)
    public_key = published.public_key()
    assert isinstance(public_key, RSAPublicKey)
    public_key.verify(base64.b64decode(signing_certificate.sign(b"{}")), b"{}", PKCS1v15(), hashes.SHA256())
    with pytest.raises(InvalidSignature):
        public_key.verify(
            base64.b64decode(signing_certificate.sign(b"{}")), b"{ }", PKCS1v15(), hashes.SHA256()
        )
    assert "cdp" in repr(signing_certificate)
    assert "key" not in repr(signing_certificate)


def test_the_signing_key_is_stored_encrypted_and_reused(tmp_path: Path) -> None:
    """One key is created, and its file can be decrypted only with the root key."""
    path = tmp_path / "keys" / "processor.key"
    first = certificate.load_or_create_key(path, ROOT_KEY, bytes)
    assert certificate.load_or_create_key(path, ROOT_KEY, bytes).public_key() == first.public_key()
    assert [file.name for file in path.parent.iterdir()] == ["processor.key"]
    assert path.stat().st_mode & 0o077 == 0
    with pytest.raises(Misconfigured):
        certificate.load_or_create_key(path, bytes(32), bytes)


def issue_certificate(signing_request: bytes, domain: str, days: int = 90) -> bytes:
    """Return the PEM certificate that an authority issues for a signing request."""
    parsed_request = x509.load_pem_x509_csr(signing_request)
    assert parsed_request.is_signature_valid
    authority_key = generate_private_key(SECP256R1())
    not_before = datetime(2025, 12, 1, tzinfo=UTC)
    issued = (
        x509.CertificateBuilder()
        .subject_name(parsed_request.subject)
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "An authority")]))
        .public_key(parsed_request.public_key())
        .serial_number(7)
        .not_valid_before(not_before)
        .not_valid_after(not_before + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(domain)]), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    return issued.public_bytes(serialization.Encoding.PEM)


def test_an_issued_certificate_must_fit_the_key_the_domain_and_the_time(
    signing_key: RSAPrivateKey, tmp_path: Path
) -> None:
    """Any other certificate is reported as a configuration error at startup."""
    signing_request = certificate.build_signing_request(signing_key, "cdp.example")
    chain = issue_certificate(signing_request, "cdp.example")
    assert certificate.check_issued_chain(chain, signing_key, "cdp.example", NOW_MS) == chain
    other_key = certificate.load_or_create_key(tmp_path / "other.key", ROOT_KEY, bytes)
    for invalid_chain, holder_key, message in (
        (chain, other_key, "another key"),
        (issue_certificate(signing_request, "cdp.example.evil"), signing_key, "not for cdp.example"),
        (issue_certificate(signing_request, "cdp.example", days=10), signing_key, "not in force"),
        (b"no PEM", signing_key, "no certificate"),
    ):
        with pytest.raises(Misconfigured, match=message):
            certificate.check_issued_chain(invalid_chain, holder_key, "cdp.example", NOW_MS)
