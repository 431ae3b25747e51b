"""Sign-ins that are under way with a provider."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    texts = (sa.Column(name, sa.Text, nullable=False) for name in ("onward", "address", "expires"))
    op.create_table("departures", sa.Column("state", sa.Text, primary_key=True), *texts)
    op.create_index("departures_by_address", "departures", ["address"])
