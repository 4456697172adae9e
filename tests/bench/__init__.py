"""Benchmarks: what an event costs. Never part of the tests: a machine that is busy must not fail them."""
