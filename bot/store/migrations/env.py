"""What Alembic runs: the migrations on the connection `bot.store.migrate` hands over, or written down for PostgreSQL.

Either way in the one transaction of whoever runs them.
"""

from alembic import context

if context.is_offline_mode():
    context.configure(dialect_name="postgresql", transactional_ddl=False)
else:
    context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
