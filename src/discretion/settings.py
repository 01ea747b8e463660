"""Settings, read once from the environment. No secret has a default."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from discretion.errors import Misconfigured


@dataclass(frozen=True, slots=True)
class Settings:
    """How this process runs. Every field can be set by ``DISCRETION_<FIELD>``."""

    data_dir: Path = Path(".discretion")
    host: str = "127.0.0.1"
    port: int = 8000
    issuer: str = "http://127.0.0.1:8000"
    audience: str = "discretion"
    mongo_url: str | None = None
    mongo_database: str = "discretion"
    mongo_driver: str = "pymongo"
    catalogue_dir: Path | None = None
    jurisdictions_dir: Path | None = None
    notices_dir: Path | None = None
    places_file: Path | None = None
    erasure_ledger: Path | None = None
    processor_certificate: Path | None = None
    """The certificate that an authority issued for our answers to controllers (PEM), with its issuers."""
    root_key: bytes | None = None
    buckets: int = 4096
    outward_loopback: bool = False
    """Also send notices and callbacks to servers of this machine, in plain HTTP: for evaluation only."""
    mail_url: str | None = None
    mail_from: str = "privacy@localhost"

    def __repr__(self) -> str:
        """Without the root key and the URL, which may carry a password."""
        return f"Settings(data_dir={str(self.data_dir)!r}, port={self.port})"


def read(environ: Mapping[str, str]) -> Settings:
    """Settings from environment variables.

    Raises:
        Misconfigured: ``SETTING_INVALID`` with the variable's name and what it takes, or
            ``SETTING_UNKNOWN``.
    """

    def get(name: str) -> str | None:
        return environ.get(f"DISCRETION_{name}") or None

    default = Settings()
    known = {f"DISCRETION_{one.name.upper()}" for one in fields(Settings)}
    for name in sorted(one for one in environ if one.startswith("DISCRETION_") and one not in known):
        raise Misconfigured(
            "SETTING_UNKNOWN",
            f"There is no setting {name}.",
            f"There are {', '.join(sorted(known))}.",
        )
    database = get("MONGO_DATABASE") or default.mongo_database
    if not re.fullmatch(r"[\w-]{1,63}", database, re.ASCII):
        raise _invalid("MONGO_DATABASE", database, "letters, digits, '_' and '-'")
    driver = get("MONGO_DRIVER") or default.mongo_driver
    if driver not in {"pymongo", "motor"}:
        raise _invalid("MONGO_DRIVER", driver, "'pymongo' or 'motor'")
    return Settings(
        data_dir=Path(get("DATA_DIR") or default.data_dir),
        host=get("HOST") or default.host,
        port=_whole("PORT", get("PORT"), default.port, 0, 65535),
        issuer=get("ISSUER") or default.issuer,
        audience=get("AUDIENCE") or default.audience,
        mongo_url=get("MONGO_URL"),
        mongo_database=database,
        mongo_driver=driver,
        catalogue_dir=Path(found) if (found := get("CATALOGUE_DIR")) else None,
        jurisdictions_dir=Path(found) if (found := get("JURISDICTIONS_DIR")) else None,
        notices_dir=Path(found) if (found := get("NOTICES_DIR")) else None,
        places_file=Path(found) if (found := get("PLACES_FILE")) else None,
        erasure_ledger=Path(found) if (found := get("ERASURE_LEDGER")) else None,
        processor_certificate=Path(found) if (found := get("PROCESSOR_CERTIFICATE")) else None,
        root_key=_key(get("ROOT_KEY")),
        buckets=_whole("BUCKETS", get("BUCKETS"), default.buckets, 1, 65536),
        outward_loopback=_switch("OUTWARD_LOOPBACK", get("OUTWARD_LOOPBACK")),
        mail_url=_mail_url(get("MAIL_URL")),
        mail_from=get("MAIL_FROM") or default.mail_from,
    )


def _whole(name: str, text: str | None, default: int, least: int, most: int) -> int:
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise _invalid(name, text, f"a whole number from {least} to {most}")
    return int(text)


def _switch(name: str, text: str | None) -> bool:
    if text not in {None, "0", "1"}:
        raise _invalid(name, str(text), "1 for yes or 0 for no")
    return text == "1"


def _mail_url(text: str | None) -> str | None:
    """A mail server. It may carry a password, so it is not quoted."""
    if text is None or re.fullmatch(r"smtps?://([^@/\s]+@)?[^@/\s:]+(:\d{1,5})?/?", text):
        return text
    raise Misconfigured(
        "SETTING_INVALID",
        "DISCRETION_MAIL_URL is not a mail server.",
        "It looks like smtps://user:password@mail.example:465",
    )


def _key(text: str | None) -> bytes | None:
    if text is None:
        return None
    try:
        key = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != 32:
        raise Misconfigured(
            "SETTING_INVALID",
            "DISCRETION_ROOT_KEY is not 32 bytes in base64url.",
            "Make one with: python -c 'import secrets; print(secrets.token_urlsafe(32))'",
        )
    return key


def _invalid(name: str, text: str, wanted: str) -> Misconfigured:
    return Misconfigured("SETTING_INVALID", f"DISCRETION_{name} is {text!r}.", f"It takes {wanted}.")
