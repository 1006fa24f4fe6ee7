"""What the pages keep for people: preferences, filters, tokens, imports. Not the trace."""

import uuid
from datetime import date

from django.conf import settings
from django.db import models
from django.utils.crypto import get_random_string


def new_person_id() -> str:
    """Return a pseudonym: the trace holds this, the name stays erasable here."""
    return "p-" + get_random_string(10, "0123456789abcdefghjkmnpqrstvwxyz")


class Person(models.Model):
    """A user's pseudonym in the trace, and how they like the pages."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="person", primary_key=True
    )
    person_id = models.CharField(max_length=40, unique=True, default=new_person_id)
    language = models.CharField(max_length=5, blank=True)
    theme = models.CharField(max_length=5, blank=True)
    columns = models.JSONField(default=dict)


class RoleAt(models.Model):
    """A person's role at a site, or at every site when it names none, from a day to a day."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="roles")
    role = models.CharField(max_length=40)
    site = models.CharField(max_length=200, blank=True)
    from_day = models.DateField()
    to_day = models.DateField(null=True, blank=True)
    given_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    given_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["site", "from_day", "pk"]

    def holds_on(self, day: date) -> bool:
        """Tell whether the role holds on a day; the last one is included."""
        return self.from_day <= day and (self.to_day is None or day <= self.to_day)

    @property
    def until_text(self) -> str:
        """The last day as people write it."""
        return self.to_day.strftime("%d.%m.%Y") if self.to_day else ""


class Badge(models.Model):
    """A person's badge and PIN for shop terminals; only a keyed hash of each is kept."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="badge")
    mark = models.CharField(max_length=64, unique=True)
    pin = models.CharField(max_length=128)
    set_at = models.DateTimeField(auto_now=True)


class Terminal(models.Model):
    """A tablet or PC at a workplace; the browser there holds a secret of which this is a hash."""

    key = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    site = models.CharField(max_length=200, blank=True)
    workplace = models.CharField(max_length=200, blank=True)
    secret = models.CharField(max_length=64, blank=True, db_index=True)
    code = models.CharField(max_length=64, blank=True)
    code_until = models.DateTimeField(null=True)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    made_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["site", "name"]


class ShiftSession(models.Model):
    """A person at a terminal, until they leave or the shift ends; one at a time."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    terminal = models.ForeignKey(Terminal, models.CASCADE, related_name="+")
    began_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_why = models.CharField(max_length=20, blank=True)
    session_key = models.CharField(max_length=40, db_index=True)

    class Meta:
        ordering = ["-began_at"]
        constraints = [
            models.UniqueConstraint(
                "user", condition=models.Q(ended_at=None), name="one_terminal_at_a_time"
            )
        ]


class AccessEntry(models.Model):
    """Somebody was given a page; a row is never changed, and taken away only by its age."""

    at = models.DateTimeField(db_index=True)
    person = models.CharField(max_length=60, db_index=True)
    terminal = models.CharField(max_length=40, blank=True)
    action = models.CharField(max_length=10)
    page = models.CharField(max_length=60)
    thing = models.CharField(max_length=200, blank=True)
    status = models.IntegerField()


class Notice(models.Model):
    """What somebody must know; `said` is a text to be translated, `values` what stands in it."""

    key = models.CharField(max_length=200, unique=True)
    at = models.DateTimeField(db_index=True)
    said = models.CharField(max_length=400)
    values = models.JSONField(default=dict)
    site = models.CharField(max_length=200, blank=True)
    href = models.CharField(max_length=400, blank=True)
    read_by = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="+")

    class Meta:
        ordering = ["-at", "-pk"]


class NoticeTo(models.Model):
    """Whom a notice is for: the holders of a role, or a person by pseudonym."""

    notice = models.ForeignKey(Notice, models.CASCADE, related_name="to")
    role = models.CharField(max_length=40, blank=True, db_index=True)
    person = models.CharField(max_length=40, blank=True, db_index=True)


class Told(models.Model):
    """How far a log was looked through for what somebody must be told."""

    log = models.CharField(max_length=100, primary_key=True)
    position = models.BigIntegerField()


