"""Which arm of a rollout a conversation is on: by a stable hash, written down at its first reply, for ever."""

import uuid
from hashlib import blake2b

from conversations.gateway.catalog import LiveRollout
from conversations.gateway.models import Arm, Assignment
from conversations.gateway.models.rollouts import BUCKETS
from conversations.models import Conversation, Priority


def bucket_of(conversation: uuid.UUID, *, rollout_id: int) -> int:
    """Return the conversation's bucket in this rollout. Another rollout deals them anew: no one is always the first."""
    digest = blake2b(conversation.bytes, digest_size=8, salt=rollout_id.to_bytes(16)).digest()
    return int.from_bytes(digest) % BUCKETS


def assigned_arm(conversation: Conversation, rollout: LiveRollout | None) -> Arm | None:
    """Return the conversation's arm, assigned now where it has none yet. None where no rollout is live."""
    if rollout is None:
        return None
    own = Assignment.objects.filter(rollout_id=rollout.id, conversation=conversation)
    known = own.values_list("arm", flat=True).first()
    if known is None:
        # Two workers may be here at once: the constraint keeps the first, and both read it.
        Assignment.objects.bulk_create([new_assignment(conversation, rollout)], ignore_conflicts=True)
        known = own.values_list("arm", flat=True).get()
    return Arm(known)


def new_assignment(conversation: Conversation, rollout: LiveRollout) -> Assignment:
    """Return the assignment that the rollout's ratio of this moment gives; high priority is always in."""
    bucket = bucket_of(conversation.public_id, rollout_id=rollout.id)
    is_by_priority = conversation.priority == Priority.HIGH and rollout.ratio > 0
    is_in = is_by_priority or bucket < rollout.ratio
    return Assignment(
        rollout_id=rollout.id,
        conversation=conversation,
        arm=Arm.CANARY if is_in else Arm.STABLE,
        bucket=bucket,
        is_by_priority=is_by_priority,
    )
