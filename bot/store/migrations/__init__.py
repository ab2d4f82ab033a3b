"""Alembic migrations: the only place that knows how the tables came to be."""
