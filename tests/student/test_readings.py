"""The student's reading of vectors: it helps where the encoder is the one it was taught with, and is never needed."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

import numpy as np
import pytest
from django.core.management import call_command
from django.utils import timezone

from conversations.answers.encoders import ENCODERS, EncoderAwayError, Vectors
from conversations.answers.opinion import opinion_on, with_vector
from conversations.answers.student.artefact import from_artefact, to_artefact
from conversations.answers.student.distilling import store
from conversations.answers.student.earlier import WORD_MARK
from conversations.answers.student.models import StudentState, TrainedStudent
from conversations.answers.student.promotion import promote
from conversations.answers.student.reading import Embedding, Student
from conversations.answers.student.schedule import want_when_due
from conversations.answers.student.sensing import encoded
from conversations.answers.student.shelf import SHELF
from conversations.answers.student.tensors import ArtefactError, pack, unpack
from conversations.answers.student.training import train
from conversations.models import Site
from conversations.playbook.models import Intent
from tests.student.samples import FORMS, QUICK, RETURN, label_everything, rows

CUES = {"สินค้า": "ราคา มี ทำจาก ขนาด", "สั่งซื้อ": "สั่ง ซื้อ จ่าย", "จัดส่ง": "ถึง ค่าส่ง ไปเชียงใหม่ มาส่ง", RETURN: "คืน ชำรุด ผิด refund"}


class MeaningEncoder:
    """Knows what customers want by a few cues, also in English, of which the samples have nothing."""

    name = "meaning:v1:4"
    dimensions = len(CUES)
    is_quick = True
    is_away = False
    failures_left = 0

    def encode(self, texts: Sequence[str]) -> Vectors:
        if self.is_away or self.failures_left:
            self.failures_left -= 1
            raise EncoderAwayError("away")
        found = [[any(cue in text for cue in cues.split()) for cues in CUES.values()] for text in texts]
        marks = np.array(found, np.float32) + 0.01
        return np.asarray(marks / np.linalg.norm(marks, axis=1, keepdims=True), np.float32)

    def unknown_share(self, text: str) -> float:
        return float(not text)


@pytest.fixture(scope="module")
def reader() -> Student:
    """A student that was taught with vectors."""
    return train(rows(), options=QUICK, encoder=MeaningEncoder())


@pytest.fixture
def encoder(monkeypatch: pytest.MonkeyPatch) -> Iterator[MeaningEncoder]:
    """The operator's encoder."""
    made = MeaningEncoder()
    monkeypatch.setattr(ENCODERS, "in_use", lambda: [made])
    monkeypatch.setattr(ENCODERS, "is_chosen", lambda encoder: encoder is made)
    yield made


def meaning_of(text: str, *, encoder: str = MeaningEncoder.name) -> Embedding:
    """Return a text's vector."""
    return Embedding(encoder, MeaningEncoder().encode([text])[0])


def at_work(student: Student) -> TrainedStudent:
    """Return the row of a student at work, as one of its kind is stored."""
    row = TrainedStudent.objects.create()
    encoder = {"encoder": student.sense.encoder} if student.sense else {}
    store(row, to_artefact(student), report={"accuracy": 0.95, **encoder})
    promote(row.pk, by=None)
    SHELF.forget()
    return row


def test_a_vector_of_the_encoder_it_was_taught_with_changes_what_it_thinks(reader: Student) -> None:
    text = "กระเป๋ารองเท้าเสื้อ"
    alone = reader.judge(text)
    told = reader.judge(text, meaning_of("refund"))
    assert told.intent == RETURN
    assert told != alone


def test_a_vector_of_another_encoder_changes_nothing(reader: Student) -> None:
    text = "กระเป๋ารองเท้าเสื้อ"
    assert reader.judge(text, meaning_of("refund", encoder="meaning:v2:4")) == reader.judge(text)


def test_a_vector_of_another_length_changes_nothing(reader: Student) -> None:
    text = "กระเป๋ารองเท้าเสื้อ"
    assert reader.judge(text, Embedding(MeaningEncoder.name, np.ones(3, np.float32))) == reader.judge(text)


def test_without_a_vector_it_judges_like_one_that_was_never_taught_with_any(reader: Student, student: Student) -> None:
    for row in rows()[::5]:
        assert reader.judge(row.text) == student.judge(row.text)


def test_its_reading_of_vectors_survives_being_stored(reader: Student) -> None:
    again = from_artefact(to_artefact(reader))
    for row in rows()[::7]:
        assert again.judge(row.text, meaning_of(row.text)) == reader.judge(row.text, meaning_of(row.text))


