"""Discretion: a customer data platform that reveals each attribute only for a permitted purpose."""

from __future__ import annotations

__version__ = "0.1.0"
