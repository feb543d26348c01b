"""Putting work into the queue, by name: the doors need not load what a worker needs to do it.

Writes Celery's message itself, as the worker reads it from Redis: `send_task` takes five times the CPU, most of it for
making a Redis client anew, and this is done for every message of a customer.
Form: https://docs.celeryq.dev/en/stable/internals/protocol.html (version 2), in the envelope of kombu for Redis.
"""

import logging
import time
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import uuid4

import orjson
from django.conf import settings
from django.utils import timezone
from redis.exceptions import RedisError

from conversations.redis import redis_client

logger = logging.getLogger(__name__)

REPLY_TASK: Final = "csbot.reply"
EVALUATION_TASK: Final = "csbot.evaluate"
EVALUATION_EXPIRES_SECONDS: Final = 10
QUEUED_AT: Final = "csbot_queued_at"
NO_FOLLOWERS: Final = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}


@dataclass(frozen=True, slots=True)
class Queued:
    """How the queue stands: for how many seconds its first has been waiting, and how many were there before."""

    waited_seconds: float
    ahead: int


NOT_QUEUED: Final = Queued(0.0, 0)


def ask_for_reply(conversation_id: int) -> Queued:
    """Put a conversation into the queue. Where there is none now, the scheduler asks again later."""
    return ask_for_replies([conversation_id])


def ask_for_replies(conversation_ids: Sequence[int]) -> Queued:
    """Put conversations into the queue, the first one first, in one round trip."""
    if not conversation_ids:
        return NOT_QUEUED
    messages = [task_message(REPLY_TASK, conversation_id) for conversation_id in conversation_ids]
    try:
        pipeline = redis_client().pipeline(transaction=False)
        pipeline.lindex(settings.CELERY_TASK_DEFAULT_QUEUE, -1)
        pipeline.lpush(settings.CELERY_TASK_DEFAULT_QUEUE, *messages)
        first, length = pipeline.execute()
    except (RedisError, OSError) as error:
        logger.warning("%d conversations not queued: %s", len(conversation_ids), type(error).__name__)
        return NOT_QUEUED
    return Queued(_seconds_in_queue(first), max(0, length - len(messages)))


def _seconds_in_queue(message: bytes | None) -> float:
    """Return how long a message has been in the queue; 0 where there is none, or none of ours."""
    try:
        queued_at = orjson.loads(message)["headers"][QUEUED_AT] if message else None
    except (ValueError, KeyError, TypeError):
        return 0.0
    return max(0.0, time.time() - queued_at) if isinstance(queued_at, float) else 0.0


def ask_for_evaluation() -> bool:
    """Ask a worker to take up an evaluation that waits. False where there is no queue; the scheduler asks again."""
    return _put(task_message(EVALUATION_TASK, expires_seconds=EVALUATION_EXPIRES_SECONDS))


def _put(message: bytes) -> bool:
    try:
        redis_client().lpush(settings.CELERY_TASK_DEFAULT_QUEUE, message)
    except (RedisError, OSError) as error:
        logger.warning("a task was not queued: %s", type(error).__name__)
        return False
    return True


def task_message(task: str, *arguments: int | str, expires_seconds: float | None = None) -> bytes:
    """Return a task as it lies in the queue; a worker throws it away once it has expired."""
    task_id = str(uuid4())
    expires_at = timezone.now() + timedelta(seconds=expires_seconds) if expires_seconds else None
    return orjson.dumps(
        {
            "body": b64encode(orjson.dumps((arguments, {}, NO_FOLLOWERS))).decode(),
            "content-type": "application/json",
            "content-encoding": "utf-8",
            "headers": {
                "lang": "py",
                "task": task,
                "id": task_id,
                "root_id": task_id,
                "parent_id": None,
                "group": None,
                QUEUED_AT: time.time(),
                "expires": expires_at and expires_at.isoformat(),
                "retries": 0,
                "timelimit": [None, None],
                "argsrepr": repr(arguments),
                "kwargsrepr": "{}",
                "ignore_result": True,
            },
            "properties": {
                "correlation_id": task_id,
                "reply_to": "",
                "delivery_mode": 2,
                "delivery_info": {"exchange": "", "routing_key": settings.CELERY_TASK_DEFAULT_QUEUE},
                "priority": 0,
                "body_encoding": "base64",
                "delivery_tag": str(uuid4()),
            },
        }
    )


def queue_is_empty() -> bool:
    """Say whether nothing waits in the queue; where Redis is away nothing does."""
    try:
        return not redis_client().exists(settings.CELERY_TASK_DEFAULT_QUEUE)
    except RedisError:
        return True
