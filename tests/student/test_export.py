"""What leaves the house for distillation: approved turns only, masked, of nobody who was erased, and described."""

import io
import json
import zipfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from conversations.answers.models import AnswerState, KnownAnswer, KnownLabel, KnownQuestion
from conversations.answers.normal import answer_key, question_key
from conversations.answers.student.export.choosing import MIN_OF_INTENT, LeftOut, balanced
from conversations.answers.student.export.exporting import Export, Wish, make_export
from conversations.answers.student.export.turns import Answer, Approval, ApprovedTurn
from conversations.answers.student.models import DistillationExport
from conversations.gateway.models import Provider, ProviderKind
from conversations.models import Conversation, Message, Run, Site
from conversations.playbook.models import Correction, CorrectionReason, CorrectionState, EvaluationCase, EvaluationSet
from conversations.playbook.reading import current_playbook
from conversations.playbook.starter import load_starter_playbook
from tests.student.samples import ANSWER, RETURN, Said, answered

QUESTION = "ขอคืนตู้เย็นได้ไหมคะ"
OTHER_QUESTION = "ส่งไปเชียงใหม่ใช้เวลากี่วัน"


@pytest.fixture
def shop(site: Site) -> Site:
    """A shop with the starter playbook, whose replies DeepSeek makes."""
    load_starter_playbook()
    Provider.objects.create(name="DeepSeek", kind=ProviderKind.DEEPSEEK, base_url="https://api.deepseek.com")
    return site


def rated(site: Site, *said: Said, rating: int = 5, name: str = "") -> Conversation:
    """Return a conversation that its customer liked."""
    conversation = answered(site, *said, name=name)
    Conversation.objects.filter(pk=conversation.pk).update(rating=rating)
    return conversation


def bots(conversation: Conversation) -> Message:
    """Return the bot's last message."""
    return Message.objects.filter(conversation=conversation, sender="bot").latest("seq")


def correct(message: Message, response: str, **fields: object) -> Correction:
    """Return an agent's correction that an editor approved."""
    given = {"state": CorrectionState.APPROVED, "decided_at": timezone.now(), "intent": RETURN, **fields}
    return Correction.objects.create(
        message=message,
        question="-",
        bot_answer="-",
        reason=CorrectionReason.WRONG,
        response=response,
        author_name="มะลิ",
        **given,
    )


def rows(export: Export, kind: str) -> list[dict[str, Any]]:
    """Return the rows of both splits of one kind."""
    files = [file for file in export.files if file.name.startswith(f"{kind}.")]
    return [json.loads(line) for file in files for line in file.content.splitlines()]


def questions(export: Export) -> set[str]:
    """Return the last words of each exported prompt."""
    return {row["messages"][-2]["content"] for row in rows(export, "messages")}


def everything(export: Export) -> str:
    """Return all that an export holds, as text."""
    return "\n".join(file.content.decode() for file in export.files)


def test_a_row_is_what_csbot_sends_and_what_should_come_back(shop: Site) -> None:
    rated(shop, Said(QUESTION, RETURN, action_required=True))
    export = make_export(Wish())
    (bare,) = rows(export, "messages")
    (full,) = rows(export, "messages_few_shot")
    assert [message["role"] for message in bare["messages"]] == ["system", "system", "user", "assistant"]
    assert bare["messages"][2]["content"] == QUESTION
    assert json.loads(bare["messages"][3]["content"]) == {
        "intent": RETURN,
        "escalate": False,
        "action_required": True,
        "response": ANSWER,
    }
    assert len(full["messages"]) == len(bare["messages"]) + 2 * len(current_playbook().pinned)
    assert full["messages"][-2:] == bare["messages"][-2:]


def test_what_was_said_before_belongs_to_the_prompt(shop: Site) -> None:
    rated(shop, Said(OTHER_QUESTION, "จัดส่ง", answer="สามวันค่ะ"), Said("แล้วค่าส่งล่ะ", "จัดส่ง", answer="50 บาทค่ะ"))
    row = next(row for row in rows(make_export(Wish()), "messages") if "50" in row["messages"][-1]["content"])
    assert [message["content"] for message in row["messages"] if message["role"] == "user"] == [
        OTHER_QUESTION,
        "แล้วค่าส่งล่ะ",
    ]


