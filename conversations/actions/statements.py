"""The three changes of every answered question, each as one statement: asked, opened, finished.

What the ORM does in five to seven round trips costs ten times the CPU and, where one interpreter is full of streams, a
wait for it at each trip (docs/decisions/0006). Only the usual course is here; whatever is rarer (another owner, a
resend, an escalation, several calls) changes nothing here, and the caller goes the ORM's way.

Each statement changes the conversation's row first, or locks it, so it stands in the same line as everything else that
does; a row that changed while it waited is looked at again by PostgreSQL itself (READ COMMITTED, "EvalPlanQual").
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from django.db import models

from conversations.database import numbered, parameter, placeholder
from conversations.gateway.models import LLMCall
from conversations.models import Conversation, Message, Run

SHOWN_COLUMNS = tuple(
    field.attname for field in Message._meta.concrete_fields if field.attname not in {"intent", "escalate", "agent_id"}
)
STANDING_COLUMNS = tuple(
    field.attname
    for field in Conversation._meta.concrete_fields
    if field.attname in {"id", "public_id", "owner", "owner_epoch", "head_seq", "read_seq", "rating"}
)
HISTORY_FIELDS = ("seq", "sender", "text", "intent", "action_required", "escalate")


@dataclass(frozen=True)
class Insertion:
    """How rows of a model are written: what the statement computes, and all else from an instance."""

    model: type[models.Model]
    computed: Mapping[str, str]

    @cached_property
    def columns(self) -> str:
        """The columns, for the INSERT."""
        return ", ".join(f'"{name}"' for name in (*self.computed, *(field.column for field in self.given)))

    @cached_property
    def values(self) -> str:
        """The expressions, in the order of the columns."""
        return ", ".join((*self.computed.values(), *map(placeholder, self.given)))

    @cached_property
    def given(self) -> "tuple[models.Field[Any, Any], ...]":
        """The fields that come from the instance."""
        fields = self.model._meta.local_concrete_fields
        return tuple(field for field in fields if not field.primary_key and field.column not in self.computed)

    def parameters(self, instance: models.Model) -> list[object]:
        """Return the instance's values, in the order of the placeholders."""
        return [parameter(field, getattr(instance, field.attname)) for field in self.given]


STAMPS = """
    (SELECT value FROM conversations_playbook_stamp LIMIT 1),
    (SELECT value FROM conversations_gateway_stamp LIMIT 1),
    (SELECT stamp FROM conversations_answerpolicy LIMIT 1)
"""
CUSTOMER_MESSAGE = Insertion(Message, {"conversation_id": "moved.id", "seq": "moved.head_seq"})
QUESTION = Insertion(
    Message,
    {"conversation_id": "moved.id", "seq": "moved.head_seq", "client_id": "moved.client_id", "text": "moved.text"},
)
BOT_MESSAGE = Insertion(Message, {"conversation_id": "moved.id", "seq": "moved.head_seq", "run_id": "moved.run_id"})
WAIT_NOTICE = Insertion(Message, {"conversation_id": "moved.id", "seq": "moved.head_seq", "text": "moved.said"})
RUN = Insertion(
    Run, {"conversation_id": "held.id", "owner_epoch": "held.owner_epoch", "covers_seq": "held.customer_seq"}
)
CALL = Insertion(LLMCall, {})
RUN_FIELDS = {field.name: field for field in Run._meta.local_concrete_fields}


@cache
def read_stamps() -> bytes:
    """Return the statement that reads all stamps."""
    return numbered(f"SELECT {STAMPS}")


@cache
def store_question() -> bytes:
    """Return the statement that stores a customer's message where the bot answers, and finds the run it may join.

    The run is looked up as things stood when the statement began: one that ended while it waited has answered all that
    it covers, which its conversation tells.
    """
    return numbered(f"""
        WITH moved AS (
            UPDATE conversations_conversation AS conversation
               SET head_seq = head_seq + 1, customer_seq = head_seq + 1,
                   last_message_at = %s, reply_requested_at = %s
             WHERE id = %s AND owner = 'bot'
               AND NOT EXISTS (
                   SELECT FROM conversations_message AS earlier
                    WHERE earlier.conversation_id = conversation.id AND earlier.client_id = %s
               )
         RETURNING id, head_seq, answered_seq
        ), stored AS (
            INSERT INTO conversations_message ({CUSTOMER_MESSAGE.columns})
            SELECT {CUSTOMER_MESSAGE.values} FROM moved
         RETURNING id, seq
        )
        SELECT stored.id, stored.seq, run.id
          FROM moved CROSS JOIN stored
          LEFT JOIN conversations_run AS run
            ON run.conversation_id = moved.id AND run.state = 'open' AND run.covers_seq > moved.answered_seq
    """)  # noqa: S608 - columns and placeholders of our own tables


