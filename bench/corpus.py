"""Tables as full as a busy shop's: millions of Thai and English messages, made inside PostgreSQL.

Messages of one conversation lie far apart in the table, which is the worst case for reading a history. Only for a
database of the benchmark's own: it turns foreign keys off while it fills.
"""

import json
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models import Field, Model
from psycopg import sql

from conversations.models import Conversation, Customer, Escalation, Message, Run, Site, WidgetSession

SENTENCES: Final = 5000
MESSAGES_EACH: Final = 10
LONG_CONVERSATIONS: Final = 20
LONG_MESSAGES: Final = 1000
WAITING: Final = 40
WITH_AGENTS: Final = 60
UNANSWERED: Final = 90
RESOLVED_SHARE: Final = 4
TEXT_FUNCTION: Final = """
CREATE FUNCTION bench_text(wanted bigint) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT text FROM bench_texts WHERE id = wanted
$$
"""
NEEDLE: Final = "ไม้เท้าหยกสลักลายมังกร"

THINGS: Final = [
    "เสื้อยืด",
    "กางเกงยีนส์",
    "รองเท้าวิ่ง",
    "กระเป๋าเป้",
    "หูฟังบลูทูธ",
    "พาวเวอร์แบงก์",
    "เคสมือถือ",
    "หมวกกันน็อก",
    "นาฬิกาข้อมือ",
    "แว่นกันแดด",
    "ครีมกันแดด",
    "ผ้าห่มนวม",
    "หม้อทอดไร้น้ำมัน",
    "พัดลมตั้งโต๊ะ",
    "เครื่องดูดฝุ่น",
    "เก้าอี้ทำงาน",
    "โต๊ะพับ",
    "ชุดเครื่องนอน",
    "ร่มพับ",
    "กระบอกน้ำ",
    "T-shirt",
    "sneakers",
    "backpack",
    "headphones",
    "charger",
]
QUALITIES: Final = [
    "สีดำ",
    "สีขาว",
    "สีน้ำเงิน",
    "สีชมพู",
    "ไซซ์เอ็ม",
    "ไซซ์แอล",
    "ขนาดใหญ่",
    "ขนาดเล็ก",
    "รุ่นใหม่",
    "รุ่นลิมิเต็ด",
    "แบบกันน้ำ",
    "มือสอง",
    "ของแท้",
    "ลดราคา",
    "black",
    "white",
    "size-M",
    "waterproof",
]
WISHES: Final = [
    "มีของไหม",
    "ราคาเท่าไหร่",
    "ส่งได้เมื่อไหร่",
    "ขอเปลี่ยนได้ไหม",
    "ขอคืนเงิน",
    "ยังไม่ได้รับของ",
    "ได้ของผิด",
    "ของแตกระหว่างทาง",
    "ใช้โค้ดส่วนลดไม่ได้",
    "ขอใบกำกับภาษี",
    "เก็บเงินปลายทางได้ไหม",
    "แก้ที่อยู่จัดส่ง",
    "ยกเลิกคำสั่งซื้อ",
    "มีหน้าร้านไหม",
    "ประกันกี่เดือน",
    "ติดตามพัสดุ",
    "ผ่อนได้ไหม",
    "when-will-it-arrive",
    "where-is-my-order",
]
PLACES: Final = (
    "กรุงเทพ",
    "เชียงใหม่",
    "ขอนแก่น",
    "ภูเก็ต",
    "หาดใหญ่",
    "โคราช",
    "ระยอง",
    "อุดรธานี",
    "พิษณุโลก",
    "นครปฐม",
)
ENDINGS: Final = (
    "ค่ะ",
    "ครับ",
    "คะ",
    "นะคะ",
    "ครับผม",
    "จ้า",
    "หน่อยค่ะ",
    "ด้วยครับ",
    "ขอบคุณค่ะ",
    "please",
)


@dataclass(frozen=True)
class Size:
    """How much there is."""

    messages: int
    conversations: int


