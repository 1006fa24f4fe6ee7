"""Where bytes live: SQLite or PostgreSQL for the trace and the views, files for evidence."""
