"""MLflow's pages as a reviewer uses them: the registry, a version, its aliases and tags."""

from __future__ import annotations

from contextlib import suppress

from browser import Browser, quoted, saying, showing
from selenium.webdriver.common.keys import Keys

_EDIT_ALIASES = f"{showing('Aliases')}/following::*[@title='Edit aliases' or {saying('Add')}][1]"


class MLflowPages:
    """Drives the UI of the MLflow server at *address*."""

    def __init__(self, browser: Browser, address: str) -> None:
        self.browser = browser
        self.address = address

    def open_registry(self) -> None:
        """From the first page, which shows what is for language models, to the registered models."""
        self.browser.open(self.address)
        self.browser.click(showing("Model training"))
        self.browser.click(showing("Model registry"))
        self.browser.find(showing("Registered Models"))
        self._close_what_covers()

    def open_model(self, model: str) -> None:
        self.browser.click(f"//a[{saying(model)}]")
        self.browser.find(showing("Versions"))

    def open_version(self, number: str) -> None:
        self.browser.click(f"//a[{saying(f'Version {number}')}]")
        self.browser.wait(lambda: f"/versions/{number}" in self.browser.driver.current_url or None, "the version opens")
        self.browser.find(_EDIT_ALIASES)

    def aliases(self) -> set[str]:
        """The aliases that the version's page shows."""
        shown = self.browser.all("//button[@title='Edit aliases']/..//*[@role='status']")
        return {each.get_attribute("title") or "" for each in shown}

    def set_alias(self, alias: str) -> None:
        """The pencil beside *Aliases* (*Add* on a version that has none), and the alias chosen in its dialog."""
        self.browser.click(_EDIT_ALIASES)
        box = self.browser.find("//*[@role='dialog']//input[@role='combobox']")
        box.send_keys(alias)
        box.send_keys(Keys.ENTER)
        self.browser.find(f"//*[@role='dialog']//*[@role='status'][@title={quoted(alias)}]")

    def save_aliases(self) -> None:
        self.browser.click(f"//*[@role='dialog']//button[{saying('Save aliases')}]")
        self.browser.wait(lambda: not self.browser.all("//*[@role='dialog']"), "the dialog closes")

    def add_tag(self, name: str, value: str) -> None:
        """The form below the version's tags."""
        self.browser.fill(self.browser.find("//input[@aria-label='tag name']"), name)
        self.browser.fill(self.browser.find("//input[@aria-label='tag value']"), value)
        self.browser.click(f"//form//button[{saying('Add')}]")
        self.browser.find(f"//td[{saying(name)}]")

    def _close_what_covers(self) -> None:
        """MLflow opens an assistant beside the page, and a hint to its switch above it."""
        with suppress(AssertionError):  # in a profile that has not seen it yet
            self.browser.find(showing("Try it now"), seconds=10)
            self.browser.press(Keys.ESCAPE)
        with suppress(AssertionError):
            self.browser.click("//button[@aria-label='Close']", seconds=5)
