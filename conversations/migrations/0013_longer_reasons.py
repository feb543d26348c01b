"""Room for a whole sentence where staff say why they put an answer away."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """A longer column; no row is written anew."""

    dependencies = [("conversations", "0012_half_vectors")]

    operations = [
        migrations.AlterField(
            model_name="knownanswer",
            name="why",
            field=models.CharField(blank=True, default="", max_length=500, verbose_name="why"),
        ),
    ]
