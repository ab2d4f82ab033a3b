"""What leaves, and may come back: tenants, rooms and members that are gone, and what rests meanwhile."""

from alembic import op

revision = "0003"
down_revision = "0002"

STATEMENTS = """
CREATE TABLE origin (
    tenant TEXT NOT NULL,
    room TEXT NOT NULL,
    state TEXT NOT NULL,
    since BIGINT NOT NULL,
    account TEXT,
    PRIMARY KEY (tenant, room)
);

-- Every sweep asks for what is not simply there, which is almost nothing.
CREATE INDEX origin_moving ON origin (state, since) WHERE state <> 'here';

CREATE TABLE departure (
    tenant TEXT NOT NULL,
    member TEXT NOT NULL,
    left_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, member)
);

CREATE INDEX departure_age ON departure (left_at);

ALTER TABLE operation ADD COLUMN frozen_by TEXT;

CREATE INDEX operation_frozen ON operation (frozen_by) WHERE frozen_by IS NOT NULL;

ALTER TABLE conversation ADD COLUMN frozen_by TEXT;

CREATE INDEX conversation_frozen ON conversation (frozen_by) WHERE frozen_by IS NOT NULL;

ALTER TABLE member ADD COLUMN seen_at BIGINT;

CREATE INDEX member_seen ON member (seen_at);
"""


def upgrade() -> None:
    """Create the tables and columns."""
    for statement in STATEMENTS.split(";"):
        if statement.strip():
            op.execute(statement)
