"""The shared core: turns a message into a reply, and idle conversations into persona updates."""