def sentences(source: Path | None) -> list[str]:
    """Return real messages (one JSON object with `text` a line), or made ones."""
    if source is not None:
        lines = source.read_text().splitlines()
        return [text for line in lines if (text := str(json.loads(line)["text"]).replace("\0", "").strip())]
    dice = random.Random(20)
    pools = (THINGS, QUALITIES, WISHES, PLACES, ENDINGS)
    return ["".join(dice.choice(pool) for pool in pools) for _ in range(SENTENCES)]


def fill(messages: int, *, texts: list[str]) -> Size:
    """Fill the tables with about so many messages, the search index left out (`build_search_index`)."""
    size = Size(messages, messages // MESSAGES_EACH)
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("DROP INDEX message_text_grams")
        cursor.execute("CREATE UNLOGGED TABLE bench_texts (id int PRIMARY KEY, text text)")
        cursor.execute(TEXT_FUNCTION)
        cursor.executemany("INSERT INTO bench_texts VALUES (%s, %s)", list(enumerate(texts)))
    _fill_people(size)
    _fill_conversations(size)
    _fill_messages(size, texts=len(texts))
    _fill_long_conversations(size, texts=len(texts))
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("VACUUM (ANALYZE)")
    return size


def build_search_index() -> None:
    """Build the index of transcript search."""
    index = next(index for index in Message._meta.indexes if index.name == "message_text_grams")
    with connection.schema_editor() as editor:
        editor.execute("SET maintenance_work_mem = '512MB'")
        editor.add_index(Message, index)


def _fill_people(size: Size) -> None:
    site = Site.objects.create(name="ร้านทดสอบ")
    get_user_model().objects.create(pk=1, username="agent")
    here = {"site": str(site.pk)}
    known = "CASE WHEN i % 3 = 0 THEN 'shop-' || i ELSE '' END"
    name = "CASE WHEN i % 3 = 0 THEN 'ลูกค้า ' || i ELSE '' END"
    email = "CASE WHEN i % 3 = 0 THEN 'customer' || i || '@shop.example' ELSE '' END"
    insert(Customer, size.conversations, {**here, "external_id": known, "name": name, "email": email})
    key = {"key": "md5(i::text)", "customer": "i", "expires_at": "now() + interval '30 days'"}
    insert(WidgetSession, size.conversations, key)


def _fill_conversations(size: Size) -> None:
    owner = f"""CASE WHEN i <= {WAITING} THEN 'waiting' WHEN i <= {WITH_AGENTS} THEN 'agent'
        WHEN i > {UNANSWERED} AND i % {RESOLVED_SHARE} = 0 THEN 'resolved' ELSE 'bot' END"""
    last_customer = MESSAGES_EACH - 1
    is_unanswered = f"i > {WITH_AGENTS} AND i <= {UNANSWERED}"
    expressions = {
        "public_id": "gen_random_uuid()",
        "site": "(SELECT min(id) FROM conversations_site)",
        "customer": "i",
        "owner": owner,
        "agent": f"CASE WHEN i > {WAITING} AND i <= {WITH_AGENTS} THEN 1 END",
        "head_seq": str(MESSAGES_EACH),
        "customer_seq": str(last_customer),
        "answered_seq": f"CASE WHEN {is_unanswered} THEN {last_customer - 2} ELSE {last_customer} END",
        "reply_requested_at": "now() - interval '1 minute'",
        "last_message_at": f"now() - interval '1 second' * (i * 7919 % {size.conversations})",
    }
    insert(Conversation, size.conversations, expressions)
    opened = {"conversation": "i", "reason": "'customer'", "opened_at": "now() - interval '1 minute' * i"}
    taken = f"CASE WHEN i > {WAITING} THEN now() END"
    closed = f"CASE WHEN i > {WITH_AGENTS} THEN now() END"
    insert(Escalation, size.conversations // 20, {**opened, "taken_at": taken, "closed_at": closed})


def _fill_messages(size: Size, *, texts: int) -> None:
    seq = f"(1 + (i - 1) / {size.conversations})"
    conversation = f"(1 + (i - 1) % {size.conversations})"
    at = f"now() - interval '1 year' * ({size.messages} - i) / {size.messages}"
    _fill_runs(size.messages, conversation=conversation, seq=seq, at=at)
    expressions = {
        "conversation": conversation,
        "seq": seq,
        "created_at": at,
        **_words(seq, texts=texts),
    }
    insert(Message, size.messages, expressions)


def _fill_runs(number: int, *, conversation: str, seq: str, at: str) -> None:
    expressions = {
        "conversation": conversation,
        "state": "'closed'",
        "owner_epoch": "1",
        "covers_seq": f"{seq} - 1",
        "worker": "'worker'",
        "lease_until": at,
        "started_at": at,
        "ended_at": at,
        "outcome": "'answered'",
        "provider": "'deepseek'",
        "trace": """'{"examples": [1, 2, 3], "facts": [4, 5]}'""",
    }
    insert(Run, number, expressions, where=f"{seq} % 2 = 0")


def _words(seq: str, *, texts: int) -> dict[str, str]:
    is_bot = f"{seq} % 2 = 0"
    text = f"bench_text((i * {{}} + i / 911) % {texts})"
    question, answer = text.format(7919), f"{text.format(104729)} || ' ' || {text.format(1299709)}"
    return {
        "sender": f"CASE WHEN {is_bot} THEN 'bot' ELSE 'customer' END",
        "text": f"CASE WHEN i % 100003 = 0 THEN '{NEEDLE}' WHEN {is_bot} THEN {answer} ELSE {question} END || ' ' || i",
        "client_id": f"CASE WHEN {is_bot} THEN NULL ELSE gen_random_uuid() END",
        "run": f"CASE WHEN {is_bot} THEN i END",
        "intent": f"CASE WHEN {is_bot} THEN 'สินค้า' ELSE '' END",
        "escalate": f"CASE WHEN {is_bot} THEN false END",
        "action_required": f"CASE WHEN {is_bot} THEN false END",
    }


def _fill_long_conversations(size: Size, *, texts: int) -> None:
    """Give the newest conversations a thousand messages each, by a customer who comes back every day."""
    first = size.conversations - LONG_CONVERSATIONS
    seq = f"({MESSAGES_EACH} + 1 + (i - {size.messages} - 1) / {LONG_CONVERSATIONS})"
    conversation = f"({first} + 1 + i % {LONG_CONVERSATIONS})"
    words = _words("1", texts=texts)
    expressions = {"conversation": conversation, "seq": seq, "created_at": "now()", **words}
    insert(Message, LONG_CONVERSATIONS * LONG_MESSAGES, expressions, after=size.messages)
    head = MESSAGES_EACH + LONG_MESSAGES
    Conversation.objects.filter(pk__gt=first).update(
        head_seq=head, customer_seq=head, answered_seq=head, owner="resolved", agent=None
    )


def insert(
    model: type[Model], number: int, expressions: Mapping[str, str], *, where: str = "true", after: int = 0
) -> None:
    """Insert `number` rows, i = after + 1 ...; fields without an expression get the model's default.

    The expressions are SQL of this module's own making, over `i`, which is also the key where there is an id.
    """
    fields = {field.name: field for field in model._meta.concrete_fields}
    values = {name: sql.SQL(expressions[name]) if name in expressions else _default(fields[name]) for name in fields}
    statement = sql.SQL("INSERT INTO {} ({}) SELECT {} FROM generate_series({}::bigint, {}) AS i WHERE {}").format(
        sql.Identifier(model._meta.db_table),
        sql.SQL(", ").join(sql.Identifier(str(field.column)) for field in fields.values()),
        sql.SQL(", ").join(values.values()),
        sql.Literal(after + 1),
        sql.Literal(after + number),
        sql.SQL(where),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement.as_string(connection.connection))


def _default(field: "Field[object, object]") -> sql.Composable:
    if field.primary_key:
        return sql.SQL("i")
    value = field.get_default()
    return sql.SQL("now()") if field.get_internal_type() == "DateTimeField" and value else sql.Literal(value)


def total_bytes(tables: Iterable[type[Model]]) -> int:
    """Return what the tables take on disk, indexes included."""
    with connection.cursor() as cursor:
        names = [model._meta.db_table for model in tables]
        cursor.execute("SELECT sum(pg_total_relation_size(name::regclass)) FROM unnest(%s::text[]) AS name", [names])
        return int(cursor.fetchone()[0])
