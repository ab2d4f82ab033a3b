"""Which keys seal this database, and which erasures have reached it.

One row, of no tenant: the keys are in a file of their own (decision 0013), and this says that it is the right one.
Its absence says that nothing was sealed yet. The index finds what somebody said, to erase it.
"""

from alembic import op

revision = "0009"
down_revision = "0008"

TABLES = """
CREATE TABLE vault (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    erased_through BIGINT NOT NULL,
    compacted_at BIGINT NOT NULL,
    PRIMARY KEY (tenant)
);

CREATE INDEX message_author ON message (author_tenant, author);
"""


def upgrade() -> None:
    """Create the table and the index."""
    for statement in TABLES.split(";"):
        if statement.strip():
            op.execute(statement)
