"""``discretion token issue`` prints valid tokens and refuses to issue tokens without any right."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from discretion.app import open_signing_keys
from discretion.app.clock import now_ms
from discretion.cli import cli
from discretion.settings import Settings
from discretion.token.grant import Grant
from discretion.token.verify import TokenVerifier


def issue_grant(folder: Path, *options: str) -> Grant:
    """Run the command and return the grant of the token that it prints."""
    result = CliRunner().invoke(cli, ["token", "issue", *options, "--data-dir", str(folder)])
    assert result.exit_code == 0, result.output
    settings = replace(Settings(), data_dir=folder)
    select_keys = open_signing_keys(settings).select
    verifier = TokenVerifier(select_keys, settings.issuer, settings.audience, now_ms, lambda _: True)
    return verifier.verify(result.stdout.strip())


def test_a_source_gets_a_token_that_may_only_send(tmp_path: Path) -> None:
    """The token has a scope and no purpose; its subject is the client (RFC 9068, section 2.2)."""
    grant = issue_grant(tmp_path, "--client", "web-shop", "--scope", "ingest")
    assert (grant.client, grant.subject) == ("web-shop", "web-shop")
    assert (grant.scopes, grant.purposes) == (frozenset(["ingest"]), frozenset())


def test_the_options_of_the_command_are_granted(tmp_path: Path) -> None:
    """Each option is granted; some may be repeated."""
    purposes = ("--purpose", "analytics.reporting", "--purpose", "functional.service")
    grant = issue_grant(
        tmp_path, "--client", "reporting", "--subject", "ada", *purposes, "--category", "user.contact"
    )
    assert (grant.client, grant.subject, grant.scopes) == ("reporting", "ada", frozenset())
    assert grant.purposes == {"analytics.reporting", "functional.service"}
    assert grant.categories == frozenset(["user.contact"])


@pytest.mark.parametrize(
    "options", [["--client", "web-shop"], ["--client", "customer-app", "--purpose", "self"]]
)
def test_a_token_that_would_allow_nothing_is_not_issued(tmp_path: Path, options: list[str]) -> None:
    """One has neither purpose nor scope, the other the purpose ``self`` without a customer."""
    result = CliRunner().invoke(cli, ["token", "issue", *options, "--data-dir", str(tmp_path)])
    assert result.exit_code == 2
    assert result.stdout == ""
