"""Unit tests of ``discretion.domain``, in the folders of its packages."""
