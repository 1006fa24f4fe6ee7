"""What we know now: views of the trace, each a fold over one unit's own operations."""
