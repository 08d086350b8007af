"""Monitors: what can be measured about one window, as Signals.

`observe` runs the monitors over a current window against the champion's reference window:

    quality        our own screen for broken data; it needs no engine and runs first
    drift          the distance of each column's distribution, by our calibrated PSI; Evidently draws it
    performance    the task's metric on matured labels, with an interval, against the accepted reference
    estimate       that metric without labels, from the champion's calibrated confidence, where labels are late

and `workspace.keep` puts Evidently's snapshots where `evidently ui` opens them. Evidently is imported only
in this room, and only when a page is drawn (it costs seconds). A monitor says what it saw; what that means is
the policy's business.
"""

from __future__ import annotations

import os

# Any value turns Evidently's telemetry off; it is read when Evidently is imported.
os.environ.setdefault("DO_NOT_TRACK", "1")
