"""The envelope: the JSON in which the model answers, of which the customer sees only the reply.

    {"intent": "จัดส่ง", "action_required": false, "escalate": false, "response": "ส่งภายใน 2 วันค่ะ"}

The text goes through in stages, each of which holds back what it can't judge yet: reasoning is taken away, the reply
is found in the JSON, its markup is removed, and what is left moves on in whole graphemes. At the end the whole answer
is judged. Then what was shown must be the beginning of the reply, or there is none.
"""

from collections.abc import Collection
from dataclasses import dataclass, field

from conversations.llm.errors import Kind, LLMError
from conversations.llm.plain import PlainText, plain_text
from conversations.llm.preview import Preview
from conversations.llm.reasoning import ReasoningFilter, without_reasoning
from conversations.llm.validation import Repair, read_fields
from conversations.text.checks import has_ink
from conversations.text.graphemes import GraphemeBuffer
from conversations.text.surrogates import SurrogateMender, mend

FALLBACK_INTENT = "อื่นๆ"
_AROUND = " \t\r\n\f\v\ufeff\u200b\u00a0"


@dataclass(frozen=True, slots=True)
class Envelope:
    """What the model decided and replied. `is_repaired` where it wasn't quite what was asked for.

    `repairs` says in what way, and what was taken away besides, which many models need and nobody minds.
    """

    intent: str
    response: str
    action_required: bool
    escalate: bool
    is_repaired: bool
    repairs: tuple[Repair, ...] = field(default=(), compare=False)


class EnvelopeReader:
    """Reads one answer while it streams. `visible` is what was shown of its reply so far."""

    __slots__ = ("_answer", "_graphemes", "_intents", "_plain", "_preview", "_reasoning", "_surrogates", "visible")

    def __init__(self, intents: Collection[str]) -> None:
        self._intents = intents
        self._answer: list[str] = []
        self._surrogates = SurrogateMender()
        self._reasoning = ReasoningFilter()
        self._preview = Preview()
        self._plain = PlainText()
        self._graphemes = GraphemeBuffer()
        self.visible = ""

    @property
    def answer(self) -> str:
        """The model's own words so far, as they came."""
        return "".join(self._answer)

    def feed(self, text: str) -> str:
        """Take more of the answer; return what can be shown of the reply now."""
        text = self._surrogates.push(text)
        self._answer.append(text)
        reply = self._preview.push(self._reasoning.push(text))
        if not reply:
            return ""
        fresh = self._graphemes.push(self._plain.push(reply))
        self.visible += fresh
        return fresh

    def finish(self) -> Envelope:
        """Judge the whole answer. What its response has beyond `visible` is yet to be shown. Raises LLMError."""
        envelope = _judge(self.answer + self._surrogates.flush(), self._intents)
        if not envelope.response.startswith(self.visible):
            raise LLMError(Kind.INVALID)
        return envelope


def read_envelope(text: str, intents: Collection[str]) -> Envelope:
    """Read a whole answer. Raises LLMError."""
    reader = EnvelopeReader(intents)
    reader.feed(text)
    return reader.finish()


def _judge(said: str, intents: Collection[str]) -> Envelope:
    answer = without_reasoning(said)
    if not has_ink(answer):
        raise LLMError(Kind.BLANK)
    fields, broken = read_fields(answer.strip(_AROUND))
    response = plain_text(mend(fields.response))
    if not has_ink(response):
        raise LLMError(Kind.BLANK)
    intent = fields.intent.strip() if isinstance(fields.intent, str) else ""
    is_known = intent in intents or intent == FALLBACK_INTENT
    unknown = () if is_known else (Repair.INTENT,)
    thought = () if answer == said else (Repair.REASONING,)
    marked = () if response == fields.response.strip() else (Repair.MARKUP,)
    return Envelope(
        intent=intent if is_known else FALLBACK_INTENT,
        response=response,
        action_required=fields.action_required,
        escalate=fields.escalate,
        is_repaired=bool(broken or unknown),
        repairs=(*thought, *broken, *unknown, *marked),
    )
