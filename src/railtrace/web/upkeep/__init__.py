"""Campaigns, crews' remarks, warranty and claims, repairs elsewhere."""
