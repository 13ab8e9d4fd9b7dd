"""Contenders of the benchmark, each a program of its own that answers requests for timed work, one JSON line each."""
