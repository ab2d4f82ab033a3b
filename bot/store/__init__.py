"""Durable state: an engine that runs units of work, and one file of statements for each aggregate."""
