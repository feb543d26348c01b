from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("conversations", "0009_replies_trace")]

    operations = []
