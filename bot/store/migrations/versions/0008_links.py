"""Accounts of one person that are linked by a code: both directions, the codes that wait, and wrong guesses."""

from alembic import op

revision = "0008"
down_revision = "0007"

STATEMENTS = (
    """
    CREATE TABLE link (
        tenant TEXT NOT NULL,
        member TEXT NOT NULL,
        other_tenant TEXT NOT NULL,
        other TEXT NOT NULL,
        linked_at BIGINT NOT NULL,
        PRIMARY KEY (tenant, member)
    )
    """,
    """
    CREATE TABLE link_code (
        tenant TEXT NOT NULL,
        member TEXT NOT NULL,
        digest TEXT NOT NULL,
        expires_at BIGINT NOT NULL,
        PRIMARY KEY (tenant, member)
    )
    """,
    "CREATE INDEX link_code_digest ON link_code (digest)",
    "CREATE INDEX link_code_expired ON link_code (expires_at)",
    """
    CREATE TABLE link_guess (
        tenant TEXT NOT NULL,
        member TEXT NOT NULL,
        id TEXT NOT NULL,
        guessed_at BIGINT NOT NULL,
        PRIMARY KEY (tenant, member, id)
    )
    """,
    "CREATE INDEX link_guess_age ON link_guess (guessed_at)",
)


def upgrade() -> None:
    """Create the tables."""
    for statement in STATEMENTS:
        op.execute(statement)
