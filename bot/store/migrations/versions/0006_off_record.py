"""What is said off the record: marked with each message, and the members who are, room by room."""

from alembic import op

revision = "0006"
down_revision = "0005"

STATEMENTS = (
    "ALTER TABLE message ADD COLUMN off_record BIGINT NOT NULL DEFAULT 0",
    """
    CREATE TABLE off_record (
        tenant TEXT NOT NULL,
        room TEXT NOT NULL,
        member_tenant TEXT NOT NULL,
        member TEXT NOT NULL,
        since BIGINT NOT NULL,
        until BIGINT,
        PRIMARY KEY (tenant, room, member_tenant, member, since)
    )
    """,
    "CREATE INDEX off_record_ended ON off_record (until) WHERE until IS NOT NULL",
)


def upgrade() -> None:
    """Add the mark, and the table."""
    for statement in STATEMENTS:
        op.execute(statement)
