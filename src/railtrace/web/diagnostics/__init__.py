"""Diagnostics: recordings, wheels, press curves, laboratory, and how far each may be trusted."""
