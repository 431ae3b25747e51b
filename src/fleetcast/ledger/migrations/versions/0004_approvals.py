"""Who approved which release."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "approvals",
        sa.Column("release", sa.Text, sa.ForeignKey("releases.id"), nullable=False),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("signature", sa.Text, nullable=False),
        sa.Column("audited", sa.Integer, sa.ForeignKey("audit.seq"), nullable=False),
        sa.PrimaryKeyConstraint("release", "person"),
    )
