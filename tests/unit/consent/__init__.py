"""Consent without a socket."""

from __future__ import annotations