@cache
def store_questions() -> bytes:
    """Return the statement that does the same for many customers at once; given arrays of conversation, id and text.

    It waits for nobody: a conversation whose row somebody else has locked is left out, as are those that the bot
    doesn't answer and messages that are there already. No conversation may be given twice.
    """
    return numbered(f"""
        WITH held AS (
            SELECT conversation.id, asked.client_id, asked.text
              FROM unnest(%s::bigint[], %s::uuid[], %s::text[]) AS asked (conversation_id, client_id, text)
              JOIN conversations_conversation AS conversation ON conversation.id = asked.conversation_id
             WHERE conversation.owner = 'bot'
               AND NOT EXISTS (
                   SELECT FROM conversations_message AS earlier
                    WHERE earlier.conversation_id = conversation.id AND earlier.client_id = asked.client_id
               )
               FOR NO KEY UPDATE OF conversation SKIP LOCKED
        ), moved AS (
            UPDATE conversations_conversation AS conversation
               SET head_seq = head_seq + 1, customer_seq = head_seq + 1,
                   last_message_at = %s, reply_requested_at = %s
              FROM held WHERE conversation.id = held.id
         RETURNING conversation.id, conversation.head_seq, conversation.answered_seq, held.client_id, held.text
        ), stored AS (
            INSERT INTO conversations_message ({QUESTION.columns})
            SELECT {QUESTION.values} FROM moved
         RETURNING id, conversation_id, seq
        )
        SELECT stored.conversation_id, stored.id, stored.seq, run.id
          FROM moved JOIN stored ON stored.conversation_id = moved.id
          LEFT JOIN conversations_run AS run
            ON run.conversation_id = moved.id AND run.state = 'open' AND run.covers_seq > moved.answered_seq
    """)  # noqa: S608 - columns and placeholders of our own tables


@cache
def ask_to_wait() -> bytes:
    """Return the statement that stores the sentence that asks to wait, where nobody is answering and it wasn't said.

    For many at once, given arrays of conversation and customer message; waits for nobody, as `store_questions`.
    """
    return numbered(f"""
        WITH held AS (
            SELECT conversation.id
              FROM unnest(%s::bigint[], %s::integer[]) AS asked (conversation_id, seq)
              JOIN conversations_conversation AS conversation ON conversation.id = asked.conversation_id
             WHERE owner = 'bot' AND customer_seq > answered_seq AND answered_seq < asked.seq
               AND NOT EXISTS (
                   SELECT FROM conversations_run AS run
                    WHERE run.conversation_id = conversation.id AND run.state = 'open'
               )
               AND NOT EXISTS (
                   SELECT FROM conversations_message AS earlier
                    WHERE earlier.conversation_id = conversation.id
                      AND earlier.seq > conversation.answered_seq AND earlier.code = %s
               )
               FOR NO KEY UPDATE OF conversation SKIP LOCKED
        ), moved AS (
            UPDATE conversations_conversation AS conversation
               SET head_seq = head_seq + 1, last_message_at = %s
              FROM held WHERE conversation.id = held.id
         RETURNING conversation.id, head_seq, CASE locale WHEN %s THEN %s::text ELSE %s::text END AS said
        ), stored AS (
            INSERT INTO conversations_message ({WAIT_NOTICE.columns})
            SELECT {WAIT_NOTICE.values} FROM moved
         RETURNING id, conversation_id, seq, text
        )
        SELECT id, conversation_id, seq, text FROM stored
    """)  # noqa: S608 - columns and placeholders of our own tables


@cache
def read_sessions() -> bytes:
    """Return the statement that reads what widgets' sessions stand for where they are valid; given an array of keys."""
    return numbered("""
        SELECT session.key, conversation.id, conversation.locale, site.allowed_origins
          FROM conversations_widgetsession AS session
          JOIN conversations_conversation AS conversation ON conversation.customer_id = session.customer_id
          JOIN conversations_site AS site ON site.id = conversation.site_id
         WHERE session.key = ANY(%s::text[]) AND session.expires_at > %s
    """)


