"""The WSGI application that `railtrace serve` runs."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "railtrace.web.settings")
application = get_wsgi_application()
