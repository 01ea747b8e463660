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
    """The settings of this process. Each field is set by the variable ``DISCRETION_<FIELD>``."""

    data_dir: Path = Path(".discretion")
    """Folder of the keys, the erasure ledger and the embedded MongoDB."""
    host: str = "127.0.0.1"
    port: int = 8000
    issuer: str = "http://127.0.0.1:8000"
    """The ``iss`` of tokens and receipts, and the address at which the API is reached from outside."""
    audience: str = "discretion"
    mongo_url: str | None = None
    """Without it an embedded MongoDB runs for as long as the process."""
    mongo_database: str = "discretion"
    mongo_driver: str = "pymongo"
    catalogue_dir: Path | None = None
    jurisdictions_dir: Path | None = None
    notices_dir: Path | None = None
    places_file: Path | None = None
    """Database of countries by IP address in MaxMind's format; without it the one of geoip2fast is used."""
    erasure_ledger: Path | None = None
    """Keep this file outside of every backup: a restored database is erased again by it."""
    processor_certificate: Path | None = None
    """The certificate that an authority issued for answers to controllers, with its issuers, in PEM."""
    root_key: bytes | None = None
    buckets: int = 4096
    """How many bucket keys wrap the data keys of customers. A database keeps the number it started with."""
    outward_loopback: bool = False
    """Also send notifications and callbacks to this machine, over plain HTTP; for evaluation only."""
    mail_url: str | None = None
    """The mail server; without it messages to customers are written to the folder ``outbox``."""
    mail_from: str = "privacy@localhost"
    text_message_url: str | None = None
    """The gateway for text messages; without it the privacy office decides on new phone numbers."""
    objection_days: int = 3
    """How many days the owners of two logins may object before a steward's join takes effect."""

    def __repr__(self) -> str:
        """Leave out the root key and the URLs: these may carry a password."""
        return f"Settings(data_dir={str(self.data_dir)!r}, port={self.port})"


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Return the settings of environment variables; empty variables count as not set.

    Raises:
        Misconfigured: ``SETTING_INVALID`` with the variable's name and the values it takes, or
            ``SETTING_UNKNOWN``. A misspelt variable would otherwise leave a default in force unnoticed.
    """

    def get(name: str) -> str | None:
        return environ.get(f"DISCRETION_{name}") or None

    default = Settings()
    known_names = {f"DISCRETION_{field.name.upper()}" for field in fields(Settings)}
    for name in sorted(set(environ) - known_names):
        if not name.startswith("DISCRETION_"):
            continue
        raise Misconfigured(
            "SETTING_UNKNOWN",
            f"There is no setting {name}.",
            f"There are {', '.join(sorted(known_names))}.",
        )
    database = get("MONGO_DATABASE") or default.mongo_database
    if not re.fullmatch(r"[\w-]{1,63}", database, re.ASCII):
        raise _invalid_setting("MONGO_DATABASE", database, "letters, digits, '_' and '-'")
    driver = get("MONGO_DRIVER") or default.mongo_driver
    if driver not in {"pymongo", "motor"}:
        raise _invalid_setting("MONGO_DRIVER", driver, "'pymongo' or 'motor'")
    return Settings(
        data_dir=Path(get("DATA_DIR") or default.data_dir),
        host=get("HOST") or default.host,
        port=_parse_integer("PORT", get("PORT"), default.port, 0, 65535),
        issuer=get("ISSUER") or default.issuer,
        audience=get("AUDIENCE") or default.audience,
        mongo_url=get("MONGO_URL"),
        mongo_database=database,
        mongo_driver=driver,
        catalogue_dir=Path(path) if (path := get("CATALOGUE_DIR")) else None,
        jurisdictions_dir=Path(path) if (path := get("JURISDICTIONS_DIR")) else None,
        notices_dir=Path(path) if (path := get("NOTICES_DIR")) else None,
        places_file=Path(path) if (path := get("PLACES_FILE")) else None,
        erasure_ledger=Path(path) if (path := get("ERASURE_LEDGER")) else None,
        processor_certificate=Path(path) if (path := get("PROCESSOR_CERTIFICATE")) else None,
        root_key=_parse_root_key(get("ROOT_KEY")),
        buckets=_parse_integer("BUCKETS", get("BUCKETS"), default.buckets, 1, 65536),
        outward_loopback=_parse_switch("OUTWARD_LOOPBACK", get("OUTWARD_LOOPBACK")),
        mail_url=_parse_mail_url(get("MAIL_URL")),
        mail_from=get("MAIL_FROM") or default.mail_from,
        text_message_url=_parse_text_message_url(get("TEXT_MESSAGE_URL")),
        objection_days=_parse_integer("OBJECTION_DAYS", get("OBJECTION_DAYS"), default.objection_days, 1, 60),
    )


def _parse_integer(name: str, text: str | None, default: int, minimum: int, maximum: int) -> int:
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or not minimum <= int(text) <= maximum:
        raise _invalid_setting(name, text, f"a whole number from {minimum} to {maximum}")
    return int(text)


def _parse_switch(name: str, text: str | None) -> bool:
    if text not in {None, "0", "1"}:
        raise _invalid_setting(name, str(text), "1 for yes or 0 for no")
    return text == "1"


def _parse_mail_url(text: str | None) -> str | None:
    """Check the URL of a mail server. It may carry a password, so the error does not quote it."""
    if text is None or re.fullmatch(r"smtps?://([^@/\s]+@)?[^@/\s:]+(:\d{1,5})?/?", text):
        return text
    raise Misconfigured(
        "SETTING_INVALID",
        "DISCRETION_MAIL_URL is not a mail server.",
        "It looks like smtps://user:password@mail.example:465",
    )


def _parse_text_message_url(text: str | None) -> str | None:
    """Check the URL of a gateway. It may carry a password, so the error does not quote it."""
    if text is None or re.fullmatch(
        r"https://([^@/\s]+@)?[^@/\s]+(/\S*)?|http://([^@/\s]+@)?(127\.0\.0\.1|localhost)(:\d{1,5})?(/\S*)?",
        text,
    ):
        return text
    raise Misconfigured(
        "SETTING_INVALID",
        "DISCRETION_TEXT_MESSAGE_URL is not a gateway for text messages.",
        "It looks like https://user:password@gateway.example/messages",
    )


def _parse_root_key(text: str | None) -> bytes | None:
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


def _invalid_setting(name: str, text: str, expected: str) -> Misconfigured:
    return Misconfigured("SETTING_INVALID", f"DISCRETION_{name} is {text!r}.", f"It takes {expected}.")
