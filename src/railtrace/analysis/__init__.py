"""The mathematics: numbers in, numbers out; no database, network or clock."""
