"""Registers the staff pages with Django's admin."""

from conversations.desk import (
    audit,
    budgets,
    conversations,
    customers,
    gateway,
    playbook,
    releases,
    rollouts,
    sites,
    staff,
)

__all__ = [
    "audit",
    "budgets",
    "conversations",
    "customers",
    "gateway",
    "playbook",
    "releases",
    "rollouts",
    "sites",
    "staff",
]
