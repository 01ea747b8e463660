"""Tests of whole use cases over HTTP, against a real server and a real MongoDB; nothing is mocked."""
