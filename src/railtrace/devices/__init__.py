"""Depot equipment: machines found by folder, their protocols, the gateway that carries results."""
