"""The REST API: operations go in, what is known comes out."""
