"""What went wrong and what became of it; what people are told."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "incidents",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("opened", sa.Text, nullable=False),
        sa.Column("seen", sa.Text, nullable=False),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("severity", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("closed", sa.Text),
        sa.Column("closed_by", sa.Text),
        sa.Column("owner", sa.Text),
        sa.Column("notes", sa.Text, nullable=False),
        sa.Column("evidence", sa.Text, nullable=False),
        sa.Column("audited", sa.Integer, sa.ForeignKey("audit.seq"), nullable=False),
    )
    op.create_index("incidents_by_state", "incidents", ["state"])
    op.create_table(
        "notices",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("sent", sa.Text),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("due", sa.Text),
        sa.Column("given_up", sa.Text),
        sa.Column("error", sa.Text, nullable=False),
    )
    op.create_index("notices_by_sent", "notices", ["sent"])
