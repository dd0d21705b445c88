"""Paired data: what an encoder sees of each sample, in two or more views."""
