"""Which facts the prompt of an answer held, beside what was decided about its message, and for as long.

A row of the inbox gets its author only once it is answered: before, the message says who that is.
"""

from alembic import op

revision = "0005"
down_revision = "0004"

STATEMENTS = (
    "ALTER TABLE inbox ADD COLUMN author_tenant TEXT",
    "ALTER TABLE inbox ADD COLUMN author TEXT",
    "ALTER TABLE inbox ADD COLUMN facts TEXT",
    "CREATE INDEX inbox_author ON inbox (author_tenant, author, received_at) WHERE author IS NOT NULL",
)


def upgrade() -> None:
    """Add the columns, and the way from a member to their answers."""
    for statement in STATEMENTS:
        op.execute(statement)
