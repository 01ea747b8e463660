"""Tests without sockets; they mirror the package."""
