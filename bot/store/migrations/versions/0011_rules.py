"""What the admins of a tenant decided for it; and what was consumed in a month, found without looking at a year."""

from alembic import op

revision = "0011"
down_revision = "0010"

STATEMENTS = (
    """
    CREATE TABLE rule (
        tenant TEXT NOT NULL,
        name TEXT NOT NULL,
        value TEXT NOT NULL,
        since BIGINT,
        PRIMARY KEY (tenant, name)
    )
    """,
    "CREATE INDEX usage_month ON usage (tenant, used_at)",
)


def upgrade() -> None:
    """Create the table and the index."""
    for statement in STATEMENTS:
        op.execute(statement)
