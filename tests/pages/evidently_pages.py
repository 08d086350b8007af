"""Evidently's pages as an engineer uses them: a project, its dashboard over time, the reports of one window."""

from __future__ import annotations

from browser import Browser, quoted, showing


class EvidentlyPages:
    """Drives `evidently ui` at *address*."""

    def __init__(self, browser: Browser, address: str) -> None:
        self.browser = browser
        self.address = address

    def open_project(self, model: str) -> None:
        self.browser.open(self.address)
        self.browser.click(showing(model))
        self.browser.find(showing("Dashboard"))

    def open_reports(self) -> None:
        self.browser.click(showing("Reports"))
        self.browser.find(showing("Timestamp"))

    def open_report(self, title: str) -> None:
        """The row whose name begins with *title* has a button *View*."""
        row = f"//tr[contains(normalize-space(.), {quoted(title)})]"
        self.browser.click(f"({row}//*[text()[normalize-space(.)='View']])[1]")
        self.browser.wait(lambda: "/reports/" in self.browser.driver.current_url or None, f"{title} opens")
