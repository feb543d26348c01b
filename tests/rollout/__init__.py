"""Rollouts: the guard, the scheduler's job, shadow mode, budgets."""