def test_words_of_a_model_that_may_not_teach_are_exported_neither_as_an_answer_nor_as_what_was_said(shop: Site) -> None:
    Provider.objects.create(name="OpenAI", kind=ProviderKind.OPENAI, base_url="https://api.openai.com/v1")
    conversation = rated(shop, Said(OTHER_QUESTION, "จัดส่ง", answer="สามวันค่ะ"), Said(QUESTION, RETURN))
    first = Run.objects.filter(conversation=conversation).earliest("pk")
    Run.objects.filter(pk=first.pk).update(provider="OpenAI")
    export = make_export(Wish())
    assert export.turns == 0
    assert export.card["left_out"] == {"terms": 2}
    assert make_export(Wish(allowed_providers=["OpenAI"])).turns == 2


def test_corrections_are_never_left_out_for_balance() -> None:
    turn = ApprovedTurn(
        group="customer 1",
        locale="th",
        said=(),
        question=QUESTION,
        answer=Answer(RETURN, escalate=False, action_required=False, response=ANSWER),
        approval=Approval.CORRECTION,
        on=timezone.localdate(),
        rejected=Answer(RETURN, escalate=False, action_required=False, response="-"),
    )
    corrections = [replace(turn, group=f"customer {number}") for number in range(MIN_OF_INTENT + 5)]
    liked = [replace(turn, group=f"customer {number}", rejected=None) for number in range(MIN_OF_INTENT)]
    left: Counter[LeftOut] = Counter()
    kept = balanced([*liked, *corrections], left)
    # One intent alone is the median one: twice as many are kept, and all corrections among them.
    assert sum(each.rejected is not None for each in kept) == len(corrections)
    others = [replace(turn, answer=replace(turn.answer, intent=f"i{number}"), rejected=None) for number in range(3)]
    assert sum(each.rejected is not None for each in balanced([*corrections, *others], left)) == len(corrections)


def test_only_what_somebody_approved_is_exported(shop: Site) -> None:
    rated(shop, Said(QUESTION, RETURN), rating=3)
    answered(shop, Said(QUESTION, RETURN))
    rated(shop, Said(QUESTION, RETURN, escalate=True))
    assert make_export(Wish()).turns == 0


def test_an_answer_that_staff_approved_as_known_is_exported(shop: Site) -> None:
    answered(shop, Said(QUESTION, RETURN))
    known = KnownAnswer.objects.create(
        site=shop,
        intent=RETURN,
        text=ANSWER,
        text_key=answer_key(ANSWER),
        state=AnswerState.APPROVED,
        expires_at=timezone.now(),
        approved_at=timezone.now(),
    )
    KnownQuestion.objects.create(answer=known, site=shop, text=QUESTION, key=question_key(QUESTION))
    export = make_export(Wish())
    assert questions(export) == {QUESTION}
    assert sum(counts["approval"].get("known_answer", 0) for counts in export.card["turns"].values()) == 1


def known_from(shop: Site, text: str, *runs: Run) -> KnownAnswer:
    """Return an approved known answer whose words came from these runs; from staff where there are none."""
    answer = KnownAnswer.objects.create(
        site=shop,
        intent=RETURN,
        text=text,
        text_key=answer_key(text),
        state=AnswerState.APPROVED,
        expires_at=timezone.now(),
        approved_at=timezone.now(),
    )
    for run in runs:
        KnownLabel.objects.create(answer=answer, run_id=run.pk, step="exact", score=1, is_right=True, judge="words")
    return answer


def serve(conversation: Conversation, answer: KnownAnswer) -> None:
    """Make it so that the conversation's first reply was served from what is known."""
    run = Run.objects.filter(conversation=conversation).earliest("pk")
    trace = {"known": {"served": "exact", "exact": {"why": "served", "answer": answer.pk}}}
    Run.objects.filter(pk=run.pk).update(provider="", model="", trace=trace)


def test_what_a_known_answer_served_is_exported_as_nobodys_and_counted(shop: Site) -> None:
    first = rated(shop, Said(QUESTION, RETURN))
    answer = known_from(shop, ANSWER, Run.objects.get(conversation=first))
    KnownQuestion.objects.create(answer=answer, site=shop, text=QUESTION, key=question_key(QUESTION))
    served = rated(shop, Said(QUESTION, RETURN))
    serve(served, answer)
    export = make_export(Wish())
    assert export.turns == 1, "what the model itself said"
    assert export.card["left_out"] == {"served_from_known_answers": 1}
    assert export.card["teachers"] == ["DeepSeek"]
    assert (
        "served_from_known_answers" in next(file for file in export.files if file.name == "README.md").content.decode()
    )
    correct(bots(served), "คืนได้ค่ะ")
    assert (make_export(Wish()).turns, rows(make_export(Wish()), "preferences")) == (2, []), "a person's, but no pair"


