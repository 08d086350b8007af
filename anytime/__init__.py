"""Evidence that may be looked at after every row: intervals and bets that hold at all times at once.

`normal.py` for means of many rows, `betting.py` for bounded losses that are rare. Only numbers come in, only numbers
go out: no other room is imported here.
"""
