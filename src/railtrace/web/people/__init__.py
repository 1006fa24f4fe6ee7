"""People: roles as data, per site and with dates; terminals, notices, who looked at what."""
