"""What members were asked and decided about special categories of data, one row for each category."""

from alembic import op

revision = "0010"
down_revision = "0009"

STATEMENTS = (
    """
    CREATE TABLE agreement (
        tenant TEXT NOT NULL,
        member TEXT NOT NULL,
        category TEXT NOT NULL,
        state TEXT NOT NULL,
        decided_at BIGINT NOT NULL,
        room TEXT,
        message TEXT,
        since BIGINT,
        until BIGINT,
        PRIMARY KEY (tenant, member, category)
    )
    """,
    "CREATE INDEX agreement_until ON agreement (until) WHERE until IS NOT NULL",
)


def upgrade() -> None:
    """Create the table."""
    for statement in STATEMENTS:
        op.execute(statement)
