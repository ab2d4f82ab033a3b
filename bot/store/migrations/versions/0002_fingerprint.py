"""What keeps a message from teaching again what a member had forgotten of it.

The salt is the member's own and the same in all their rows; with the last row it is gone.
"""

from alembic import op

revision = "0002"
down_revision = "0001"

TABLE = """
CREATE TABLE fingerprint (
    tenant TEXT NOT NULL,
    member TEXT NOT NULL,
    mark TEXT NOT NULL,
    salt TEXT NOT NULL,
    PRIMARY KEY (tenant, member, mark)
)
"""


def upgrade() -> None:
    """Create the table."""
    op.execute(TABLE)
