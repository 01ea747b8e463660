"""``discretion keys`` rotates the signing keys and shows their states."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from discretion.cli import cli
from discretion.token.key_command import format_statuses
from discretion.token.key_schedule import KeyState, KeyStatus


def run_command(folder: Path, command: str, *options: str) -> list[list[str]]:
    """Run a command and return the words of each line that it prints."""
    result = CliRunner().invoke(cli, ["keys", command, *options, "--data-dir", str(folder)])
    assert result.exit_code == 0, result.output
    return [line.split(maxsplit=2) for line in result.stdout.splitlines()]


def test_a_rotation_publishes_a_key_once(tmp_path: Path) -> None:
    """Repeated before the new key signs, it changes nothing."""
    ((first, state, until),) = run_command(tmp_path, "list")
    assert (state, until) == ("signing", "until the next rotation")
    rotated = run_command(tmp_path, "rotate")
    assert [(kid == first, state) for kid, state, _ in rotated] == [(True, "signing"), (False, "published")]
    assert rotated[0][2].removeprefix("until ") == rotated[1][2].removeprefix("signs from ")
    assert run_command(tmp_path, "rotate") == run_command(tmp_path, "list") == rotated


def test_leaked_keys_are_replaced_at_once(tmp_path: Path) -> None:
    """No time is left to who knows them."""
    ((first, _, _),) = run_command(tmp_path, "list")
    run_command(tmp_path, "rotate")
    (leaked, now) = run_command(tmp_path, "rotate", "--leaked")
    assert leaked[:2] == [first, "retired"]
    assert now[1:] == ["signing", "until the next rotation"]


def test_each_state_says_until_when_it_lasts() -> None:
    """Times are in UTC."""
    statuses = [KeyStatus(f"key-{state}", state, 1_700_000_000_000) for state in KeyState]
    assert format_statuses(statuses).splitlines() == [
        "key-published  published  signs from 2023-11-14T22:13:20Z",
        "key-signing  signing    until 2023-11-14T22:13:20Z",
        "key-retiring  retiring   verifies until 2023-11-14T22:13:20Z",
        "key-retired  retired    since 2023-11-14T22:13:20Z",
    ]


def test_the_help_teaches_the_states() -> None:
    """An operator learns from it what a rotation does and when."""
    shown = " ".join(CliRunner().invoke(cli, ["keys", "--help"]).stdout.split())
    for word in ("Published", "Signing", "Retiring", "Retired", "receipt-keys.json"):
        assert word in shown
    shown = " ".join(CliRunner().invoke(cli, ["keys", "rotate", "--help"]).stdout.split())
    assert "without a restart" in shown
