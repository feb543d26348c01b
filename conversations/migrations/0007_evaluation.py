from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("conversations", "0006_releases")]

    operations = []
