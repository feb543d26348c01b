import uuid

from conversations.actions.customers import add_customer_message
from conversations.models import Conversation, Message


def test_a_resend_is_stored_once(conversation: Conversation) -> None:
    client_id = uuid.uuid4()
    first = add_customer_message(conversation.pk, client_id=client_id, text="สวัสดี")
    again = add_customer_message(conversation.pk, client_id=client_id, text="สวัสดี")
    assert first.is_new and not again.is_new
    assert first.seq == again.seq == 1
    assert conversation.messages.count() == 1


def test_search_finds_words_inside_thai_text(conversation: Conversation) -> None:
    for text in ("พัสดุของฉันอยู่ที่ไหน", "ขอคืนเงินได้ไหมคะ", "Where is my PARCEL?"):
        add_customer_message(conversation.pk, client_id=uuid.uuid4(), text=text)
    for words, seq in (("คืนเงิน", 2), ("parcel", 3), ("ดุ", 1)):
        assert [message.seq for message in Message.objects.containing(words)] == [seq]
    assert not Message.objects.containing("ไม่มีคำนี้").exists()
