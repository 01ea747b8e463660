"""The certificate under which answers and callbacks are signed (OpenDSR 2.0, sections 4.1 and 4.2).

The key is RSA of 3072 bits and signs with PKCS #1 v1.5 over SHA-256 (FIPS 186-4, section 5), which is what
controllers verify with. It is made on first use and never leaves the folder of keys, where it lies sealed.
Until an authority has issued a certificate for it there is one of our own making, which the specification
forbids outside evaluation.
"""

from __future__ import annotations

import base64
import contextlib
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
from discretion.seal.key_files import flush, open_file, sealed_for, write_private

BITS = 3072
OWN_LASTS = timedelta(days=365)
_BEFORE = timedelta(days=1)
"""How long a clock that is slow may still take our own certificate for one of the future."""


@dataclass(frozen=True, slots=True)
class Seal:
    """What answers are signed with. ``chain`` is the certificate in PEM, its issuers after it."""

    domain: str
    chain: bytes
    key: RSAPrivateKey

    def __repr__(self) -> str:
        """Without the key."""
        return f"Seal({self.domain!r})"

    def sign(self, body: bytes) -> str:
        """Base64 of the signature over the SHA-256 of a body."""
        return base64.b64encode(self.key.sign(body, PKCS1v15(), hashes.SHA256())).decode()


def kept_key(path: Path, root: bytes, entropy: Callable[[int], bytes]) -> RSAPrivateKey:
    """The key kept at ``path``, made the first time; of processes that make one at once, one does.

    Raises:
        Misconfigured: ``KEY_FILE_UNREADABLE``.
    """
    if not path.exists():
        made = generate_private_key(65537, BITS).private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        draft = path.with_name(f"{path.name}.{entropy(8).hex()}")
        write_private(draft, sealed_for(path.name, root, made, entropy))
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(draft)
        draft.unlink()
        flush(path.parent)
    key = serialization.load_der_private_key(open_file(path, root), None)
    assert isinstance(key, RSAPrivateKey)
    return key


def own(key: RSAPrivateKey, domain: str, now_ms: int) -> bytes:
    """A certificate that the key's owner issues, in PEM; for evaluation."""
    name, now = _name(domain), datetime.fromtimestamp(now_ms / 1000, UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BEFORE)
        .not_valid_after(now + OWN_LASTS)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(domain)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


def wanted(key: RSAPrivateKey, domain: str) -> bytes:
    """The request for a certificate (PKCS #10), in PEM, for an authority to sign."""
    names = x509.SubjectAlternativeName([x509.DNSName(domain)])
    made = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(_name(domain))
        .add_extension(names, critical=False)
    )
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def issued(chain: bytes, key: RSAPrivateKey, domain: str, now_ms: int) -> bytes:
    """The chain that an authority issued, after seeing that it is of our key, for our domain and in force.

    Raises:
        Misconfigured: ``CERTIFICATE_UNFIT``.
    """
    try:
        first = x509.load_pem_x509_certificates(chain)[0]
        names = first.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        domains = names.get_values_for_type(x509.DNSName)
    except (ValueError, IndexError, x509.ExtensionNotFound):
        raise _unfit("it holds no certificate in PEM that names a domain") from None
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    if first.public_key() != key.public_key():
        raise _unfit("it is of another key")
    if domain not in domains:
        raise _unfit(f"it is not for {domain}")
    if not first.not_valid_before_utc <= now <= first.not_valid_after_utc:
        raise _unfit("it is not in force")
    return chain


def _name(domain: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, domain[:64])])


def _unfit(why: str) -> Misconfigured:
    return Misconfigured(
        "CERTIFICATE_UNFIT",
        f"DISCRETION_PROCESSOR_CERTIFICATE cannot be used: {why}.",
        "Have an authority sign what 'discretion agent certificate' prints.",
    )
