"""The gateway's tables: who can answer and at what price, which share tries something new, what each call took."""

from conversations.gateway.models.budgets import Budget, Period, StepDown
from conversations.gateway.models.calls import CallHour, LLMCall, Outcome, Purpose
from conversations.gateway.models.guards import Decision, DecisionKind, DecisionReason, Guard
from conversations.gateway.models.prices import Price
from conversations.gateway.models.providers import Account, ApiKey, Provider, ProviderKind
from conversations.gateway.models.rollouts import Arm, Assignment, Rollout, RolloutState
from conversations.gateway.models.routes import GatewayStamp, LanguageModel, Placement, Route, SamplingProfile, Tier

__all__ = [
    "Account",
    "ApiKey",
    "Arm",
    "Assignment",
    "Budget",
    "CallHour",
    "Decision",
    "DecisionKind",
    "DecisionReason",
    "GatewayStamp",
    "Guard",
    "LLMCall",
    "LanguageModel",
    "Outcome",
    "Period",
    "Placement",
    "Price",
    "Provider",
    "ProviderKind",
    "Purpose",
    "Rollout",
    "RolloutState",
    "Route",
    "SamplingProfile",
    "StepDown",
    "Tier",
]
