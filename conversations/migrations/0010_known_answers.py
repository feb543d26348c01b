import uuid

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import conversations.answers.models

PURPOSES = [
    ("reply", "Replies to customers"),
    ("shadow", "Shadow"),
    ("test", "Tests by staff"),
    ("evaluation", "Evaluation"),
    ("playground", "Playground"),
    ("judge", "Comparing answers"),
]


class Migration(migrations.Migration):
    dependencies = [
        ("conversations", "0009_replies_trace"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunSQL("CREATE EXTENSION IF NOT EXISTS vector", migrations.RunSQL.noop),
        migrations.CreateModel(
            name="VectorSpace",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=200, unique=True)),
                ("dimensions", models.PositiveSmallIntegerField()),
                ("is_complete", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="AnswerPolicy",
            fields=[
                ("id", models.PositiveSmallIntegerField(default=1, editable=False, primary_key=True, serialize=False)),
                (
                    "mode",
                    models.CharField(
                        choices=[
                            ("off", "Off"),
                            ("learn", "Only learn, serve nothing"),
                            ("approved", "Serve what staff approved"),
                            ("confirmed", "Serve also what several customers' questions confirmed"),
                        ],
                        default="approved",
                        max_length=9,
                        verbose_name="known answers",
                    ),
                ),
                (
                    "tolerated_share",
                    models.FloatField(
                        default=0.01,
                        help_text="Of served answers, as a share: 0.01 is 1 %. Above it serving stops by itself.",
                        validators=[
                            django.core.validators.MinValueValidator(0.001),
                            django.core.validators.MaxValueValidator(0.2),
                        ],
                        verbose_name="tolerated wrong answers",
                    ),
                ),
                (
                    "explore_share",
                    models.FloatField(
                        default=0.05,
                        help_text="This share of questions with a known answer is answered by the model all the same, and compared.",
                        validators=[
                            django.core.validators.MinValueValidator(0.01),
                            django.core.validators.MaxValueValidator(1),
                        ],
                        verbose_name="checked by the model",
                    ),
                ),
                (
                    "confirm_customers",
                    models.PositiveSmallIntegerField(
                        default=3,
                        validators=[
                            django.core.validators.MinValueValidator(2),
                            django.core.validators.MaxValueValidator(100),
                        ],
                        verbose_name="customers that confirm an answer",
                    ),
                ),
                (
                    "visitor_cap",
                    models.PositiveSmallIntegerField(
                        default=10,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(1000),
                        ],
                        verbose_name="new questions a visitor and day",
                    ),
                ),
                (
                    "lifetime_days",
                    models.PositiveSmallIntegerField(
                        default=90,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(1000),
                        ],
                        verbose_name="lifetime (days)",
                    ),
                ),
                ("stopped_at", models.DateTimeField(blank=True, null=True, verbose_name="stopped")),
                ("watched_since", models.DateTimeField(default=django.utils.timezone.now)),
                ("risk_limit", models.FloatField(default=0.01)),
                ("knowledge", models.JSONField(blank=True, default=dict)),
                ("learnt_run_id", models.BigIntegerField(default=0)),
                ("stamp", models.UUIDField(default=uuid.uuid4, editable=False)),
            ],
            options={
                "verbose_name": "use of known answers",
                "verbose_name_plural": "use of known answers",
                "constraints": [models.CheckConstraint(condition=models.Q(("id", 1)), name="answer_policy_one_row")],
            },
        ),
        migrations.CreateModel(
            name="KnownAnswer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "locale",
                    models.CharField(
                        choices=[("th", "Thai"), ("en", "English")], default="th", max_length=2, verbose_name="language"
                    ),
                ),
                ("segment", models.CharField(blank=True, default="", max_length=40, verbose_name="segment")),
                ("intent", models.CharField(max_length=40, verbose_name="intent")),
                ("text", models.TextField(max_length=4000, verbose_name="answer")),
                ("text_key", models.CharField(max_length=32)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("shadow", "Being checked"),
                            ("confirmed", "Confirmed by questions"),
                            ("approved", "Approved"),
                            ("stale", "Needs a look"),
                            ("retired", "Retired"),
                            ("banned", "Banned"),
                        ],
                        default="shadow",
                        max_length=9,
                        verbose_name="state",
                    ),
                ),
                (
                    "is_fixed_for_intent",
                    models.BooleanField(
                        default=False,
                        help_text="Served to whatever the student is sure belongs to this intent. Only for intents with one answer.",
                        verbose_name="fixed text of the intent",
                    ),
                ),
                ("playbook_version", models.CharField(blank=True, default="", max_length=40, verbose_name="release")),
                ("knowledge", models.CharField(blank=True, default="", max_length=32)),
                ("approved_at", models.DateTimeField(blank=True, null=True, verbose_name="approved")),
                ("why", models.CharField(blank=True, default="", max_length=40, verbose_name="why")),
                ("hits", models.PositiveIntegerField(default=0, verbose_name="hits")),
                ("right", models.PositiveIntegerField(default=0, verbose_name="right")),
                ("wrong", models.PositiveIntegerField(default=0, verbose_name="wrong")),
                (
                    "curve",
                    models.JSONField(blank=True, help_text="What its labels say of it (see `bound.Curve`).", null=True),
                ),
                (
                    "money_saved",
                    models.DecimalField(decimal_places=8, default=0, max_digits=20, verbose_name="money saved"),
                ),
                ("last_used_at", models.DateTimeField(blank=True, null=True, verbose_name="last used")),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="since")),
                ("expires_at", models.DateTimeField(verbose_name="expires")),
                (
                    "approved_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="approved by",
                    ),
                ),
                (
                    "site",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="known_answers",
                        to="conversations.site",
                        verbose_name="site",
                    ),
                ),
            ],
            options={
                "verbose_name": "known answer",
                "verbose_name_plural": "known answers",
                "ordering": ["-hits", "-pk"],
            },
        ),
        migrations.CreateModel(
            name="KnownDay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                ("asked", models.PositiveIntegerField(default=0)),
                ("exact", models.PositiveIntegerField(default=0)),
                ("near", models.PositiveIntegerField(default=0)),
                ("fixed", models.PositiveIntegerField(default=0)),
                ("checked", models.PositiveIntegerField(default=0)),
                ("money_saved", models.DecimalField(decimal_places=8, default=0, max_digits=20)),
                ("milliseconds_saved", models.BigIntegerField(default=0)),
                (
                    "site",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="conversations.site"
                    ),
                ),
            ],
            options={
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="KnownQuestion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("locale", models.CharField(choices=[("th", "Thai"), ("en", "English")], default="th", max_length=2)),
                ("segment", models.CharField(blank=True, default="", max_length=40)),
                ("text", models.CharField(max_length=300, verbose_name="question")),
                ("key", models.CharField(editable=False, max_length=32)),
                ("customers", models.PositiveIntegerField(default=0, verbose_name="customers")),
                ("is_by_staff", models.BooleanField(default=False, verbose_name="by staff")),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "answer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="questions",
                        to="conversations.knownanswer",
                    ),
                ),
                (
                    "first_customer",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="conversations.customer",
                    ),
                ),
                (
                    "site",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="conversations.site",
                    ),
                ),
            ],
            options={
                "verbose_name": "question",
                "verbose_name_plural": "questions",
            },
        ),
        migrations.CreateModel(
            name="KnownLabel",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("run_id", models.BigIntegerField(blank=True, null=True)),
                (
                    "step",
                    models.CharField(
                        choices=[
                            ("exact", "Same question"),
                            ("near", "Similar question"),
                            ("fixed", "Fixed text of an intent"),
                        ],
                        max_length=5,
                    ),
                ),
                ("score", models.FloatField()),
                ("risk", models.FloatField(default=1.0)),
                ("features", models.JSONField(default=list)),
                ("is_right", models.BooleanField()),
                (
                    "was_served",
                    models.BooleanField(
                        default=False,
                        help_text="It would have been served, had it not been checked: it counts for the promise.",
                    ),
                ),
                (
                    "judge",
                    models.CharField(
                        choices=[
                            ("words", "Same words"),
                            ("envelope", "Intent, flags and numbers"),
                            ("model", "A model"),
                            ("staff", "Staff"),
                        ],
                        max_length=8,
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "answer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="labels",
                        to="conversations.knownanswer",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="conversations.customer",
                    ),
                ),
                (
                    "question",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="labels",
                        to="conversations.knownquestion",
                    ),
                ),
            ],
            options={
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="QuestionVector",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("site_id", models.BigIntegerField()),
                ("locale", models.CharField(max_length=2)),
                ("segment", models.CharField(blank=True, default="", max_length=40)),
                ("embedding", conversations.answers.models.VectorField()),
                (
                    "question",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="vectors",
                        to="conversations.knownquestion",
                    ),
                ),
                (
                    "space",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="vectors",
                        to="conversations.vectorspace",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.AddIndex(
            model_name="knownanswer",
            index=models.Index(fields=["site", "locale", "segment", "text_key"], name="known_answer_text"),
        ),
        migrations.AddIndex(
            model_name="knownanswer",
            index=models.Index(fields=["state", "playbook_version"], name="known_answer_state"),
        ),
        migrations.AddConstraint(
            model_name="knownanswer",
            constraint=models.CheckConstraint(
                condition=models.Q(("text", ""), _negated=True), name="known_answer_not_blank"
            ),
        ),
        migrations.AddConstraint(
            model_name="knownanswer",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "approved"), _negated=True), ("approved_at__isnull", False), _connector="OR"
                ),
                name="known_answer_approved_at",
            ),
        ),
        migrations.AddConstraint(
            model_name="knownanswer",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("is_fixed_for_intent", False),
                    models.Q(("state__in", ["shadow", "confirmed"]), _negated=True),
                    _connector="OR",
                ),
                name="known_answer_fixed_by_staff",
            ),
        ),
        migrations.AddConstraint(
            model_name="knownday",
            constraint=models.UniqueConstraint(fields=("day", "site"), name="known_day_unique"),
        ),
        migrations.AddConstraint(
            model_name="knownquestion",
            constraint=models.UniqueConstraint(
                fields=("site", "locale", "segment", "key"), name="known_question_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="knownquestion",
            constraint=models.CheckConstraint(
                condition=models.Q(("text", ""), _negated=True), name="known_question_not_blank"
            ),
        ),
        migrations.AddIndex(
            model_name="knownlabel",
            index=models.Index(
                condition=models.Q(("was_served", True)), fields=["-created_at"], name="known_label_promise"
            ),
        ),
        migrations.AddConstraint(
            model_name="knownlabel",
            constraint=models.UniqueConstraint(
                condition=models.Q(("run_id__isnull", False)),
                fields=("run_id", "answer"),
                name="known_label_once_a_run",
            ),
        ),
        migrations.AddConstraint(
            model_name="questionvector",
            constraint=models.UniqueConstraint(fields=("question", "space"), name="question_vector_once"),
        ),
        migrations.AlterField(
            model_name="llmcall",
            name="purpose",
            field=models.CharField(choices=PURPOSES, max_length=10, verbose_name="use"),
        ),
        migrations.AlterField(
            model_name="samplingprofile",
            name="purpose",
            field=models.CharField(choices=PURPOSES, default="reply", max_length=10, verbose_name="use"),
        ),
    ]
