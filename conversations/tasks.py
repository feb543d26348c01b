"""What travels through the queue: one task, which hands a conversation to its worker's loop.

Names and ids only. A task may come twice, late or never: the run's row decides, and the scheduler finds what is left.
"""

import logging

from celery import shared_task
from celery.signals import worker_ready, worker_shutdown, worker_shutting_down
from django.conf import settings
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from conversations.replies.loop import reply_loop

logger = logging.getLogger(__name__)


@shared_task(name="csbot.reply")
def reply(conversation_id: int) -> None:
    """Answer what is unanswered in a conversation; waits, and so stops the queue, while the loop is full."""
    reply_loop().submit(conversation_id)


def ask_for_reply(conversation_id: int) -> bool:
    """Put a conversation into the queue. False where there is none now; the scheduler asks again later."""
    try:
        reply.apply_async((conversation_id,))
    except (OperationalError, RedisError, OSError) as error:
        logger.warning("conversation %d not queued: %s", conversation_id, type(error).__name__)
        return False
    return True


@worker_ready.connect
def start_loop(**_details: object) -> None:
    """Start the loop before the first message comes, and so show that this worker is there."""
    reply_loop()


@worker_shutting_down.connect
def refuse_new_replies(**_details: object) -> None:
    """Let tasks that wait for a place in the loop return at once, so that the pool can end."""
    reply_loop().refuse()


@worker_shutdown.connect
def stop_loop(**_details: object) -> None:
    """Let the replies in progress finish, and hand on those that take too long."""
    reply_loop().stop(grace_seconds=settings.CSBOT_DRAIN_SECONDS)
