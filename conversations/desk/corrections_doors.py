"""The door behind "Correct" at a bot's reply: what an agent begins with, and what the agent suggests."""

from collections.abc import Iterable
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, JsonResponse
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from conversations.actions.rights import may_read
from conversations.desk.audited import actor_of
from conversations.models import Message, Sender
from conversations.playbook.corrections import InvalidError, RefusedError, Suggestion, propose, suggest
from conversations.playbook.models import Correction, CorrectionReason, CorrectionState, Intent

SUGGEST: Final = "conversations.add_correction"
LARGEST_ID: Final = 2**63 - 1


def may_correct(person: Any) -> bool:  # noqa: ANN401 - whoever asks, signed in or not
    """Whether this person may say what the bot should have answered."""
    return may_read(person) and bool(person.has_perm(SUGGEST))


@require_http_methods(["GET", "POST"])
def correct_view(request: HttpRequest, message_id: int) -> JsonResponse:
    """Answer with what the agent begins with; or keep what the agent suggests."""
    if not may_correct(request.user):
        raise PermissionDenied
    related = Message.objects.select_related("conversation__customer", "run")
    message = related.filter(pk=message_id).first() if message_id <= LARGEST_ID else None
    if message is None:
        raise Http404
    try:
        return _suggested(request, message) if request.method == "POST" else JsonResponse(_beginning(message))
    except RefusedError as refused:
        return _error("refused", str(refused), status=409)
    except InvalidError as invalid:
        return _error("invalid", " ".join(str(problem) for problem in invalid.problems.values()), status=400)


def _error(code: str, message: str, *, status: int) -> JsonResponse:
    return JsonResponse({"error": {"code": code, "message": message}}, status=status)


def _beginning(message: Message) -> dict[str, Any]:
    proposal = propose(message)
    return {
        "question": proposal.question,
        "bot_answer": proposal.bot_answer,
        "response": proposal.response,
        "is_agents": proposal.is_agents,
        "intent": message.intent,
        "escalate": bool(message.escalate),
        "action_required": bool(message.action_required),
        "intents": [{"value": intent.key, "label": label_of(intent)} for intent in Intent.objects.on()],
        "reasons": [{"value": str(value), "label": str(label)} for value, label in CorrectionReason.choices],
    }


def label_of(intent: Intent) -> str:
    """Return how an intent is called in the language of the page."""
    return intent.name_th if (get_language() or "").startswith("th") else intent.name_en


def _suggested(request: HttpRequest, message: Message) -> JsonResponse:
    posted = request.POST
    if posted.get("reason") not in CorrectionReason.values:
        return _error("invalid", _("Say what was wrong."), status=400)
    suggestion = Suggestion(
        reason=CorrectionReason(posted["reason"]),
        response=posted.get("response", ""),
        intent=posted.get("intent", ""),
        escalate=posted.get("escalate") == "1",
        action_required=posted.get("action_required") == "1",
        comment=posted.get("comment", ""),
    )
    correction = suggest(message, suggestion, by=actor_of(request))
    return JsonResponse({"state": correction.state, "message": _("Sent for review. Thank you!")})


def doors_of(messages: Iterable[Message], *, person: Any) -> dict[int, tuple[str, str]]:  # noqa: ANN401 - as above
    """Return for each reply of the bot where it can be corrected, and what became of an earlier correction."""
    replies = [message.pk for message in messages if message.sender == Sender.BOT]
    if not replies or not may_correct(person):
        return {}
    made = Correction.objects.filter(message__in=replies).order_by("pk").values_list("message_id", "state")
    states = {message_id: state for message_id, state in made if message_id is not None}
    rejected = CorrectionState.REJECTED.value
    return {
        reply: ("" if states.get(reply, rejected) != rejected else address_of(reply), states.get(reply, ""))
        for reply in replies
    }


def address_of(message_id: int) -> str:
    """Return where a reply can be corrected."""
    return reverse("admin:correct-reply", args=[message_id])
