"""What is due: the panel of a unit, the board of the fleet."""
