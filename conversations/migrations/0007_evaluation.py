"""Evaluation: cases, runs over them, and the answers they got."""

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("conversations", "0006_releases"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="EvaluationCase",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("question", models.TextField(max_length=4000, verbose_name="customer says")),
                ("dialogue", models.JSONField(blank=True, default=list, verbose_name="said before")),
                (
                    "locale",
                    models.CharField(
                        choices=[("th", "Thai"), ("en", "English")], default="th", max_length=2, verbose_name="language"
                    ),
                ),
                ("intent", models.CharField(blank=True, default="", max_length=40, verbose_name="right intent")),
                ("escalate", models.BooleanField(blank=True, null=True, verbose_name="hand to a person")),
                ("action_required", models.BooleanField(blank=True, null=True, verbose_name="action required")),
                (
                    "must_say",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=200), default=list, size=None, verbose_name="must say"
                    ),
                ),
                (
                    "must_not_say",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=200),
                        default=list,
                        size=None,
                        verbose_name="must not say",
                    ),
                ),
                (
                    "reference",
                    models.TextField(
                        blank=True,
                        default="",
                        help_text="Shown beside the bot's.",
                        max_length=4000,
                        verbose_name="a good answer",
                    ),
                ),
                (
                    "note",
                    models.CharField(
                        blank=True, default="", help_text="For staff only.", max_length=500, verbose_name="note"
                    ),
                ),
                ("source", models.CharField(blank=True, default="", max_length=200, verbose_name="source")),
                ("position", models.PositiveIntegerField(default=0, verbose_name="order")),
                ("is_on", models.BooleanField(default=True, verbose_name="on")),
            ],
            options={
                "verbose_name": "case",
                "verbose_name_plural": "cases",
                "ordering": ["evaluation_set_id", "position", "pk"],
            },
        ),
        migrations.CreateModel(
            name="EvaluationSet",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=80, unique=True, verbose_name="name")),
                ("note", models.TextField(blank=True, default="", max_length=4000, verbose_name="note")),
                (
                    "is_required",
                    models.BooleanField(
                        default=True,
                        help_text="A release is published after it passed these cases.",
                        verbose_name="needed for publishing",
                    ),
                ),
                (
                    "samples",
                    models.PositiveSmallIntegerField(
                        default=3,
                        help_text="How often each question is asked. More tell chance from change better, and cost more.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(20),
                        ],
                        verbose_name="answers a question",
                    ),
                ),
            ],
            options={
                "verbose_name": "case set",
                "verbose_name_plural": "case sets",
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="EvaluationRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "set_names",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=80), default=list, editable=False, size=None
                    ),
                ),
                (
                    "samples",
                    models.PositiveSmallIntegerField(
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(20),
                        ],
                        verbose_name="answers a question",
                    ),
                ),
                ("is_check", models.BooleanField(default=False, editable=False, verbose_name="decides on publishing")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "Waiting"),
                            ("running", "Running"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                            ("cancelled", "Stopped"),
                        ],
                        default="queued",
                        editable=False,
                        max_length=9,
                        verbose_name="state",
                    ),
                ),
                (
                    "verdict",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "Not known yet"),
                            ("green", "Passed"),
                            ("red", "Worse than live"),
                            ("unknown", "Can't be told"),
                        ],
                        default="",
                        editable=False,
                        max_length=7,
                        verbose_name="result",
                    ),
                ),
                (
                    "problem",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", ""),
                            ("no_model", "No model can be asked."),
                            ("provider", "The provider does not answer."),
                            ("budget", "The budget is used up."),
                            ("broken", "csbot could not go on; its log says why."),
                        ],
                        default="",
                        editable=False,
                        max_length=10,
                    ),
                ),
                ("total", models.PositiveIntegerField(default=0, editable=False, verbose_name="answers to get")),
                ("done", models.PositiveIntegerField(default=0, editable=False, verbose_name="answers got")),
                ("judgment", models.JSONField(default=dict, editable=False)),
                ("figures", models.JSONField(default=dict, editable=False)),
                (
                    "by_name",
                    models.CharField(blank=True, default="", editable=False, max_length=150, verbose_name="who"),
                ),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="asked for"),
                ),
                ("started_at", models.DateTimeField(editable=False, null=True, verbose_name="begun")),
                ("ended_at", models.DateTimeField(editable=False, null=True, verbose_name="ended")),
                ("worker", models.CharField(blank=True, default="", editable=False, max_length=200)),
                ("lease_until", models.DateTimeField(editable=False, null=True)),
                (
                    "baseline",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="conversations.release",
                        verbose_name="compared with",
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="who",
                    ),
                ),
                (
                    "model",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="conversations.languagemodel",
                        verbose_name="model",
                    ),
                ),
                (
                    "release",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="evaluations",
                        to="conversations.release",
                        verbose_name="release",
                    ),
                ),
                (
                    "sets",
                    models.ManyToManyField(
                        related_name="runs", to="conversations.evaluationset", verbose_name="case sets"
                    ),
                ),
            ],
            options={
                "verbose_name": "evaluation",
                "verbose_name_plural": "evaluations",
                "ordering": ["-pk"],
                "default_permissions": ("add", "view"),
            },
        ),
        migrations.CreateModel(
            name="EvaluationItem",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("set_name", models.CharField(max_length=80)),
                ("intent", models.CharField(blank=True, default="", max_length=40)),
                ("content", models.JSONField()),
                (
                    "change",
                    models.CharField(
                        blank=True,
                        choices=[("", "Not compared"), ("better", "Better"), ("worse", "Worse"), ("same", "Same")],
                        default="",
                        max_length=6,
                    ),
                ),
                ("new_good", models.PositiveSmallIntegerField(default=0)),
                ("new_told", models.PositiveSmallIntegerField(default=0)),
                ("old_good", models.PositiveSmallIntegerField(default=0)),
                ("old_told", models.PositiveSmallIntegerField(default=0)),
                (
                    "case",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="conversations.evaluationcase",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="items",
                        to="conversations.evaluationrun",
                    ),
                ),
            ],
            options={
                "verbose_name": "case of an evaluation",
                "verbose_name_plural": "cases of an evaluation",
                "ordering": ["run_id", "number"],
                "default_permissions": (),
            },
        ),
        migrations.AddField(
            model_name="evaluationcase",
            name="evaluation_set",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="cases",
                to="conversations.evaluationset",
                verbose_name="case set",
            ),
        ),
        migrations.CreateModel(
            name="EvaluationResult",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("arm", models.CharField(choices=[("new", "new"), ("old", "live")], max_length=3)),
                ("sample", models.PositiveSmallIntegerField()),
                ("outcome", models.CharField(max_length=20)),
                ("is_told", models.BooleanField(default=True)),
                ("is_valid", models.BooleanField(default=False)),
                ("is_good", models.BooleanField(default=False)),
                (
                    "failed",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=12), default=list, size=None
                    ),
                ),
                ("intent", models.CharField(blank=True, default="", max_length=40)),
                ("escalate", models.BooleanField(default=False)),
                ("action_required", models.BooleanField(default=False)),
                ("response", models.TextField(blank=True, default="")),
                ("raw", models.TextField(blank=True, default="")),
                ("calls", models.PositiveSmallIntegerField(default=1)),
                ("first_token_ms", models.PositiveIntegerField(null=True)),
                ("total_ms", models.PositiveIntegerField(null=True)),
                ("prompt_tokens", models.PositiveIntegerField(default=0)),
                ("cached_tokens", models.PositiveIntegerField(default=0)),
                ("completion_tokens", models.PositiveIntegerField(default=0)),
                ("cost", models.DecimalField(decimal_places=12, max_digits=26, null=True)),
                ("currency", models.CharField(blank=True, default="", max_length=3)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "item",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="results",
                        to="conversations.evaluationitem",
                    ),
                ),
            ],
            options={
                "verbose_name": "answer of an evaluation",
                "verbose_name_plural": "answers of an evaluation",
                "ordering": ["item_id", "sample", "arm"],
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(fields=("item", "arm", "sample"), name="evaluation_result_once")
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="evaluationitem",
            constraint=models.UniqueConstraint(fields=("run", "number"), name="evaluation_item_once"),
        ),
        migrations.AddIndex(
            model_name="evaluationrun",
            index=models.Index(
                condition=models.Q(("state__in", ["queued", "running"])), fields=["id"], name="evaluation_run_open"
            ),
        ),
        migrations.AddConstraint(
            model_name="evaluationrun",
            constraint=models.CheckConstraint(condition=models.Q(("samples__gte", 1)), name="evaluation_run_samples"),
        ),
        migrations.AddConstraint(
            model_name="evaluationcase",
            constraint=models.CheckConstraint(
                condition=models.Q(("question", ""), _negated=True), name="evaluation_case_not_blank"
            ),
        ),
    ]
