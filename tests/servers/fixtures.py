"""Fixtures that start servers, for tests/conftest.py. A server of the session is there before its first test begins."""
