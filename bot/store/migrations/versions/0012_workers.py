"""Several workers on one database: who has which message, what one of them alone does, and which timer has fired."""

from alembic import op

revision = "0012"
down_revision = "0011"

STATEMENTS = (
    "ALTER TABLE inbox ADD COLUMN position BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE inbox ADD COLUMN lease_owner TEXT",
    "ALTER TABLE inbox ADD COLUMN lease_until BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE inbox ADD COLUMN token BIGINT NOT NULL DEFAULT 0",
    """
    UPDATE inbox SET position = coalesce((
        SELECT message.position FROM message
        WHERE message.tenant = inbox.tenant AND message.room = inbox.room AND message.id = inbox.message), 0)
    WHERE settled_at IS NULL
    """,
    # What is open in a room, in its order: a small index however much is settled.
    "CREATE INDEX inbox_waiting ON inbox (tenant, room, position) WHERE settled_at IS NULL",
    """
    CREATE TABLE lease (
        tenant TEXT NOT NULL,
        name TEXT NOT NULL,
        owner TEXT NOT NULL,
        until BIGINT NOT NULL,
        token BIGINT NOT NULL,
        PRIMARY KEY (tenant, name)
    )
    """,
    """
    CREATE TABLE timer (
        tenant TEXT NOT NULL,
        name TEXT NOT NULL,
        slot BIGINT NOT NULL,
        done BIGINT NOT NULL,
        PRIMARY KEY (tenant, name)
    )
    """,
)


def upgrade() -> None:
    """Add the columns, and create the tables."""
    for statement in STATEMENTS:
        op.execute(statement)
