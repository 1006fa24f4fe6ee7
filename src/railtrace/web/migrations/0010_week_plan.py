from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('web', '0009_signing_key'),
    ]

    operations = [
        migrations.CreateModel(
            name='WeekPlan',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('site', models.CharField(max_length=200)),
                ('body', models.JSONField(default=dict)),
                ('person', models.CharField(blank=True, max_length=40)),
                ('changed_at', models.DateTimeField(auto_now=True)),
                ('agreed_at', models.DateTimeField(null=True)),
                ('sealed', models.CharField(blank=True, max_length=100)),
            ],
            options={
                'ordering': ['-agreed_at', '-pk'],
            },
        ),
    ]
