"""The other side of the conversation: what the worker, the bot and the shop's people do, under the test's hand.

Everything runs on a thread of its own: Playwright keeps an event loop on the test's thread, where Django refuses to
touch the database.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar
from uuid import uuid4

from django.contrib.auth.models import User
from django.db import connection

from conversations.actions.agents import add_agent_message
from conversations.actions.append import Verdict
from conversations.actions.ownership import hand_back, resolve, take
from conversations.actions.runs import Figures, finish_run, open_run, stop_run
from conversations.events.frames import delta_frame, typing_frame
from conversations.events.lane import Item, Kind, conversation_topic
from conversations.events.publisher import publish
from conversations.events.snapshots import SNAPSHOT_SECONDS, snapshot_key
from conversations.models import Conversation, Customer, Site
from conversations.redis import redis_client

P = ParamSpec("P")
T = TypeVar("T")


def _close_own_connection() -> None:
    # `connection` is another one on each thread.
    connection.close()


class Backstage:
    """Runs the shop while a browser looks at it. One conversation at a time: the newest."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._run_id = 0
        self._shown = ""

    def do(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run database work and return what it returns."""
        return self._thread.submit(work, *args, **kwargs).result(30)

    def open_shop(self, **fields: object) -> Site:
        """Make the site, on duty around the clock, and a person who works there."""
        self.do(User.objects.create_user, "nat", first_name="ณัฐ")
        always = {"duty_days": list(range(7)), "duty_from": "00:00", "duty_until": "23:59:59"}
        return self.do(lambda: Site.objects.create(**{"name": "ร้านมะลิ", **always, **fields}))

    def close_shop(self) -> None:
        """Remove everything, and let go of the database."""
        for model in (Customer, User, Site):
            self.do(model.objects.all().delete)
        self.do(_close_own_connection)
        self._thread.shutdown()

    @property
    def talk(self) -> Conversation:
        """The newest conversation, as it stands."""
        return self.do(lambda: Conversation.objects.latest("pk"))

    def customer_texts(self) -> list[str]:
        """Return what the customer said, as stored."""
        messages = self.talk.messages.filter(sender="customer").order_by("seq")
        return self.do(lambda: [message.text for message in messages])

    def begin_reply(self) -> None:
        """Open a run, as a worker does."""
        opened = self.do(open_run, self.talk.pk, worker="test")
        assert opened is not None
        self._run_id, self._shown = opened.run.pk, ""

    def write(self, text: str) -> None:
        """Let the bot write some more of the reply."""
        frame = delta_frame(self._run_id, offset=len(self._shown), text=text)
        self._shown += text
        topic, end = conversation_topic(self.talk.pk), len(self._shown)
        self.do(redis_client().set, snapshot_key(self._run_id), self._shown, ex=SNAPSHOT_SECONDS)
        self.do(publish, [Item(topic, Kind.DELTA, frame, epoch=self.talk.owner_epoch, run=self._run_id, end=end)])

    def finish_reply(self, *, rest: str = "", escalate: bool = False) -> None:
        """Store the reply."""
        verdict = Verdict(intent="อื่นๆ", action_required=False, escalate=escalate)
        self.do(finish_run, self._run_id, text=self._shown + rest, verdict=verdict, figures=Figures())

    def stop_reply(self) -> None:
        """Store what was shown so far, since the customer wants no more."""
        self.do(stop_run, self._run_id, shown_text=self._shown, figures=Figures())

    def reply(self, text: str) -> None:
        """Write and store a whole reply."""
        self.begin_reply()
        self.write(text)
        self.finish_reply()

    @property
    def agent(self) -> User:
        """The person who works here."""
        return self.do(User.objects.get, username="nat")

    def agent_joins(self) -> None:
        """Let the person take the conversation."""
        assert self.do(take, self.talk.pk, agent=self.agent)

    def agent_types(self) -> None:
        """Let the person be seen typing."""
        frame = typing_frame("agent", ttl_seconds=5)
        self.do(publish, [Item(conversation_topic(self.talk.pk), Kind.LIVE, frame)])

    def agent_says(self, text: str) -> None:
        """Let the person write."""
        assert self.do(add_agent_message, self.talk.pk, agent=self.agent, text=text, client_id=uuid4())

    def agent_hands_back(self) -> None:
        """Let the bot go on."""
        assert self.do(hand_back, self.talk.pk, agent=self.agent)

    def agent_resolves(self) -> None:
        """Close the matter."""
        assert self.do(resolve, self.talk.pk, agent=self.agent)
