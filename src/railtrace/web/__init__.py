"""The pages people see: Django, and nothing above it. Only this package imports Django."""
