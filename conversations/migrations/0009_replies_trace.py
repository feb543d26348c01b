"""Runs keep the release's number and the model's own answer; the playground is a use of its own."""

from django.db import migrations, models

PURPOSES = [
    ("reply", "Replies to customers"),
    ("shadow", "Shadow"),
    ("test", "Tests by staff"),
    ("evaluation", "Evaluation"),
    ("playground", "Playground"),
]


class Migration(migrations.Migration):
    dependencies = [("conversations", "0008_corrections")]

    operations = [
        migrations.AddField(
            model_name="run",
            name="release",
            field=models.PositiveIntegerField(blank=True, null=True, verbose_name="release"),
        ),
        migrations.AddField(
            model_name="run",
            name="raw",
            field=models.TextField(blank=True, default="", max_length=8000, verbose_name="the model's own answer"),
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
