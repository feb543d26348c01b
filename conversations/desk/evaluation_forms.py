"""The forms of cases and runs: a dialogue as lines of text, words that must be said one a line."""

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from typing_extensions import override
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
)

from conversations.gateway.models import LanguageModel
from conversations.playbook.checks import words_problem
from conversations.playbook.evaluation.cases import MAX_LINES
from conversations.playbook.evaluation.starting import Wish, problem_with
from conversations.playbook.models import EvaluationCase, EvaluationRun, EvaluationSet, Intent, Release
from conversations.playbook.models.evaluation import MAX_PHRASE_CHARS, MAX_SAMPLES
from conversations.playbook.prompt import Speaker
from conversations.playbook.releases import live_release

if TYPE_CHECKING:
    CaseModelForm = forms.ModelForm[EvaluationCase]
    RunModelForm = forms.ModelForm[EvaluationRun]
else:
    CaseModelForm = RunModelForm = forms.ModelForm

MAX_PHRASES: Final = 20
FLAGS: Final = ("escalate", "action_required")
MARKS: Final = {
    Speaker.CUSTOMER: ("C", "ลูกค้า", "CUSTOMER"),
    Speaker.BOT: ("B", "บอท", "BOT"),
    Speaker.AGENT: ("A", "พนักงาน", "AGENT"),
}
LINE: Final = re.compile(r"\s*([^\s:]+)\s*:\s*(.+)")


def text_area(rows: int) -> UnfoldAdminTextareaWidget:
    """Return a field for several lines."""
    return UnfoldAdminTextareaWidget(attrs={"rows": rows})


class CaseForm(CaseModelForm):
    """A case as a person enters it."""

    before = forms.CharField(
        label=gettext_lazy("Said before"),
        required=False,
        widget=text_area(4),
        help_text=gettext_lazy("One message a line, beginning with C: (customer), B: (bot) or A: (agent)."),
    )
    must_say_lines = forms.CharField(
        label=gettext_lazy("Must say"),
        required=False,
        widget=text_area(3),
        help_text=gettext_lazy("One a line. Put | between words of which one is enough: 7 วัน | 7 days"),
    )
    must_not_say_lines = forms.CharField(
        label=gettext_lazy("Must not say"), required=False, widget=text_area(3), help_text=gettext_lazy("One a line.")
    )
    intent = forms.ChoiceField(label=gettext_lazy("Right intent"), required=False, widget=UnfoldAdminSelectWidget)

    class Meta:
        model = EvaluationCase
        exclude = ("dialogue", "must_say", "must_not_say")
        widgets = {"question": text_area(3), "reference": text_area(3)}

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - Django's own, passed on
        super().__init__(*args, **options)
        case = self.instance
        if "intent" in self.fields:
            self.fields["intent"] = intent_field(case.intent)
        for name in FLAGS:
            widget = self.fields[name].widget if name in self.fields else None
            if isinstance(widget, forms.NullBooleanSelect):
                widget.choices = [("unknown", _("any")), ("true", _("yes")), ("false", _("no"))]
        for name, value in (
            ("before", lines_of(case.dialogue)),
            ("must_say_lines", "\n".join(case.must_say)),
            ("must_not_say_lines", "\n".join(case.must_not_say)),
        ):
            self.initial.setdefault(name, value)

    def clean_question(self) -> str:
        """Refuse what nobody can see."""
        question: str = self.cleaned_data["question"]
        if problem := words_problem(question):
            raise ValidationError(str(problem))
        return question

    def clean_before(self) -> str:
        """Take the lines of the dialogue."""
        self.instance.dialogue = dialogue_of(self.cleaned_data["before"])
        return str(self.cleaned_data["before"])

    def clean_must_say_lines(self) -> str:
        """Take the words that must be said."""
        self.instance.must_say = phrases_of(self.cleaned_data["must_say_lines"])
        return str(self.cleaned_data["must_say_lines"])

    def clean_must_not_say_lines(self) -> str:
        """Take the words that must not be said."""
        self.instance.must_not_say = phrases_of(self.cleaned_data["must_not_say_lines"])
        return str(self.cleaned_data["must_not_say_lines"])


