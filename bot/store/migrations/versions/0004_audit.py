"""The audit log: rows in a chain, where each tenant's chain stands, and the salts that what is in it is hashed with."""

from alembic import op

revision = "0004"
down_revision = "0003"

TABLES = """
CREATE TABLE audit (
    tenant TEXT NOT NULL,
    number BIGINT NOT NULL,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    subject TEXT NOT NULL,
    action TEXT NOT NULL,
    field TEXT NOT NULL,
    operation TEXT NOT NULL,
    audience TEXT NOT NULL,
    evidence TEXT NOT NULL,
    old TEXT NOT NULL,
    new TEXT NOT NULL,
    reason TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (tenant, number)
);

CREATE INDEX audit_age ON audit (at);

CREATE TABLE audit_head (
    tenant TEXT NOT NULL,
    number BIGINT NOT NULL,
    hash TEXT NOT NULL,
    cut_number BIGINT NOT NULL,
    cut_hash TEXT NOT NULL,
    PRIMARY KEY (tenant)
);

CREATE TABLE audit_salt (
    tenant TEXT NOT NULL,
    member TEXT NOT NULL,
    field TEXT NOT NULL,
    salt TEXT NOT NULL,
    PRIMARY KEY (tenant, member, field)
);
"""


def upgrade() -> None:
    """Create the tables."""
    for statement in TABLES.split(";"):
        if statement.strip():
            op.execute(statement)
