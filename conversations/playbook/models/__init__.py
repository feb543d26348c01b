"""What the bot knows, in tables: the draft that staff edit, the releases made of it, and who changed what."""

from conversations.playbook.models.audit import AuditEntry, Verb
from conversations.playbook.models.corrections import (
    Correction,
    CorrectionReason,
    CorrectionState,
    ExampleImport,
    FileFormat,
)
from conversations.playbook.models.entries import MAX_TEXT_CHARS, Example, Fact, Instruction, Intent, OnAction
from conversations.playbook.models.evaluation import (
    EvaluationCase,
    EvaluationItem,
    EvaluationResult,
    EvaluationRun,
    EvaluationSet,
    RunState,
    RunVerdict,
)
from conversations.playbook.models.profiles import MAX_KEY_CHARS, MAX_NAME_CHARS, Profile
from conversations.playbook.models.releases import CheckState, Publication, PublicationKind, Release, Stamp
from conversations.playbook.models.versions import StaleError, Versioned

__all__ = [
    "MAX_KEY_CHARS",
    "MAX_NAME_CHARS",
    "MAX_TEXT_CHARS",
    "AuditEntry",
    "CheckState",
    "Correction",
    "CorrectionReason",
    "CorrectionState",
    "EvaluationCase",
    "EvaluationItem",
    "EvaluationResult",
    "EvaluationRun",
    "EvaluationSet",
    "Example",
    "ExampleImport",
    "Fact",
    "FileFormat",
    "Instruction",
    "Intent",
    "OnAction",
    "Profile",
    "Publication",
    "PublicationKind",
    "Release",
    "RunState",
    "RunVerdict",
    "StaleError",
    "Stamp",
    "Verb",
    "Versioned",
]