@cache
def read_standings() -> bytes:
    """Return the statement that reads how conversations stand where no person is concerned, each with its open run.

    Given an array of conversations. All of one moment, so that nothing in it is newer than anything else.
    """
    columns = ", ".join(f'conversation."{column}"' for column in STANDING_COLUMNS)
    return numbered(f"""
        SELECT {columns}, run.id, run.covers_seq
          FROM conversations_conversation AS conversation
          LEFT JOIN conversations_run AS run
            ON run.conversation_id = conversation.id AND run.state = 'open'
               AND run.owner_epoch >= conversation.owner_epoch
         WHERE conversation.id = ANY(%s::bigint[]) AND conversation.owner IN ('bot', 'resolved')
    """)  # noqa: S608 - columns and placeholders of our own tables


@cache
def read_missed() -> bytes:
    """Return the statement that reads what clients missed; given arrays of conversation and seq, and how many at most.

    Each row begins with the two it was asked for by.
    """
    fields = ", ".join(f'message."{column}"' for column in SHOWN_COLUMNS)
    return numbered(f"""
        SELECT asked.conversation_id, asked.after_seq, {fields}
          FROM unnest(%s::bigint[], %s::integer[]) AS asked (conversation_id, after_seq)
         CROSS JOIN LATERAL (
               SELECT * FROM conversations_message AS said
                WHERE said.conversation_id = asked.conversation_id AND said.seq > asked.after_seq
                ORDER BY said.seq LIMIT %s
               ) AS message
         ORDER BY asked.conversation_id, asked.after_seq, message.seq
    """)  # noqa: S608 - columns and placeholders of our own tables


@cache
def open_reply() -> bytes:
    """Return the statement that opens a run where a reply is owed and none is open, with all that a prompt needs.

    The history is what was there when the statement began: a message that was being stored then may be missing.
    """
    conversation = ", ".join(f'held."{field.column}"' for field in Conversation._meta.concrete_fields)
    said = ", ".join(f"recent.{field}" for field in HISTORY_FIELDS)
    return numbered(f"""
        WITH held AS (
            SELECT * FROM conversations_conversation WHERE id = %s FOR NO KEY UPDATE
        ), opened AS (
            INSERT INTO conversations_run ({RUN.columns})
            SELECT {RUN.values} FROM held WHERE held.owner = 'bot' AND held.customer_seq > held.answered_seq
                ON CONFLICT (conversation_id) WHERE state = 'open' DO NOTHING
         RETURNING id
        )
        SELECT opened.id,
               {STAMPS},
               (SELECT json_agg(json_build_array({said}) ORDER BY recent.seq)::text
                  FROM (SELECT * FROM conversations_message AS message
                         WHERE message.conversation_id = held.id AND message.seq >= held.episode_start_seq
                         ORDER BY message.seq DESC LIMIT %s) AS recent),
               {conversation}
          FROM held CROSS JOIN opened
    """)  # noqa: S608 - columns and placeholders of our own tables


@cache
def finish_reply(figures: tuple[str, ...]) -> bytes:
    """Return the statement that stores a reply and its call, and closes its run, which must still be open.

    `figures`: the run's fields that are written beside its end. The call is written even where the run was lost.
    """
    given = ", ".join(f'"{name}" = {placeholder(RUN_FIELDS[name])}' for name in figures)
    return numbered(f"""
        WITH held AS (
            SELECT conversation.id, run.id AS run_id, run.covers_seq
              FROM conversations_run AS run
              JOIN conversations_conversation AS conversation ON conversation.id = run.conversation_id
             WHERE run.id = %s AND run.state = 'open'
               FOR NO KEY UPDATE OF conversation, run
        ), ended AS (
            UPDATE conversations_run AS run
               SET state = 'closed', outcome = 'answered', ended_at = %s, {given}
              FROM held WHERE run.id = held.run_id
        ), moved AS (
            UPDATE conversations_conversation AS conversation
               SET head_seq = head_seq + 1, answered_seq = held.covers_seq, last_message_at = %s
              FROM held WHERE conversation.id = held.id
         RETURNING conversation.id, conversation.head_seq, conversation.customer_seq, held.run_id, held.covers_seq,
                   conversation.owner_epoch
        ), stored AS (
            INSERT INTO conversations_message ({BOT_MESSAGE.columns})
            SELECT {BOT_MESSAGE.values} FROM moved
         RETURNING id
        ), metered AS (
            INSERT INTO {LLMCall._meta.db_table} ({CALL.columns}) VALUES ({CALL.values}) ON CONFLICT DO NOTHING
        )
        SELECT stored.id, moved.id, moved.head_seq, moved.covers_seq, moved.owner_epoch,
               moved.customer_seq > moved.covers_seq
          FROM moved CROSS JOIN stored
    """)  # noqa: S608 - columns and placeholders of our own tables
