"""Registers the staff pages with Django's admin."""

from conversations.desk import conversations, customers, gateway, playbook, sites, staff

__all__ = ["conversations", "customers", "gateway", "playbook", "sites", "staff"]
