"""``discretion token issue`` prints tokens that hold, and none that would allow nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from discretion.app.clock import now_ms
from discretion.app.keys import root_key, signing_keys
from discretion.cli import cli
from discretion.settings import Settings
from discretion.token.grant import Grant
from discretion.token.verify import Verifier


def granted(folder: Path, *options: str) -> Grant:
    """What the token allows that the command prints."""
    done = CliRunner().invoke(cli, ["token", "issue", *options, "--data-dir", str(folder)])
    assert done.exit_code == 0, done.output
    settings = replace(Settings(), data_dir=folder)
    keys = signing_keys(settings, root_key(settings))
    verifier = Verifier(keys, settings.issuer, settings.audience, now_ms, lambda _: True)
    return verifier.verify(done.stdout.strip())


def test_a_source_gets_a_token_that_may_send_and_not_see(tmp_path: Path) -> None:
    """A scope without a purpose; on behalf of the client itself (RFC 9068, section 2.2)."""
    grant = granted(tmp_path, "--client", "web-shop", "--scope", "ingest")
    assert (grant.client, grant.subject) == ("web-shop", "web-shop")
    assert (grant.scopes, grant.purposes) == (frozenset(["ingest"]), frozenset())


def test_what_is_asked_for_is_granted(tmp_path: Path) -> None:
    """Each option, several times where it may be."""
    purposes = ("--purpose", "analytics.reporting", "--purpose", "functional.service")
    grant = granted(
        tmp_path, "--client", "reporting", "--subject", "ada", *purposes, "--category", "user.contact"
    )
    assert (grant.client, grant.subject, grant.scopes) == ("reporting", "ada", frozenset())
    assert grant.purposes == {"analytics.reporting", "functional.service"}
    assert grant.categories == frozenset(["user.contact"])


@pytest.mark.parametrize(
    "options", [["--client", "web-shop"], ["--client", "customer-app", "--purpose", "self"]]
)
def test_a_token_that_would_allow_nothing_is_not_issued(tmp_path: Path, options: list[str]) -> None:
    """Neither purpose nor scope; a customer's own for no customer."""
    done = CliRunner().invoke(cli, ["token", "issue", *options, "--data-dir", str(tmp_path)])
    assert done.exit_code == 2
    assert done.stdout == ""
