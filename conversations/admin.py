"""Registers the staff pages with Django's admin."""

from conversations.desk import (
    answers,
    audit,
    budgets,
    conversations,
    corrections,
    customers,
    evaluation,
    exchange,
    gateway,
    playbook,
    releases,
    rollouts,
    sites,
    staff,
    students,
    why,
)

__all__ = [
    "answers",
    "audit",
    "budgets",
    "conversations",
    "corrections",
    "customers",
    "evaluation",
    "exchange",
    "gateway",
    "playbook",
    "releases",
    "rollouts",
    "sites",
    "staff",
    "students",
    "why",
]
