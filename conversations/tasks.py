"""What a worker does with the queue: tasks that hand work to the process's loop and return.

Names and ids only. A task may come twice, late or never: the run's row decides, and the scheduler finds what is left.
"""

from celery import shared_task
from celery.signals import worker_ready, worker_shutdown, worker_shutting_down
from django.conf import settings

from conversations.queue import EVALUATION_TASK, REPLY_TASK, ask_for_reply
from conversations.replies.loop import reply_loop


@shared_task(name=REPLY_TASK)
def reply(conversation_id: int) -> None:
    """Answer what is unanswered in a conversation; waits, and so stops the queue, while the loop is full."""
    reply_loop().submit(conversation_id)


@shared_task(name=EVALUATION_TASK)
def evaluate() -> None:
    """Take up an evaluation that waits; which one, and whether it still does, the loop finds out."""
    reply_loop().evaluate()


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
    for conversation_id in reply_loop().stop(grace_seconds=settings.CSBOT_DRAIN_SECONDS):
        ask_for_reply(conversation_id)
