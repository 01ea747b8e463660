"""The certificate under which answers and callbacks are signed (OpenDSR 2.0, sections 4.1 and 4.2).

The key is RSA of 3072 bits and signs with PKCS #1 v1.5 over SHA-256 (FIPS 186-4, section 5), the algorithm
that controllers verify. It is created on first use and stored sealed in the folder of keys, which it never
leaves. Until an authority has issued a certificate for it, a self-signed one is used, which the
specification forbids outside evaluation.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.x509.oid import NameOID

from discretion.errors import Misconfigured
from discretion.seal.key_files import create_sealed_file, read_sealed_file

KEY_BITS = 3072
SELF_SIGNED_LIFETIME = timedelta(days=365)
_CLOCK_SKEW = timedelta(days=1)
"""The self-signed certificate is valid from a day before now, for controllers whose clock is slow."""


@dataclass(frozen=True, slots=True)
class SigningCertificate:
    """A key and its certificate. ``chain`` is the certificate in PEM, followed by its issuers."""

    domain: str
    chain: bytes
    key: RSAPrivateKey

    def __repr__(self) -> str:
        """Leave out the key."""
        return f"SigningCertificate({self.domain!r})"

    def sign(self, body: bytes) -> str:
        """Return the signature over the SHA-256 of a body, in base64."""
        return base64.b64encode(self.key.sign(body, PKCS1v15(), hashes.SHA256())).decode()


def load_or_create_key(path: Path, root: bytes, entropy: Callable[[int], bytes]) -> RSAPrivateKey:
    """Return the key stored at ``path``; it is created on first use.

    Raises:
        Misconfigured: ``KEY_FILE_UNREADABLE``.
    """
    # Processes may create a key at the same time. A hard link to a complete file is atomic: the first wins,
    # the others read its key, and none reads a file that is half written.
    if not path.exists():
        # Not encrypted by itself: the whole file is sealed under the root key.
        key_bytes = generate_private_key(65537, KEY_BITS).private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        create_sealed_file(path, root, key_bytes, entropy)
    key = serialization.load_der_private_key(read_sealed_file(path, root), None)
    assert isinstance(key, RSAPrivateKey)
    return key


def build_self_signed(key: RSAPrivateKey, domain: str, now_ms: int) -> bytes:
    """Build a self-signed certificate, in PEM; for evaluation only."""
    name, now = _common_name(domain), datetime.fromtimestamp(now_ms / 1000, UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now + SELF_SIGNED_LIFETIME)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(domain)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM)


def build_signing_request(key: RSAPrivateKey, domain: str) -> bytes:
    """Build the request for a certificate (PKCS #10), in PEM, for an authority to sign."""
    names = x509.SubjectAlternativeName([x509.DNSName(domain)])
    builder = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(_common_name(domain))
        .add_extension(names, critical=False)
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def check_issued_chain(chain: bytes, key: RSAPrivateKey, domain: str, now_ms: int) -> bytes:
    """Check that an issued chain has this key, names this domain and is in force, and return it.

    Raises:
        Misconfigured: ``CERTIFICATE_UNFIT``.
    """
    try:
        certificate = x509.load_pem_x509_certificates(chain)[0]
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        domains = names.get_values_for_type(x509.DNSName)
    except (ValueError, IndexError, x509.ExtensionNotFound):
        raise _certificate_unfit("it holds no certificate in PEM that names a domain") from None
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    if certificate.public_key() != key.public_key():
        raise _certificate_unfit("it is of another key")
    if domain not in domains:
        raise _certificate_unfit(f"it is not for {domain}")
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise _certificate_unfit("it is not in force")
    return chain


def _common_name(domain: str) -> x509.Name:
    # A common name has at most 64 characters (RFC 5280, appendix A.1). Verifiers use the alternative name.
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, domain[:64])])


def _certificate_unfit(problem: str) -> Misconfigured:
    return Misconfigured(
        "CERTIFICATE_UNFIT",
        f"DISCRETION_PROCESSOR_CERTIFICATE cannot be used: {problem}.",
        "Have an authority sign what 'discretion agent certificate' prints.",
    )
