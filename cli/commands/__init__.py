"""One file for what each command does; `cli/main.py` has their options."""
