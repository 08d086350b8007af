"""One turn of the loop: what is looked at, decided, learned and scored at one moment.

Plain functions over a `ModelContext`, without Prefect. Live flows, replay and backtest all turn by these.
"""
