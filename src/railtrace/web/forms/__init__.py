"""Forms: catalogue rows filled from the trace and printed as PDF."""
