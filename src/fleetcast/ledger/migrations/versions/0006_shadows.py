"""Challengers that are scored beside the champion."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "shadows",
        sa.Column("asked", sa.Integer, sa.ForeignKey("audit.seq"), primary_key=True, autoincrement=False),
        sa.Column("release", sa.Text, sa.ForeignKey("releases.id"), nullable=False),
        sa.Column("first", sa.Text, nullable=False),
        sa.Column("cycles", sa.Integer, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("labels", sa.Text, nullable=False),
        sa.Column("promotes", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("decision", sa.Text),
        sa.Column("evidence", sa.Text),
        sa.Column("audited", sa.Integer, sa.ForeignKey("audit.seq"), nullable=False),
    )
