"""A railway with known truth: for the demo, the benchmarks and the scoring."""
