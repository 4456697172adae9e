"""Benchmarks: what an event costs. The tests among them time nothing, they check the rig: machines are busy."""
