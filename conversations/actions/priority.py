"""How much a conversation matters: agents say so, or the shop's own server does in the identity it signs.

High ones go to the model that is being introduced (see `gateway.arms`). An arm that a conversation has already is for
the life of its rollout, so a change counts from the next rollout on.
"""

import logging
from collections.abc import Collection

from django.db import transaction

from conversations.models import Conversation, Priority

logger = logging.getLogger(__name__)


@transaction.atomic
def set_priority(conversation_ids: Collection[int], *, priority: Priority) -> list[Conversation]:
    """Give conversations a priority; return those that had another one, as they were before."""
    others = Conversation.objects.filter(pk__in=conversation_ids).exclude(priority=priority)
    # In one order everywhere: two agents who change the same ones at once wait for each other, never both.
    changed = list(others.select_for_update(of=("self",)).select_related("customer").order_by("pk"))
    Conversation.objects.filter(pk__in=[each.pk for each in changed]).update(priority=priority)
    for each in changed:
        logger.info("conversation %d has priority %s", each.pk, priority.value)
    return changed
