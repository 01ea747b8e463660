"""Unit tests without sockets; the folders mirror those of the package."""
