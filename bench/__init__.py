"""Benchmarks of csbot as it runs: real processes, real sockets, every figure beside its limit (README.md)."""
