"""Releases: what staff edit is a draft; customers meet an immutable, numbered snapshot of it."""

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

DRAFT = ("instruction", "intent", "fact", "example", "profile")
KEPT = {
    "release": ("author_id", "check_state", "checked_at", "check_summary", "is_live"),
    "publication": ("by_id",),
    "auditentry": ("actor_id",),
}

# Customers meet a release, so the stamp is new only when another one is live. What staff edit changes nothing yet.
STAMP_RELEASES = (
    "".join(f"DROP TRIGGER {table}_stamps_playbook ON conversations_{table};\n" for table in DRAFT[:4])
    + """
CREATE TRIGGER release_stamps_playbook AFTER UPDATE OF is_live OR DELETE OR TRUNCATE ON conversations_release
    FOR EACH STATEMENT EXECUTE FUNCTION csbot_stamp_playbook();
CREATE TRIGGER live_release_stamps_playbook AFTER INSERT ON conversations_release
    FOR EACH ROW WHEN (NEW.is_live) EXECUTE FUNCTION csbot_stamp_playbook();
"""
)
STAMP_DRAFTS = """
DROP TRIGGER release_stamps_playbook ON conversations_release;
DROP TRIGGER live_release_stamps_playbook ON conversations_release;
""" + "".join(
    f"""
CREATE TRIGGER {table}_stamps_playbook AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON conversations_{table}
    FOR EACH STATEMENT EXECUTE FUNCTION csbot_stamp_playbook();
"""
    for table in DRAFT[:4]
)

# A save that knows the number raises it itself; what doesn't (bulk updates, psql) raises it here.
COUNT_EDITS = """
CREATE FUNCTION csbot_count_edit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.edit_version := OLD.edit_version + 1;
    RETURN NEW;
END
$$;
""" + "".join(
    f"""
CREATE TRIGGER {table}_counts_edits BEFORE UPDATE ON conversations_{table}
    FOR EACH ROW WHEN (OLD IS DISTINCT FROM NEW AND OLD.edit_version = NEW.edit_version)
    EXECUTE FUNCTION csbot_count_edit();
"""
    for table in DRAFT
)
COUNT_NO_EDITS = "DROP FUNCTION csbot_count_edit() CASCADE"

# Who may change what is kept: nobody. The arguments are the columns that may change all the same.
KEEP = """
CREATE FUNCTION csbot_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR to_jsonb(NEW) - TG_ARGV IS DISTINCT FROM to_jsonb(OLD) - TG_ARGV THEN
        RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
""" + "".join(
    f"""
CREATE TRIGGER {table}_is_kept BEFORE UPDATE OR DELETE ON conversations_{table}
    FOR EACH ROW EXECUTE FUNCTION csbot_keep({", ".join(repr(column) for column in columns)});
"""
    for table, columns in KEPT.items()
)
KEEP_NOT = "DROP FUNCTION csbot_keep() CASCADE"

# As the starter playbook has them; the usual one is the second.
PROFILES = (
    ("chat", "คุยทั่วไป", "General chat", 0.5, 0.85, 0.1),
    ("fewshot_json", "ตอบตามตัวอย่าง (JSON)", "Few-shot JSON", 0.2, 1.0, 0.0),
    ("precise", "งานที่ต้องแม่นยำ", "Precise work", 0.2, 0.9, 0.0),
    ("reasoning", "คิดทีละขั้น", "Reasoning", 0.3, 1.0, 0.0),
)
FIELDS = ("temperature", "top_p", "frequency_penalty", "max_tokens", "is_thinking")


def move_sampling_to_profiles(apps, schema_editor):
    """Give a shop that has an instruction the profiles, and one of its own where it had changed the sampling."""
    Instruction, Profile = (apps.get_model("conversations", name) for name in ("Instruction", "Profile"))
    instruction = Instruction.objects.first()
    if instruction is None:
        return
    for key, name_th, name_en, temperature, top_p, penalty in PROFILES:
        Profile.objects.create(
            key=key, name_th=name_th, name_en=name_en, temperature=temperature, top_p=top_p, frequency_penalty=penalty
        )
    sampling = {field: getattr(instruction, field) for field in FIELDS}
    same = Profile.objects.filter(**sampling).order_by("-key").first()
    usual = same or Profile.objects.create(key="usual", name_th="แบบเดิมของร้าน", name_en="The shop's own", **sampling)
    Instruction.objects.update(profile=usual)


def move_sampling_to_instruction(apps, schema_editor):
    """Give the instruction back what its profile says."""
    Instruction = apps.get_model("conversations", "Instruction")
    for instruction in Instruction.objects.exclude(profile=None).select_related("profile"):
        sampling = {field: getattr(instruction.profile, field) for field in FIELDS}
        Instruction.objects.filter(pk=instruction.pk).update(**sampling)


# A table with rows whose references were not looked at yet can't be altered.
LOOK_NOW = "SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED"


