"""``discretion agent`` on a real database: agents are registered, listed, changed and removed."""

from __future__ import annotations

import base64
import secrets
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from discretion.cli import cli
from discretion.errors import BadRequest, NotFound

KEY = base64.b64encode(Ed25519PrivateKey.generate().public_key().public_bytes_raw()).decode()


def test_an_operator_maintains_the_agent_register(
    mongo_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A controller's token is shown once, and only a digest is stored."""
    monkeypatch.setenv("DISCRETION_MONGO_URL", mongo_url)
    monkeypatch.setenv("DISCRETION_MONGO_DATABASE", f"agents_{secrets.token_hex(6)}")
    monkeypatch.setenv("DISCRETION_ROOT_KEY", base64.urlsafe_b64encode(bytes(32)).decode())
    monkeypatch.setenv("DISCRETION_BUCKETS", "1")
    monkeypatch.setenv("DISCRETION_DATA_DIR", str(tmp_path))
    runner = CliRunner()

    def run(*arguments: str) -> str:
        result = runner.invoke(cli, ["agent", *arguments], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    description = ("--name", "An agent", "--host", "Agent.Example.", "--verify-key", KEY)
    assert run("register", "CR_AGENT_1", *description) == ""
    token = run("register", "shop-1", "--kind", "controller", "--name", "A shop").strip()
    assert len(base64.urlsafe_b64decode(token + "=")) == 32
    shown = run("list")
    assert "CR_AGENT_1" in shown
    assert "agent.example" in shown
    assert token not in shown
    for invalid_arguments in (
        ("lower", *description),
        ("X", "--name", "X"),
        ("X", *description, "--host", "https://a.example/"),
    ):
        with pytest.raises(BadRequest):
            run("register", *invalid_arguments)
    run("remove", "CR_AGENT_1")
    assert "CR_AGENT_1" not in run("list")
    with pytest.raises(NotFound):
        run("remove", "CR_AGENT_1")
    request = x509.load_pem_x509_csr(run("certificate").encode())
    assert request.is_signature_valid
