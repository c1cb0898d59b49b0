"""Benchmarks: what Handoff adds to its engine and its wire, as ratios measured in one run.

Never a test: numbers of one machine prove nothing on another. Nothing outside imports this.
"""
