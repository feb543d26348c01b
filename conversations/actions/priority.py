"""How much a conversation matters: agents say so, or the shop's own server does in the identity it signs.

High ones go to the model that is being introduced (see `gateway.arms`). An arm that a conversation has already is for
the life of its rollout, so a change counts from the next rollout on.
"""

import logging
from collections.abc import Collection
from typing import Final

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from conversations.models import Conversation, Priority
from conversations.playbook.audit import record
from conversations.playbook.models import Verb

logger = logging.getLogger(__name__)


SIGNED: Final = "signed identity"
"""Why, where the shop's own server says so."""


@transaction.atomic
def set_priority(
    conversation_ids: Collection[int], *, priority: Priority, by: AbstractBaseUser | None = None
) -> list[Conversation]:
    """Give conversations a priority; return those that had another one, as they were before. Without `by`: the shop."""
    others = Conversation.objects.filter(pk__in=conversation_ids).exclude(priority=priority)
    # In one order everywhere: two agents who change the same ones at once wait for each other, never both.
    changed = list(others.select_for_update(of=("self",)).select_related("customer").order_by("pk"))
    Conversation.objects.filter(pk__in=[each.pk for each in changed]).update(priority=priority)
    for each in changed:
        changes = {"priority": (each.priority, priority.value)}
        record(by, Verb.CHANGE, each, changes=changes, reason="" if by else SIGNED)
        logger.info("conversation %d has priority %s", each.pk, priority.value)
    return changed
