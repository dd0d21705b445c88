"""Exact information of discrete variables with a known joint table, in nats."""
