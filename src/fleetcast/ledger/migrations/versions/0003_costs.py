"""What each step took, beside how it ended."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    for name in ("cpu_seconds", "wall_seconds", "peak_mb"):
        op.add_column("steps", sa.Column(name, sa.Float))
