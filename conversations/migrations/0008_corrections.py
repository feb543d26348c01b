"""Corrections: what agents would have answered better, and files of examples that wait to be imported."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("conversations", "0007_evaluation"), migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations = [
        migrations.CreateModel(
            name='ExampleImport',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('file_name', models.CharField(max_length=200, verbose_name='file')),
                ('file_format', models.CharField(choices=[('csv', 'CSV'), ('jsonl', 'JSON lines'), ('xlsx', 'Excel (XLSX)')], max_length=5, verbose_name='format')),
                ('rows', models.JSONField(default=list)),
                ('is_masking', models.BooleanField(default=False, verbose_name='put marks in place of personal data')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='when')),
                ('author', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'import of examples',
                'verbose_name_plural': 'imports of examples',
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='Correction',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('release', models.PositiveIntegerField(null=True, verbose_name='release')),
                ('question', models.TextField(max_length=8000, verbose_name='customer says')),
                ('dialogue', models.JSONField(default=list, verbose_name='said before')),
                ('bot_answer', models.TextField(verbose_name='the bot answered')),
                ('bot_intent', models.CharField(blank=True, default='', max_length=40, verbose_name="the bot's intent")),
                ('bot_escalate', models.BooleanField(default=False)),
                ('bot_action_required', models.BooleanField(default=False)),
                ('reason', models.CharField(choices=[('wrong', 'What it says is not right'), ('misunderstood', 'It misunderstood the question'), ('person', 'A person should have taken over'), ('no_person', 'No person was needed'), ('tone', 'Not how we talk to customers'), ('incomplete', 'Something is missing')], max_length=13, verbose_name='what was wrong')),
                ('comment', models.CharField(blank=True, default='', max_length=500, verbose_name='comment')),
                ('response', models.TextField(max_length=8000, verbose_name='right answer')),
                ('intent', models.CharField(max_length=40, verbose_name='right intent')),
                ('escalate', models.BooleanField(default=False, verbose_name='hand to a person')),
                ('action_required', models.BooleanField(default=False, verbose_name='action required')),
                ('locale', models.CharField(choices=[('th', 'Thai'), ('en', 'English')], default='th', max_length=2, verbose_name='language')),
                ('author_name', models.CharField(max_length=150, verbose_name='who')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='when')),
                ('state', models.CharField(choices=[('open', 'To review'), ('approved', 'In the draft'), ('rejected', 'Not used')], db_index=True, default='open', max_length=8, verbose_name='state')),
                ('decided_by_name', models.CharField(blank=True, default='', max_length=150, verbose_name='decided by')),
                ('decided_at', models.DateTimeField(null=True, verbose_name='decided')),
                ('decision', models.CharField(blank=True, default='', max_length=500, verbose_name='why')),
                ('author', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='who')),
                ('case', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='conversations.evaluationcase')),
                ('decided_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('example', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='conversations.example')),
                ('message', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='conversations.message')),
            ],
            options={
                'verbose_name': 'correction',
                'verbose_name_plural': 'corrections',
                'ordering': ['-pk'],
                'default_permissions': ('add', 'change', 'view'),
                'constraints': [models.UniqueConstraint(condition=models.Q(('state', 'rejected'), _negated=True), fields=('message',), name='correction_one_of_message'), models.CheckConstraint(condition=models.Q(('state', 'open'), ('decided_at__isnull', False), _connector='XOR'), name='correction_decided_iff_not_open'), models.CheckConstraint(condition=models.Q(models.Q(('question', ''), _negated=True), models.Q(('response', ''), _negated=True)), name='correction_not_blank')],
            },
        ),
    ]
