"""The tables of the main job.

Every primary key begins with the tenant, so that a distributed PostgreSQL can shard by it. Times are microseconds
since 1970; truth is 0 or 1. Types are those SQLite and PostgreSQL share.
"""

from alembic import op

revision = "0001"
down_revision = None

TABLES = """
CREATE TABLE member (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    consent TEXT NOT NULL,
    consent_at BIGINT,
    observed BIGINT NOT NULL DEFAULT 1,
    PRIMARY KEY (tenant, id)
);

CREATE TABLE conversation (
    tenant TEXT NOT NULL,
    room TEXT NOT NULL,
    channel TEXT NOT NULL,
    thread TEXT,
    kind TEXT NOT NULL,
    last_message_at BIGINT NOT NULL,
    last_position BIGINT NOT NULL,
    learned_through BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    not_before BIGINT NOT NULL,
    lease_owner TEXT,
    lease_until BIGINT NOT NULL,
    wanted_through BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, room)
);

-- The sweep asks for nothing but conversations with something to learn: a partial index keeps the question cheap
-- however many conversations there are (performance section 4).
CREATE INDEX conversation_due ON conversation (last_message_at) WHERE last_position > learned_through;

-- Somebody asked to be learned at once: rare, so its own small index.
CREATE INDEX conversation_wanted ON conversation (last_message_at) WHERE wanted_through > learned_through;

-- Discord names a thread without its channel when one of its messages is deleted.
CREATE INDEX conversation_thread ON conversation (tenant, thread) WHERE thread IS NOT NULL;

CREATE TABLE message (
    tenant TEXT NOT NULL,
    room TEXT NOT NULL,
    id TEXT NOT NULL,
    position BIGINT NOT NULL,
    author_tenant TEXT,
    author TEXT,
    author_name TEXT NOT NULL,
    reply_to TEXT,
    text TEXT NOT NULL,
    said_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, room, id)
);

CREATE UNIQUE INDEX message_position ON message (tenant, room, position);
CREATE INDEX message_age ON message (said_at);

CREATE TABLE inbox (
    tenant TEXT NOT NULL,
    key TEXT NOT NULL,
    room TEXT NOT NULL,
    message TEXT NOT NULL,
    answer TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    settled_at BIGINT,
    PRIMARY KEY (tenant, key)
);

CREATE INDEX inbox_open ON inbox (received_at) WHERE settled_at IS NULL;
CREATE INDEX inbox_settled ON inbox (settled_at) WHERE settled_at IS NOT NULL;

CREATE TABLE outbox (
    tenant TEXT NOT NULL,
    answer TEXT NOT NULL,
    part BIGINT NOT NULL,
    text TEXT NOT NULL,
    state TEXT NOT NULL,
    post TEXT,
    PRIMARY KEY (tenant, answer, part)
);

CREATE TABLE operation (
    tenant TEXT NOT NULL,
    member TEXT NOT NULL,
    id TEXT NOT NULL,
    field TEXT NOT NULL,
    op TEXT NOT NULL,
    value TEXT NOT NULL,
    kind TEXT NOT NULL,
    audience TEXT NOT NULL,
    said_at BIGINT NOT NULL,
    since BIGINT,
    until BIGINT,
    session TEXT NOT NULL,
    update_id TEXT NOT NULL,
    learned_at BIGINT NOT NULL,
    undone_at BIGINT,
    PRIMARY KEY (tenant, member, id)
);

CREATE INDEX operation_update ON operation (tenant, member, update_id);

CREATE TABLE evidence (
    tenant TEXT NOT NULL,
    member TEXT NOT NULL,
    operation TEXT NOT NULL,
    number BIGINT NOT NULL,
    room_tenant TEXT NOT NULL,
    room TEXT NOT NULL,
    message TEXT NOT NULL,
    quote TEXT NOT NULL,
    said_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, member, operation, number)
);

CREATE INDEX evidence_message ON evidence (room_tenant, room, message);

CREATE TABLE fact (
    tenant TEXT NOT NULL,
    member TEXT NOT NULL,
    id TEXT NOT NULL,
    section TEXT NOT NULL,
    field TEXT NOT NULL,
    value TEXT NOT NULL,
    kind TEXT NOT NULL,
    audience TEXT NOT NULL,
    confirmed_at BIGINT NOT NULL,
    valid_from BIGINT NOT NULL,
    valid_until BIGINT,
    PRIMARY KEY (tenant, member, id)
);

CREATE TABLE fence (
    tenant TEXT NOT NULL,
    member TEXT NOT NULL,
    field TEXT NOT NULL,
    raised_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, member, field)
);

CREATE TABLE tidying (
    tenant TEXT NOT NULL,
    member TEXT NOT NULL,
    due_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, member)
);

CREATE INDEX tidying_due ON tidying (due_at);

CREATE TABLE refusal (
    tenant TEXT NOT NULL,
    member TEXT NOT NULL,
    id TEXT NOT NULL,
    field TEXT NOT NULL,
    reason TEXT NOT NULL,
    refused_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, member, id)
);

CREATE INDEX refusal_age ON refusal (refused_at);

CREATE TABLE usage (
    tenant TEXT NOT NULL,
    call TEXT NOT NULL,
    member_tenant TEXT NOT NULL,
    member TEXT NOT NULL,
    purpose TEXT NOT NULL,
    model TEXT NOT NULL,
    is_batch BIGINT NOT NULL,
    input_tokens BIGINT NOT NULL,
    cached_tokens BIGINT NOT NULL,
    written_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    cost BIGINT,
    used_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, call, member_tenant, member)
);

CREATE INDEX usage_age ON usage (used_at);

CREATE TABLE note (
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (tenant, name)
);

CREATE TABLE batch_request (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    batch TEXT,
    asked TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);
"""


def upgrade() -> None:
    """Create the tables."""
    for statement in TABLES.split(";"):
        if statement.strip():
            op.execute(statement)
