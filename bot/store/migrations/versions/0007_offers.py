"""Whether a member wants to be offered answers in private, and when they last were."""

from alembic import op

revision = "0007"
down_revision = "0006"

STATEMENTS = (
    "ALTER TABLE member ADD COLUMN offers BIGINT NOT NULL DEFAULT 1",
    "ALTER TABLE member ADD COLUMN offered_at BIGINT NOT NULL DEFAULT 0",
)


def upgrade() -> None:
    """Add the columns."""
    for statement in STATEMENTS:
        op.execute(statement)
