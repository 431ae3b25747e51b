"""What people decided about orders."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "overrides",
        sa.Column("audited", sa.Integer, sa.ForeignKey("audit.seq"), primary_key=True, autoincrement=False),
        sa.Column("cycle", sa.Text, nullable=False),
        sa.Column("week", sa.Text, nullable=False),
        sa.Column("store", sa.Text, nullable=False),
        sa.Column("product", sa.Text, nullable=False),
        sa.Column("recommended", sa.Float),
        sa.Column("decision", sa.Text, nullable=False),
        sa.Column("units", sa.Float),
    )
    op.create_index("overrides_by_cycle", "overrides", ["cycle"])