@pytest.mark.parametrize("cut", ["sense_table", "sense_bias", "sense_output", "sense_output_bias"])
def test_a_reading_of_vectors_that_does_not_fit_is_refused(reader: Student, cut: str) -> None:
    arrays, metadata = unpack(to_artefact(reader))
    with pytest.raises(ArtefactError):
        from_artefact(pack({**arrays, cut: arrays[cut][..., :-1]}, metadata=metadata))
    del arrays[cut]
    with pytest.raises(ArtefactError):
        from_artefact(pack(arrays, metadata=metadata))


@pytest.fixture
def labelled(site: Site) -> Site:
    """A shop whose customers' questions a model has labelled."""
    for key in FORMS:
        Intent.objects.update_or_create(key=key, defaults={"name_th": key, "name_en": key, "belongs": key})
    label_everything(site)
    return site


def test_a_training_uses_the_operators_encoder(labelled: Site, encoder: MeaningEncoder) -> None:
    call_command("distill")
    SHELF.forget()
    row = TrainedStudent.objects.get()
    assert row.state == StudentState.LIVE
    assert row.report["encoder"] == encoder.name
    assert 0.5 < row.report["without_vectors"]["accuracy"] <= row.report["accuracy"]
    text, vector = "กระเป๋ารองเท้าเสื้อ", meaning_of("refund").vector.tolist()
    opinion = opinion_on(text)
    assert opinion is not None
    assert with_vector(opinion, text, vector, encoder=encoder.name).intent == RETURN
    assert with_vector(opinion, text, None, encoder=encoder.name) is opinion
    assert with_vector(opinion, text, vector, encoder="another") is opinion


def test_a_batch_that_fails_is_encoded_again() -> None:
    encoder = MeaningEncoder()
    encoder.failures_left = 2
    texts = [row.text for row in rows()]
    assert np.array_equal(encoded(encoder, texts), MeaningEncoder().encode(texts))
    encoder.is_away = True
    with pytest.raises(EncoderAwayError):
        encoded(encoder, texts)


def test_a_training_goes_on_without_an_encoder_that_is_away(labelled: Site, encoder: MeaningEncoder) -> None:
    encoder.is_away = True
    call_command("distill")
    row = TrainedStudent.objects.get()
    assert row.state == StudentState.LIVE
    assert "encoder" not in row.report


def test_another_encoder_asks_for_a_new_training_once(
    student: Student, reader: Student, db: None, encoder: MeaningEncoder
) -> None:
    at_work(student)
    long_ago = timezone.now() - timedelta(days=2)
    TrainedStudent.objects.update(wanted_at=long_ago)
    want_when_due()
    wanted = TrainedStudent.objects.get(state=StudentState.WANTED)
    wanted.delete()
    at_work(reader)
    TrainedStudent.objects.update(wanted_at=long_ago)
    want_when_due()
    assert not TrainedStudent.objects.filter(state=StudentState.WANTED).exists()


def test_a_student_of_the_first_form_goes_on_working() -> None:
    """Two intents, two flags, one hidden unit; what says "return" is two grams and a run of two words."""
    grams = ["a", "คืน", f"{WORD_MARK}ขอ คืน", f"{WORD_MARK}สี", "สี", " ข"]
    table = np.zeros((len(grams), 5), np.float16)
    table[[1, 2], 0], table[[3, 4], 1], table[2, 2] = 1, 1, 9
    data = pack(
        {
            "grams": np.frombuffer("\n".join(grams).encode(), np.uint8),
            "rarity": np.ones(len(grams), np.float32),
            "table": table,
            "bias": np.array([0, 0, -3, -3, 0], np.float32),
            "output": np.zeros((1, 2), np.float32),
            "output_bias": np.zeros(2, np.float32),
        },
        metadata={
            "student": '{"format":1,"intents":["คืน","สี"],"linear_scale":4.0,"trust":[0,1,0,0,0],'
            '"sure_from":0.5,"action_from":0.5,"escalate_from":0.5}'
        },
    )
    student = from_artefact(data)
    wants_return = student.judge("ขอ คืน")
    assert (wants_return.intent, wants_return.action_required, wants_return.escalate) == ("คืน", True, False)
    assert student.judge("สี").intent == "สี"
    assert not student.judge("สี").action_required
    assert from_artefact(to_artefact(student)).judge("ขอ คืน") == wants_return
