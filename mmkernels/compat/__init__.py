"""Modules that stand in for other projects' metrics files."""
