"""The terminal: several members, rooms and direct messages on one screen, or in one pipe."""
