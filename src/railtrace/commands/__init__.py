"""Commands of the terminal, a file each: what is typed, the room that does it, what is said."""