class SavedFilter(models.Model):
    """A list's filter under a name of the user's own."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="filters")
    page = models.CharField(max_length=40)
    name = models.CharField(max_length=80)
    query = models.CharField(max_length=2000, blank=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint("user", "page", "name", name="one_filter_per_name")
        ]


class FailedAttempt(models.Model):
    """Wrong passwords in a row of one user name at one address; only a hash of the two is kept."""

    key = models.CharField(max_length=64, primary_key=True)
    count = models.IntegerField(default=0)
    last_at = models.DateTimeField()


class ApiToken(models.Model):
    """A key for a machine: only its SHA-256 is kept, the prefix tells which one it is."""

    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=16, unique=True)
    sha256 = models.CharField(max_length=64)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    last_used_on = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]


class ImportJob(models.Model):
    """A spreadsheet on its way into the trace; its files lie in the data folder."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="imports")
    created_at = models.DateTimeField()
    purpose = models.CharField(max_length=40)
    file_name = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField()
    state = models.CharField(max_length=20, default="opening")
    runner = models.CharField(max_length=40, blank=True)
    cancel_asked = models.BooleanField(default=False)
    done = models.IntegerField(default=0)
    total = models.IntegerField(default=0)
    manifest = models.JSONField(default=dict)
    sheet = models.IntegerField(default=0)
    header_row = models.IntegerField(default=0)
    mapping = models.JSONField(default=dict)
    options = models.JSONField(default=dict)
    change = models.JSONField(default=dict)
    result = models.JSONField(default=dict)
    problem = models.JSONField(default=dict)

    class Meta:
        ordering = ["-created_at"]


class ColumnChoice(models.Model):
    """Which column was which, remembered for the next sheet of a user with the same heads."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    fingerprint = models.CharField(max_length=64)
    mapping = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint("user", "fingerprint", name="one_choice_per_header")
        ]


class DepotPlan(models.Model):
    """A plan of a depot under a name: a question, not a fact, so not in the trace."""

    name = models.CharField(max_length=120)
    site = models.CharField(max_length=200, blank=True)
    body = models.JSONField(default=dict)
    person = models.CharField(max_length=40, blank=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name", "pk"]


class WeekPlan(models.Model):
    """A week of a site: the draft that is worked on, or one that was agreed and sealed."""

    site = models.CharField(max_length=200)
    body = models.JSONField(default=dict)
    person = models.CharField(max_length=40, blank=True)
    changed_at = models.DateTimeField(auto_now=True)
    agreed_at = models.DateTimeField(null=True)
    sealed = models.CharField(max_length=100, blank=True)

    class Meta:
        ordering = ["-agreed_at", "-pk"]


class SigningKey(models.Model):
    """A person's key for decisions, sealed under their password; the code is a second lock."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="signing_key"
    )
    secret = models.CharField(max_length=64)
    salt = models.CharField(max_length=64)
    sealed = models.CharField(max_length=128)
    public_key = models.CharField(max_length=64)
    last_step = models.BigIntegerField(default=-1)
    made_at = models.DateTimeField(auto_now=True)
    entry = models.CharField(max_length=100, default="")
    """The entry in which its owner named it; "" of a key made before there were such entries."""


class Passkey(models.Model):
    """A person's passkey for decisions: its public half, and for which host it was made."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="passkeys")
    name = models.CharField(max_length=60)
    credential = models.CharField(max_length=1400, unique=True)
    public_key = models.CharField(max_length=100)
    host = models.CharField(max_length=253)
    count = models.BigIntegerField(default=0)
    synced = models.BooleanField(default=False)
    entry = models.CharField(max_length=100)
    made_at = models.DateTimeField(auto_now_add=True)
    used_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["made_at"]


class AskedDecision(models.Model):
    """A decision as a passkey was asked to sign it; it is kept until it is signed, or minutes."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    key = models.CharField(max_length=40, unique=True)
    operation = models.TextField()
    content = models.BinaryField()
    asked_at = models.DateTimeField()
