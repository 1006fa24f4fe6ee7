"""What happened: operations, the logs they are written to, and the proofs over them."""