class Migration(migrations.Migration):
    dependencies = [
        ("conversations", "0005_ids_of_what_agents_write"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='AuditEntry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(db_index=True, default=django.utils.timezone.now, verbose_name='when')),
                ('actor_name', models.CharField(blank=True, default='', max_length=150, verbose_name='who')),
                ('verb', models.CharField(choices=[('add', 'added'), ('change', 'changed'), ('delete', 'deleted'), ('import', 'imported'), ('approve', 'approved'), ('reject', 'rejected'), ('freeze', 'made a release'), ('check', 'checked'), ('publish', 'published'), ('override', 'published without a passed check'), ('rollback', 'rolled back'), ('reset', 'took the draft back')], max_length=10, verbose_name='what')),
                ('object_type', models.CharField(max_length=60, verbose_name='kind')),
                ('object_id', models.CharField(blank=True, default='', max_length=40)),
                ('object_name', models.CharField(blank=True, default='', max_length=200, verbose_name='name')),
                ('changes', models.JSONField(blank=True, default=dict, verbose_name='changes')),
                ('reason', models.CharField(blank=True, default='', max_length=500, verbose_name='why')),
            ],
            options={
                'verbose_name': 'audit entry',
                'verbose_name_plural': 'audit log',
                'ordering': ['-pk'],
                'default_permissions': ('view',),
            },
        ),
        migrations.CreateModel(
            name='Profile',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('edit_version', models.PositiveIntegerField(default=0, editable=False, verbose_name='edit number')),
                ('key', models.CharField(max_length=40, unique=True, validators=[django.core.validators.RegexValidator('^[a-z][a-z0-9_]*\\Z', 'Small letters, digits and underscores, such as my_profile.')], verbose_name='key')),
                ('name_th', models.CharField(max_length=80, verbose_name='name in Thai')),
                ('name_en', models.CharField(max_length=80, verbose_name='name in English')),
                ('temperature', models.FloatField(default=0.2, help_text='0 to 2. Low is steady, high is varied. 0.2 suits answers in a fixed form.', validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(2)], verbose_name='temperature')),
                ('top_p', models.FloatField(default=1.0, help_text='0.01 to 1.', validators=[django.core.validators.MinValueValidator(0.01), django.core.validators.MaxValueValidator(1)], verbose_name='top p')),
                ('frequency_penalty', models.FloatField(default=0.0, help_text='-2 to 2. Above 0 it avoids repeating itself.', validators=[django.core.validators.MinValueValidator(-2), django.core.validators.MaxValueValidator(2)], verbose_name='frequency penalty')),
                ('max_tokens', models.PositiveIntegerField(default=800, validators=[django.core.validators.MinValueValidator(50), django.core.validators.MaxValueValidator(8000)], verbose_name='longest answer (tokens)')),
                ('is_thinking', models.BooleanField(default=False, help_text='Slower and dearer; the temperature is then ignored.', verbose_name='think first')),
            ],
            options={
                'verbose_name': 'sampling profile',
                'verbose_name_plural': 'sampling profiles',
                'ordering': ['key'],
            },
        ),
        migrations.CreateModel(
            name='Publication',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('by_name', models.CharField(blank=True, default='', max_length=150, verbose_name='who')),
                ('at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='when')),
                ('kind', models.CharField(choices=[('first', 'First release'), ('publish', 'Published'), ('override', 'Published without a passed check'), ('rollback', 'Rolled back')], max_length=8, verbose_name='how')),
                ('reason', models.CharField(blank=True, default='', max_length=500, verbose_name='why')),
            ],
            options={
                'verbose_name': 'publication',
                'verbose_name_plural': 'publications',
                'ordering': ['-pk'],
                'default_permissions': ('view',),
            },
        ),
        migrations.CreateModel(
            name='Release',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField(editable=False, unique=True, verbose_name='number')),
                ('content', models.JSONField(editable=False)),
                ('content_hash', models.CharField(editable=False, max_length=64, unique=True, verbose_name='content hash')),
                ('author_name', models.CharField(blank=True, default='', editable=False, max_length=150, verbose_name='who')),
                ('comment', models.CharField(blank=True, default='', max_length=500, verbose_name='what is new')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='made')),
                ('check_state', models.CharField(choices=[('unchecked', 'Not checked'), ('green', 'Passed'), ('red', 'Failed')], default='unchecked', editable=False, max_length=9, verbose_name='check')),
                ('checked_at', models.DateTimeField(editable=False, null=True, verbose_name='checked')),
                ('check_summary', models.JSONField(default=dict, editable=False)),
                ('is_live', models.BooleanField(default=False, editable=False, verbose_name='live')),
            ],
            options={
                'verbose_name': 'release',
                'verbose_name_plural': 'releases',
                'ordering': ['-number'],
                'permissions': [('publish_release', 'Can publish and roll back releases')],
                'default_permissions': ('view',),
            },
        ),
        migrations.AddField(
            model_name='example',
            name='edit_version',
            field=models.PositiveIntegerField(default=0, editable=False, verbose_name='edit number'),
        ),
        migrations.AddField(
            model_name='example',
            name='is_pinned',
            field=models.BooleanField(default=True, help_text="Off: shown only where it is among the nearest to the customer's question.", verbose_name='always shown to the model'),
        ),
        migrations.AddField(
            model_name='example',
            name='tags',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=40), blank=True, default=list, help_text='Words to find it by, with commas between.', size=None, verbose_name='tags'),
        ),
        migrations.AddField(
            model_name='fact',
            name='edit_version',
            field=models.PositiveIntegerField(default=0, editable=False, verbose_name='edit number'),
        ),
        migrations.AddField(
            model_name='instruction',
            name='edit_version',
            field=models.PositiveIntegerField(default=0, editable=False, verbose_name='edit number'),
        ),
        migrations.AddField(
            model_name='intent',
            name='edit_version',
            field=models.PositiveIntegerField(default=0, editable=False, verbose_name='edit number'),
        ),
        migrations.AddField(
            model_name='intent',
            name='is_reusable',
            field=models.BooleanField(default=False, help_text='The same question gets the same answer again without asking the model. Not for what changes.', verbose_name='answers may be reused'),
        ),
        migrations.AddField(
            model_name='intent',
            name='needs_person',
            field=models.BooleanField(default=False, help_text='The bot answers, and hands the conversation over.', verbose_name='a person must always see it'),
        ),
        migrations.AddField(
            model_name='intent',
            name='on_action',
            field=models.CharField(choices=[('note', 'Only mark the reply'), ('escalate', 'Hand to a person')], default='note', max_length=8, verbose_name='when something must be done'),
        ),
        migrations.AlterField(
            model_name='rollout',
            name='canary',
            field=models.ForeignKey(blank=True, help_text='The model that is tried. Empty: the same models, with another release of the playbook.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='rollouts', to='conversations.languagemodel', verbose_name='canary'),
        ),
        migrations.AddField(
            model_name='auditentry',
            name='actor',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='who'),
        ),
        migrations.AddConstraint(
            model_name='profile',
            constraint=models.CheckConstraint(condition=models.Q(('key', ''), _negated=True), name='playbook_profile_key_not_blank'),
        ),
        migrations.AddConstraint(
            model_name='profile',
            constraint=models.CheckConstraint(condition=models.Q(('frequency_penalty__range', (-2, 2)), ('max_tokens__gte', 1), ('temperature__range', (0, 2)), ('top_p__gt', 0), ('top_p__lte', 1)), name='playbook_profile_in_range'),
        ),
        migrations.AddField(
            model_name='instruction',
            name='profile',
            field=models.ForeignKey(help_text='How the model picks its words where an intent says nothing else.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='conversations.profile', verbose_name='usual sampling profile'),
        ),
        migrations.AddField(
            model_name='intent',
            name='profile',
            field=models.ForeignKey(blank=True, help_text='Empty: the usual one.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='conversations.profile', verbose_name='sampling profile'),
        ),
        migrations.AddField(
            model_name='publication',
            name='by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='who'),
        ),
        migrations.AddField(
            model_name='release',
            name='author',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='who'),
        ),
        migrations.AddField(
            model_name='publication',
            name='previous',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='conversations.release', verbose_name='before'),
        ),
        migrations.AddField(
            model_name='publication',
            name='release',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='publications', to='conversations.release', verbose_name='release'),
        ),
        migrations.AddField(
            model_name='rollout',
            name='release',
            field=models.ForeignKey(blank=True, help_text="The release that the canary's conversations get. Empty: the live one.", null=True, on_delete=django.db.models.deletion.PROTECT, related_name='rollouts', to='conversations.release', verbose_name='release'),
        ),
        migrations.AddConstraint(
            model_name='rollout',
            constraint=models.CheckConstraint(condition=models.Q(('canary__isnull', False), ('release__isnull', False), _connector='OR'), name='rollout_tries_something', violation_error_message='Choose a model, a release, or both: what shall be tried?'),
        ),
        migrations.AddIndex(
            model_name='auditentry',
            index=models.Index(fields=['object_type', 'object_id', '-id'], name='audit_of_object'),
        ),
        migrations.AddConstraint(
            model_name='release',
            constraint=models.UniqueConstraint(models.Value(1), condition=models.Q(('is_live', True)), name='release_one_live'),
        ),
        migrations.RunSQL(migrations.RunSQL.noop, LOOK_NOW),
        migrations.RunPython(move_sampling_to_profiles, move_sampling_to_instruction),
        migrations.RunSQL(LOOK_NOW, migrations.RunSQL.noop),
        migrations.RemoveConstraint(
            model_name='instruction',
            name='instruction_sampling_in_range',
        ),
        migrations.RemoveField(
            model_name='instruction',
            name='frequency_penalty',
        ),
        migrations.RemoveField(
            model_name='instruction',
            name='is_thinking',
        ),
        migrations.RemoveField(
            model_name='instruction',
            name='max_tokens',
        ),
        migrations.RemoveField(
            model_name='instruction',
            name='temperature',
        ),
        migrations.RemoveField(
            model_name='instruction',
            name='top_p',
        ),
        migrations.RunSQL(STAMP_RELEASES, STAMP_DRAFTS),
        migrations.RunSQL(COUNT_EDITS, COUNT_NO_EDITS),
        migrations.RunSQL(KEEP, KEEP_NOT),
    ]
