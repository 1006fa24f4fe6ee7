"""Operation quality: the index by type and depot, and what recorders showed of one unit."""
