"""How Alembic reaches the store of people: always from the program, inside the transaction it is handed."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
