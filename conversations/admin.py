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
    why,
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
    "why",
]