@pytest.mark.parametrize(
    ("maker", "left_out"),
    [
        ("staff", {"served_from_known_answers": 1}),
        ("DeepSeek", {"served_from_known_answers": 1}),
        ("OpenAI", {"served_from_known_answers": 1, "terms": 1}),
        ("erased", {"served_from_known_answers": 1, "terms": 1}),
    ],
)
def test_what_was_said_before_from_known_answers_is_its_makers(
    shop: Site, maker: str, left_out: dict[str, int]
) -> None:
    Provider.objects.create(name="OpenAI", kind=ProviderKind.OPENAI, base_url="https://api.openai.com/v1")
    made = []
    if maker != "staff":
        origin = answered(shop, Said(OTHER_QUESTION, RETURN), Said("-", RETURN))
        made = list(Run.objects.filter(conversation=origin)[:1])
        Run.objects.filter(conversation=origin).update(provider=maker)
    answer = known_from(shop, ANSWER, *made)
    if maker == "erased":
        origin.customer.delete()
    conversation = rated(shop, Said(OTHER_QUESTION, RETURN), Said("ขอคืนร่มได้ไหมคะ", RETURN, answer="ร่มคืนได้ค่ะ"))
    serve(conversation, answer)
    assert make_export(Wish()).card["left_out"] == left_out


def test_a_correction_makes_a_pair(shop: Site) -> None:
    conversation = answered(shop, Said(QUESTION, "สินค้า", answer="ไม่ได้ค่ะ"))
    correct(bots(conversation), "คืนได้ภายใน 7 วันค่ะ", action_required=True)
    export = make_export(Wish())
    (pair,) = rows(export, "preferences")
    assert pair["prompt"][-1] == {"role": "user", "content": QUESTION}
    assert json.loads(pair["chosen"][0]["content"])["response"] == "คืนได้ภายใน 7 วันค่ะ"
    assert json.loads(pair["rejected"][0]["content"])["response"] == "ไม่ได้ค่ะ"
    (row,) = rows(export, "messages")
    assert row["messages"][-1] == pair["chosen"][0]


def test_corrections_that_wait_or_were_rejected_are_not_exported(shop: Site) -> None:
    for state, decided in ((CorrectionState.OPEN, None), (CorrectionState.REJECTED, timezone.now())):
        message = bots(answered(shop, Said(QUESTION, RETURN)))
        correct(message, "คืนได้ค่ะ", state=state, decided_at=decided)
    assert make_export(Wish()).turns == 0


def test_personal_data_is_masked_everywhere(shop: Site) -> None:
    rated(
        shop,
        Said("ชื่อสมหญิง โทร 081-234-5678", "อื่นๆ", answer="รับทราบค่ะคุณสมหญิง จะโทร 081-234-5678"),
        Said("อีเมล somying@example.com ขอคืนเงิน", RETURN, answer="ส่งไปที่ somying@example.com แล้วค่ะ"),
        name="สมหญิง",
    )
    text = everything(make_export(Wish()))
    assert "[phone]" in text
    assert not any(secret in text for secret in ("081-234-5678", "somying", "สมหญิง"))


def test_the_rows_of_an_erased_customer_never_come_back(shop: Site) -> None:
    rated(shop, Said(OTHER_QUESTION, "จัดส่ง"))
    before = make_export(Wish())
    conversation = answered(shop, Said(QUESTION, RETURN))
    correct(bots(conversation), "คืนได้ภายใน 7 วันค่ะ")
    assert questions(make_export(Wish())) == {QUESTION, OTHER_QUESTION}
    conversation.customer.delete()
    assert make_export(Wish()) == before


def test_what_evaluations_ask_is_not_exported_nor_what_nearly_asks_it(shop: Site) -> None:
    cases = EvaluationSet.objects.create(name="ชุดทดสอบ")
    EvaluationCase.objects.create(evaluation_set=cases, question=QUESTION)
    EvaluationCase.objects.create(evaluation_set=cases, question="สั่งซื้อแล้วชำระเงินปลายทางได้หรือเปล่า", is_on=False)
    rated(shop, Said(f"{QUESTION} ", RETURN))
    rated(shop, Said("สั่งซื้อแล้วชำระเงินปลายทางได้หรือเปล่าคะ", "สั่งซื้อ"))
    rated(shop, Said("สั่งซื้อแล้ว ชำระเงินที่ปลายทางได้หรือเปล่า", "สั่งซื้อ"))
    rated(shop, Said(OTHER_QUESTION, "จัดส่ง"))
    export = make_export(Wish())
    assert questions(export) == {OTHER_QUESTION}
    assert export.card["left_out"] == {"evaluation_case": 2, "like_an_evaluation_case": 1}


