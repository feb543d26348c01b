"""Putting work into the queue, by name: the doors need not load what a worker needs to do it."""

import logging
from typing import Final

from celery import current_app
from django.conf import settings
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from conversations.redis import redis_client

logger = logging.getLogger(__name__)

REPLY_TASK: Final = "csbot.reply"
EVALUATION_TASK: Final = "csbot.evaluate"
EVALUATION_EXPIRES_SECONDS: Final = 10


def ask_for_reply(conversation_id: int) -> bool:
    """Put a conversation into the queue. False where there is none now; the scheduler asks again later."""
    try:
        current_app.send_task(REPLY_TASK, (conversation_id,))
    except (OperationalError, RedisError, OSError) as error:
        logger.warning("conversation %d not queued: %s", conversation_id, type(error).__name__)
        return False
    return True


def ask_for_evaluation() -> bool:
    """Ask a worker to take up an evaluation that waits. False where there is no queue; the scheduler asks again."""
    try:
        current_app.send_task(EVALUATION_TASK, expires=EVALUATION_EXPIRES_SECONDS)
    except (OperationalError, RedisError, OSError) as error:
        logger.warning("evaluation not queued: %s", type(error).__name__)
        return False
    return True


def queue_is_empty() -> bool:
    """Say whether nothing waits in the queue; where Redis is away nothing does."""
    try:
        return not redis_client().exists(settings.CELERY_TASK_DEFAULT_QUEUE)
    except RedisError:
        return True
