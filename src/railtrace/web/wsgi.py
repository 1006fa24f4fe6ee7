"""The WSGI application that `railtrace serve` runs."""

import os
from importlib import import_module

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "railtrace.web.settings")
_django = get_wsgi_application()
application = import_module("railtrace.web.api.plain").plain_first(_django)