def test_the_same_turn_comes_once(shop: Site) -> None:
    for _customer in range(5):
        rated(shop, Said(QUESTION, RETURN))
    export = make_export(Wish())
    assert export.turns == 1
    assert sum(export.card["left_out"].values()) == 4


def test_a_customer_is_in_one_split_and_no_question_is_in_both(shop: Site) -> None:
    for number in range(120):
        letter = chr(0x0E01 + number % 40)
        rated(shop, Said(f"ขอคืน{letter * 3}ได้ไหม", RETURN), Said(f"มี{letter * 4}ขายไหม", "สินค้า", answer=f"มี{number}"))
    files = {file.name: file.content.splitlines() for file in make_export(Wish(with_examples=False)).files}
    train, validation = (
        {json.loads(line)["messages"][-2]["content"] for line in files[f"messages.{split}.jsonl"]}
        for split in ("train", "validation")
    )
    assert train
    assert validation
    assert not train & validation


def test_no_intent_drowns_the_others(shop: Site) -> None:
    for number in range(90):
        rated(shop, Said(f"ขอคืนของชิ้น{chr(0x0E01 + number % 40)}{chr(0x0E01 + number // 40)}ได้ไหม", RETURN))
    # So many that chance, which splits by customer, can't leave an intent out of what is trained on.
    for number in range(8):
        rated(shop, Said(f"ส่งของไปจังหวัด{chr(0x0E01 + number) * 3}กี่วันถึง", "จัดส่ง"))
        rated(shop, Said(f"มีกระเป๋าลาย{chr(0x0E01 + number) * 3}ไหม", "สินค้า"))
    card = make_export(Wish()).card
    assert card["turns"]["train"]["intent"][RETURN] == 20
    assert card["left_out"]["balance"] > 50


def test_answers_of_restricted_providers_stay_unless_the_operator_decides(shop: Site) -> None:
    Provider.objects.filter(name="DeepSeek").update(kind=ProviderKind.OPENAI, base_url="https://api.openai.com/v1")
    conversation = rated(shop, Said(QUESTION, RETURN))
    assert make_export(Wish()).card["left_out"] == {"terms": 1}
    allowed = make_export(Wish(allowed_providers=["DeepSeek"]))
    assert allowed.turns == 1
    assert allowed.card["terms"]["DeepSeek"]["is_own_decision"]
    correct(bots(conversation), "คืนได้ค่ะ")
    export = make_export(Wish())
    assert (len(rows(export, "messages")), len(rows(export, "preferences"))) == (1, 0)


def test_answers_of_a_provider_that_is_gone_stay(shop: Site) -> None:
    rated(shop, Said(QUESTION, RETURN))
    Provider.objects.all().delete()
    assert make_export(Wish()).card["left_out"] == {"terms": 1}


def test_the_command_writes_files_that_their_card_describes(shop: Site, tmp_path: Path) -> None:
    rated(shop, Said(QUESTION, RETURN))
    for name in ("one", "two"):
        call_command("export_distillation", tmp_path / name)
    written = {path.name: path.read_bytes() for path in (tmp_path / "one").iterdir()}
    assert written == {path.name: path.read_bytes() for path in (tmp_path / "two").iterdir()}
    card = json.loads(written["card.json"])
    assert {file["name"] for file in card["files"]} | {"card.json", "README.md"} == set(written)
    assert sum(file["rows"] for file in card["files"]) == 2
    assert card["hash"] in written["README.md"].decode()
    assert DistillationExport.objects.filter(data_hash=card["hash"], rows=1).count() == 2


def test_the_command_never_writes_over_files_and_says_when_there_is_nothing(shop: Site, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="nothing to export"):
        call_command("export_distillation", tmp_path / "new")
    rated(shop, Said(QUESTION, RETURN))
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(CommandError, match="not an empty directory"):
        call_command("export_distillation", tmp_path)


def test_an_archive_holds_the_same_files(shop: Site) -> None:
    rated(shop, Said(QUESTION, RETURN))
    export = make_export(Wish())
    with zipfile.ZipFile(io.BytesIO(export.archive())) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {
            file.name: file.content for file in export.files
        }
