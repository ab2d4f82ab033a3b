"""Platforms: one folder each. An adapter translates, shows, and decides nothing."""
