"""The command `manage.py up`: starts, supervises and stops all of csbot on one machine."""
