"""The persona: what is known of a member, how it may change, who may know it, and how it is kept.

A library of its own: it imports nothing from `bot` or `adapters`, and knows no platform and no vendor.
"""
