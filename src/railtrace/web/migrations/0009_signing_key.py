import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ('web', '0008_plans'),
    ]

    operations = [
        migrations.CreateModel(
            name='SigningKey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('secret', models.CharField(max_length=64)),
                ('salt', models.CharField(max_length=64)),
                ('sealed', models.CharField(max_length=128)),
                ('public_key', models.CharField(max_length=64)),
                ('last_step', models.BigIntegerField(default=-1)),
                ('made_at', models.DateTimeField(auto_now=True)),
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='signing_key', to=settings.AUTH_USER_MODEL)),
            ],
        ),
    ]
