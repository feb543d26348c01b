from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("conversations", "0005_ids_of_what_agents_write")]

    operations = []
