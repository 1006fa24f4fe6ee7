"""What the command line asks of the web's own database; `open_web()` comes first."""

import os

import django


def open_web(migrated: bool = True) -> None:
    """Load Django with this installation's settings, its tables up to date."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "railtrace.web.settings")
    django.setup()
    if migrated:
        migrate()


def migrate() -> None:
    """Bring the web's tables up to date and make the groups of all roles."""
    from django.core.management import call_command

    from railtrace.web.roles import make_groups

    call_command("migrate", verbosity=0, interactive=False)
    make_groups()


def demo_logins() -> list[tuple[str, str, str]]:
    """Make the demo's users; return (role, user name, password)."""
    from railtrace.web.accounts import demo_users

    return [(login.role, login.username, login.password) for login in demo_users()]
