"""The workspaces that installed the app themselves, with the tokens they gave it; and which invitations were used."""

from alembic import op

revision = "0015"
down_revision = "0014"

STATEMENTS = (
    """
    CREATE TABLE installation (
        tenant TEXT NOT NULL,
        app TEXT NOT NULL,
        bot_user TEXT NOT NULL,
        address TEXT NOT NULL,
        token TEXT NOT NULL,
        refresh_token TEXT NOT NULL,
        expires_at BIGINT,
        installed_at BIGINT NOT NULL,
        version BIGINT NOT NULL,
        renewing_until BIGINT NOT NULL,
        PRIMARY KEY (tenant, app)
    )
    """,
    """
    CREATE TABLE install_state (
        tenant TEXT NOT NULL,
        digest TEXT NOT NULL,
        expires_at BIGINT NOT NULL,
        PRIMARY KEY (tenant, digest)
    )
    """,
)


def upgrade() -> None:
    """Create the tables."""
    for statement in STATEMENTS:
        op.execute(statement)
