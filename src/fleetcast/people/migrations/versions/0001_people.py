"""People as first released."""

import sqlalchemy as sa
from alembic import op

from fleetcast.ledger.dialects import refuse_changes

revision = "0001"
down_revision = None


def upgrade() -> None:
    _audit()
    _accounts()
    _secrets()
    op.create_table("attempts", *_texts("key", "at"))
    op.create_index("attempts_by_key", "attempts", ["key", "at"])
    for statement in refuse_changes(op.get_bind().dialect.name, "audit"):
        op.execute(statement)


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        *_texts("at", "actor", "action", "subject", "reason"),
        *_texts("before", "after", nullable=True),
        *_texts("policy", "previous", "hash"),
    )
    op.create_index("audit_by_action", "audit", ["action"])
    op.create_index("audit_by_subject", "audit", ["subject"])


def _accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("name", sa.Text, primary_key=True),
        *_texts("role"),
        *_texts("regions", "password", nullable=True),
        sa.Column("identity", sa.Text, unique=True),
        sa.Column("disabled", sa.Boolean, nullable=False),
        *_texts("created"),
    )


def _secrets() -> None:
    for name in ("sessions", "links"):
        op.create_table(name, sa.Column("digest", sa.Text, primary_key=True), _account(), *_texts("expires"))
    op.create_index("sessions_by_account", "sessions", ["account"])
    op.create_table(
        "tokens",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("digest", sa.Text, unique=True, nullable=False),
        _account(),
        *_texts("purpose", "role"),
        *_texts("regions", nullable=True),
        *_texts("created", "expires"),
        *_texts("revoked", nullable=True),
    )
    op.create_index("tokens_by_account", "tokens", ["account"])


def _account() -> sa.Column[str]:
    return sa.Column("account", sa.Text, sa.ForeignKey("accounts.name"), nullable=False)


def _texts(*names: str, nullable: bool = False) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=nullable) for name in names]
