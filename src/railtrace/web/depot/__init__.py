"""The room of the repair enterprise: boards, orders, equipment, metrology, rights to work."""
