"""Running an installation: serving, backing up, upgrading, watching, the demo."""
