"""What admins decide and see, one verb of `/persona-admin` in each file. None reads a fact, a field or a name."""
