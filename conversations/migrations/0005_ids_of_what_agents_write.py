from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("conversations", "0004_rollout_guard")]

    operations = [
        migrations.RemoveConstraint(model_name="message", name="message_client_id_of_customer"),
        migrations.AddConstraint(
            model_name="message",
            constraint=models.CheckConstraint(
                condition=models.Q(("client_id__isnull", True), ("sender__in", ["customer", "agent"]), _connector="OR"),
                name="message_client_id_of_person",
            ),
        ),
        migrations.AddField(
            model_name="note",
            name="client_id",
            field=models.UUIDField(blank=True, null=True),
        ),
        migrations.AddConstraint(
            model_name="note",
            constraint=models.UniqueConstraint(
                condition=models.Q(("client_id__isnull", False)),
                fields=("conversation", "client_id"),
                name="note_unique_client_id",
            ),
        ),
    ]
