"""Alembic's scripts; `service.store.opening` runs them."""
