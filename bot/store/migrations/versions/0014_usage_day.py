"""What was consumed for a member in a day, found without looking at what was for others."""

from alembic import op

revision = "0014"
down_revision = "0012"


def upgrade() -> None:
    """Create the index."""
    op.execute("CREATE INDEX usage_day ON usage (tenant, member_tenant, member, used_at)")
