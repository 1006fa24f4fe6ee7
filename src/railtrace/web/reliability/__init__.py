"""Reliability: what a fleet's failures say, and the chance of a unit's next run."""