def intent_field(current: str) -> forms.ChoiceField:
    """Return the choice of intents; one that is gone stays what it was."""
    known = list(Intent.objects.on().values_list("key", flat=True))
    gone = [current] if current and current not in known else []
    return forms.ChoiceField(
        label=gettext_lazy("Right intent"),
        required=False,
        choices=[("", _("any")), *((key, key) for key in (*known, *gone))],
        widget=UnfoldAdminSelectWidget,
    )


def lines_of(dialogue: Iterable[dict[str, str]]) -> str:
    """Return a dialogue as lines of text."""
    return "\n".join(f"{MARKS[Speaker(line['speaker'])][0]}: {' '.join(line['text'].split())}" for line in dialogue)


def dialogue_of(text: str) -> list[dict[str, str]]:
    """Return lines of text as a dialogue. Raises ValidationError that names the line."""
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) > MAX_LINES:
        raise ValidationError(_("At most %(most)d messages, please.") % {"most": MAX_LINES})
    return [one_line(line, number=number) for number, line in enumerate(lines, start=1)]


def one_line(line: str, *, number: int) -> dict[str, str]:
    """Return one line of a dialogue."""
    found = LINE.fullmatch(line)
    mark = found.group(1).upper() if found else ""
    speaker = next((speaker for speaker, marks in MARKS.items() if mark in marks), None)
    if found is None or speaker is None or words_problem(found.group(2)):
        raise ValidationError(_("Line %(number)d does not begin with C:, B: or A: and words.") % {"number": number})
    return {"speaker": speaker.value, "text": found.group(2).strip()}


def phrases_of(text: str) -> list[str]:
    """Return the words of each line. Raises ValidationError."""
    phrases = [line.strip() for line in text.splitlines() if line.strip()]
    if len(phrases) > MAX_PHRASES or any(len(phrase) > MAX_PHRASE_CHARS for phrase in phrases):
        raise ValidationError(
            _("At most %(lines)d lines of %(chars)d characters, please.")
            % {"lines": MAX_PHRASES, "chars": MAX_PHRASE_CHARS}
        )
    if any(words_problem(phrase) or not phrase.strip("| ") for phrase in phrases):
        raise ValidationError(_("A line has nothing in it that can be read."))
    return phrases


class RunForm(RunModelForm):
    """What is to be evaluated."""

    sets = forms.ModelMultipleChoiceField(
        label=gettext_lazy("Case sets"),
        queryset=EvaluationSet.objects.all(),
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )
    samples = forms.IntegerField(
        label=gettext_lazy("Answers a question"),
        required=False,
        min_value=1,
        max_value=MAX_SAMPLES,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=gettext_lazy("Empty: as the sets say."),
    )

    class Meta:
        model = EvaluationRun
        fields = ("release", "baseline", "sets", "samples", "model")

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - Django's own, passed on
        super().__init__(*args, **options)
        if "release" not in self.fields:
            return
        live = live_release()
        offer(self.fields["release"], Release.objects.slim(), gettext_lazy("Customers need not have met it."))
        offer(self.fields["baseline"], Release.objects.slim(), gettext_lazy("Empty: with nothing."))
        offer(
            self.fields["model"],
            LanguageModel.objects.filter(routes__is_on=True).select_related("provider").distinct(),
            gettext_lazy("Empty: the one that answers customers first."),
        )
        self.initial.setdefault("baseline", live.pk if live else None)
        self.initial.setdefault("sets", list(EvaluationSet.objects.filter(is_required=True)))

    @property
    def wish(self) -> Wish:
        """What is asked for."""
        asked: dict[str, Any] = self.cleaned_data
        sets: Sequence[EvaluationSet] = list(asked["sets"])
        return Wish(
            release=asked["release"],
            baseline=asked["baseline"],
            sets=sets,
            samples=asked["samples"],
            model_id=asked["model"].pk if asked["model"] else None,
        )

    @override
    def clean(self) -> dict[str, Any]:
        """Refuse what can't be asked."""
        super().clean()
        if not self.errors and (problem := problem_with(self.wish)):
            raise ValidationError(problem)
        return self.cleaned_data


def offer(field: forms.Field, rows: Any, hint: Any) -> None:  # noqa: ANN401 - querysets and lazy words of any kind
    """Let a field choose among these rows."""
    if isinstance(field, forms.ModelChoiceField):
        field.queryset = rows
    field.help_text = hint
