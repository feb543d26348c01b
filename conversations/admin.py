"""Registers the staff pages with Django's admin."""

from conversations.desk import budgets, conversations, customers, gateway, playbook, rollouts, sites, staff

__all__ = ["budgets", "conversations", "customers", "gateway", "playbook", "rollouts", "sites", "staff"]
