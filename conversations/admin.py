"""Registers the staff pages with Django's admin."""

from conversations.desk import conversations, customers, playbook, sites, staff

__all__ = ["conversations", "customers", "playbook", "sites", "staff"]
