"""Known vulnerabilities in constraints.txt by pip-audit: findings fail, a service that cannot be reached does not."""

from __future__ import annotations

import json
import subprocess
import sys

# Each exception: the advisory and why it does not touch Ratoon.
ACCEPTED: dict[str, str] = {}


def main() -> int:
    """Run pip-audit; 1 for findings, 0 with a note where no service answers."""
    ignored = [part for name in ACCEPTED for part in ("--ignore-vuln", name)]
    command = [sys.executable, "-m", "pip_audit", "-r", "constraints.txt", "--no-deps", "--disable-pip"]
    try:
        done = subprocess.run(  # noqa: S603  # our own interpreter, no shell
            [*command, "--format", "json", "--progress-spinner", "off", *ignored],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        found = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, json.JSONDecodeError):
        print("pip-audit: no service that knows of vulnerabilities answered; NOT audited.")
        return 0
    skipped = [each["name"] for each in found if "skip_reason" in each]
    faults = [(each["name"], each["version"], fault) for each in found for fault in each.get("vulns", ())]
    for name, version, fault in faults:
        print(f"{name} {version}: {fault['id']}, mended in {', '.join(fault['fix_versions']) or 'no version yet'}")
    print(f"pip-audit: {len(found) - len(skipped)} packages audited, {len(faults)} findings.")
    if skipped:
        print(f"NOT audited, since the service does not know them: {len(skipped)} packages, such as {skipped[0]}.")
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
