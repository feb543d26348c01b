from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("conversations", "0010_known_answers")]

    operations = []
