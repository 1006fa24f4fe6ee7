"""Measured beside their floors: `make bench` prints the table of the README."""
