"""The form of a known answer: what staff enter, and what must not be known."""

from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _
from typing_extensions import override
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from conversations.answers.keeping import NotKnowableError, check_question
from conversations.answers.knowledge import reusable_intents
from conversations.answers.models import MAX_QUESTION_CHARS, KnownAnswer
from conversations.desk.answers_words import UNFIT_WORDS, unfit_words
from conversations.playbook.checks import answer_problem
from conversations.playbook.reading import current_playbook

if TYPE_CHECKING:
    AnswerModelForm = forms.ModelForm[KnownAnswer]
else:
    AnswerModelForm = forms.ModelForm

NONE_REUSABLE: Final = _(
    "No intent's answers may be used again yet: mark one as reusable in the playbook, and publish."
)


class AnswerForm(AnswerModelForm):
    """An answer as staff enter it, with one more way to ask for it."""

    question = forms.CharField(
        label=_("Another way to ask"),
        max_length=MAX_QUESTION_CHARS,
        required=False,
        widget=UnfoldAdminTextInputWidget(),
        help_text=_("As a customer asks it, on its own. Here you can add one way to ask at a time."),
    )

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - Django's own, passed on
        super().__init__(*args, **options)
        if "intent" in self.fields:
            self.for_a_new_answer()

    def for_a_new_answer(self) -> None:
        """Ask for the question, and offer the intents whose answers may be used again."""
        self.fields["question"].label = _("Question")
        self.fields["question"].required = True
        self.fields["question"].error_messages["required"] = _("Please write the question.")
        self.fields["question"].help_text = _("As a customer asks it, on its own. You can add other ways to ask later.")
        playbook = current_playbook()
        reusable = reusable_intents(playbook)
        offered = [(each.key, each.key) for each in playbook.intents if each.key in reusable]
        intent = forms.ChoiceField(
            label=_("Intent"), choices=[("", "---------"), *offered], widget=UnfoldAdminSelectWidget
        )
        intent.error_messages["invalid_choice"] = str(UNFIT_WORDS["intent"])
        intent.help_text = "" if offered else str(NONE_REUSABLE)
        self.fields["intent"] = intent

    @override
    def clean(self) -> dict[str, Any]:
        """Refuse what must not be known, and what customers can't read."""
        given = super().clean() or {}
        if question := str(given.get("question") or "").strip():
            try:
                check_question(question)
            except NotKnowableError as error:
                self.add_error("question", unfit_words(str(error)))
        if problem := answer_problem(str(given.get("text", ""))):
            self.add_error("text", str(problem))
        if "intent" not in self.fields and self.instance.intent not in reusable_intents(current_playbook()):
            self.add_error("text", str(UNFIT_WORDS["intent"]))
        return given
