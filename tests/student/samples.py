"""Questions of four intents as a shop's customers might ask them, and conversations in which a model labelled them."""

from dataclasses import dataclass
from itertools import product
from typing import Final

from django.utils import timezone

from conversations.answers.student.rows import Labelled
from conversations.answers.student.training import Options
from conversations.models import Conversation, Customer, Message, Run, RunState, Sender, Site

QUICK: Final = Options(nets=1, folds=2)
"""Enough for what is as clear as this."""
PRODUCTS: Final = ("กระเป๋า", "รองเท้า", "เสื้อยืด", "หมวก", "ร่ม", "นาฬิกา", "แก้วน้ำ", "พัดลม")
MORE_PRODUCTS: Final = (*PRODUCTS, "ตู้เสื้อผ้า", "หม้อ", "ผ้าห่ม", "โคมไฟ", "กรอบรูป", "ชั้นวาง")
FORMS: Final = {
    "สินค้า": ("มี{}สีดำไหมคะ", "{}ราคาเท่าไหร่ครับ", "{}ทำจากอะไร", "{}มีกี่ขนาดคะ"),
    "สั่งซื้อ": ("อยากสั่ง{}สองชิ้นค่ะ", "สั่ง{}ต้องทำยังไงครับ", "ขอซื้อ{}หน่อย", "จ่ายเงินค่า{}ด้วยบัตรได้ไหม"),
    "จัดส่ง": ("{}จะถึงเมื่อไหร่คะ", "ส่ง{}ไปเชียงใหม่กี่วัน", "ค่าส่ง{}เท่าไร", "{}ยังไม่มาส่งเลยครับ"),
    "คืนสินค้า": ("ขอคืน{}ได้ไหมคะ", "{}ชำรุดอยากเปลี่ยนครับ", "คืนเงินค่า{}ยังไง", "{}ผิดสีขอส่งคืน"),
}
RETURN: Final = "คืนสินค้า"
ANSWER: Final = "ได้ค่ะ ทางร้านยินดีดูแลนะคะ"


def rows(*, products: tuple[str, ...] = PRODUCTS) -> list[Labelled]:
    """Return a row for each form and product; returns need an action. Each is a customer's own."""
    return [
        Labelled(form.format(name), intent, action_required=intent == RETURN, group=f"customer {form} {name}")
        for intent, forms in FORMS.items()
        for form, name in product(forms, products)
    ]


@dataclass(frozen=True, slots=True)
class Said:
    """What a customer asked and what came of it."""

    text: str
    intent: str
    answer: str = ANSWER
    action_required: bool = False
    escalate: bool = False


def answered(site: Site, *said: Said, name: str = "", trace: dict[str, object] | None = None) -> Conversation:
    """Return a new visitor's conversation in which a model answered each question."""
    customer = Customer.objects.create(site=site, name=name)
    conversation = Conversation.objects.create(site=site, customer=customer)
    for each in said:
        add_turn(conversation, each, trace=trace or {})
    return conversation


def add_turn(conversation: Conversation, said: Said, *, trace: dict[str, object]) -> Message:
    """Add a question, a run that is done, and its answer."""
    seq = conversation.head_seq + 1
    Message.objects.create(conversation=conversation, seq=seq, sender=Sender.CUSTOMER, text=said.text)
    run = Run.objects.create(
        conversation=conversation,
        state=RunState.CLOSED,
        owner_epoch=1,
        covers_seq=seq,
        worker="test",
        lease_until=timezone.now(),
        ended_at=timezone.now(),
        outcome="escalated" if said.escalate else "answered",
        provider="DeepSeek",
        model="deepseek-flash",
        trace=trace,
    )
    conversation.head_seq = conversation.customer_seq = seq + 1
    conversation.save(update_fields=["head_seq", "customer_seq"])
    return Message.objects.create(
        conversation=conversation,
        seq=seq + 1,
        sender=Sender.BOT,
        text=said.answer,
        intent=said.intent,
        action_required=said.action_required,
        escalate=said.escalate,
        run=run,
    )


def label_everything(site: Site) -> list[Conversation]:
    """Return a conversation for each row, each with a customer of its own."""
    return [
        answered(site, Said(row.text, row.intent, action_required=row.action_required))
        for row in rows(products=MORE_PRODUCTS)
    ]
