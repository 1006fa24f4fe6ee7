"""Simulated time: minutes since the railway's first midnight."""

DAY_MIN = 1440
WEEK_MIN = 7 * DAY_MIN
OPENING_MIN = 2 * DAY_MIN
"""How long the opening inventory takes; life begins after it."""
