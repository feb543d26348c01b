"""Registers the staff pages with Django's admin."""

from conversations.desk import conversations, customers, sites, staff

__all__ = ["conversations", "customers", "sites", "staff"]
