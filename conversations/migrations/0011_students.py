import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("conversations", "0010_known_answers"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="DistillationExport",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("made_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="made")),
                ("made_by_name", models.CharField(blank=True, default="", max_length=150, verbose_name="by")),
                ("rows", models.PositiveIntegerField(default=0, verbose_name="turns")),
                ("data_hash", models.CharField(max_length=64, verbose_name="hash of the data")),
                ("card", models.JSONField(default=dict, verbose_name="data card")),
                (
                    "made_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="by",
                    ),
                ),
            ],
            options={
                "verbose_name": "export for distillation",
                "verbose_name_plural": "exports for distillation",
                "ordering": ["-pk"],
                "default_permissions": ("add", "view"),
            },
        ),
        migrations.CreateModel(
            name="StudentPolicy",
            fields=[
                ("id", models.PositiveSmallIntegerField(default=1, editable=False, primary_key=True, serialize=False)),
                (
                    "is_steering",
                    models.BooleanField(
                        default=False,
                        help_text="What the student is sure of, and needs neither an action nor a person, goes to models of the economy tier first; the others follow if those fail. It also chooses the sampling profile by intent.",
                        verbose_name="simple questions to economical models first",
                    ),
                ),
            ],
            options={
                "verbose_name": "settings of students",
                "verbose_name_plural": "settings of students",
                "default_permissions": ("change", "view"),
                "constraints": [models.CheckConstraint(condition=models.Q(("id", 1)), name="student_policy_one_row")],
            },
        ),
        migrations.CreateModel(
            name="TrainedStudent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("wanted", "Waiting for its training"),
                            ("training", "Being trained"),
                            ("ready", "Ready"),
                            ("live", "At work"),
                            ("refused", "Not good enough"),
                            ("retired", "Retired"),
                            ("failed", "Training failed"),
                        ],
                        default="wanted",
                        max_length=8,
                        verbose_name="state",
                    ),
                ),
                ("wanted_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="asked for")),
                (
                    "precision",
                    models.FloatField(
                        default=0.97,
                        help_text="The share of judgements that must be right for the student to be sure of them: 0.97 is 97 %.",
                        validators=[
                            django.core.validators.MinValueValidator(0.5),
                            django.core.validators.MaxValueValidator(0.999),
                        ],
                        verbose_name="right when sure",
                    ),
                ),
                ("begun_at", models.DateTimeField(blank=True, null=True, verbose_name="training began")),
                ("trained_at", models.DateTimeField(blank=True, null=True, verbose_name="trained")),
                ("rows", models.PositiveIntegerField(default=0, verbose_name="rows learnt from")),
                ("held_rows", models.PositiveIntegerField(default=0, verbose_name="rows held back")),
                ("sources", models.JSONField(blank=True, default=dict, verbose_name="labels by source")),
                ("data_hash", models.CharField(blank=True, default="", max_length=64, verbose_name="hash of the data")),
                ("artefact", models.BinaryField(null=True)),
                (
                    "artefact_hash",
                    models.CharField(blank=True, default="", max_length=64, verbose_name="hash of the artefact"),
                ),
                ("report", models.JSONField(blank=True, default=dict, verbose_name="report")),
                (
                    "comparison",
                    models.JSONField(blank=True, default=dict, verbose_name="compared with the one at work"),
                ),
                (
                    "problem",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", ""),
                            (
                                "too_little",
                                "There was too little to learn from: at least 30 questions of two intents are needed.",
                            ),
                            ("broke_off", "The training broke off. The command's log says why."),
                            ("lost", "The training's process was killed."),
                        ],
                        default="",
                        max_length=10,
                        verbose_name="problem",
                    ),
                ),
                ("live_from", models.DateTimeField(blank=True, null=True, verbose_name="at work from")),
                ("live_until", models.DateTimeField(blank=True, null=True, verbose_name="until")),
                ("watched_message_id", models.BigIntegerField(default=0, editable=False)),
                ("stopped_at", models.DateTimeField(blank=True, null=True, verbose_name="stopped")),
                ("drift", models.JSONField(blank=True, default=dict, verbose_name="drift")),
                (
                    "wanted_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="by",
                    ),
                ),
            ],
            options={
                "verbose_name": "student",
                "verbose_name_plural": "students",
                "ordering": ["-pk"],
                "permissions": [("promote_trainedstudent", "Can put a student to work")],
            },
        ),
        migrations.CreateModel(
            name="StudentDay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField(verbose_name="day")),
                ("seen", models.PositiveIntegerField(default=0, verbose_name="seen")),
                ("agreed", models.PositiveIntegerField(default=0, verbose_name="agreed")),
                ("sure", models.PositiveIntegerField(default=0, verbose_name="sure")),
                ("sure_agreed", models.PositiveIntegerField(default=0, verbose_name="sure and agreed")),
                (
                    "student",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="days",
                        to="conversations.trainedstudent",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.AddConstraint(
            model_name="trainedstudent",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "live")), fields=("state",), name="student_one_live"
            ),
        ),
        migrations.AddConstraint(
            model_name="trainedstudent",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state__in", ["ready", "live"]), _negated=True),
                    ("artefact__isnull", False),
                    _connector="OR",
                ),
                name="student_live_has_artefact",
            ),
        ),
        migrations.AddConstraint(
            model_name="trainedstudent",
            constraint=models.CheckConstraint(
                condition=models.Q(("precision__gt", 0), ("precision__lt", 1)), name="student_precision_is_a_share"
            ),
        ),
        migrations.AddConstraint(
            model_name="studentday",
            constraint=models.UniqueConstraint(fields=("student", "day"), name="student_day_unique"),
        ),
    ]
