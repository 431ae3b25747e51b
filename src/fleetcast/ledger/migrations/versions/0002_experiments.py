"""Experiments: trials beside production, kept for good."""

import sqlalchemy as sa
from alembic import op

from fleetcast.ledger.dialects import refuse_changes

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    columns = ("at", "actor", "kind", "name", "spec", "summary", "rows")
    op.create_table(
        "experiments",
        sa.Column("id", sa.Text, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in columns),
    )
    op.create_index("experiments_by_kind", "experiments", ["kind"])
    for statement in refuse_changes(op.get_bind().dialect.name, "experiments"):
        op.execute(statement)
