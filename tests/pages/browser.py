"""A headless Chromium that is driven by what a person sees: roles, labels and texts, never generated class names."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import pytest
from selenium import webdriver
from selenium.common.exceptions import (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    NoSuchElementException,
    StaleElementReferenceException,
)
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

T = TypeVar("T")

FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage",
    "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-default-apps", "--disable-extensions", "--window-size=1440,1400",
    # A page that wants another host is written down (`outside`) and gets nothing: what works here works offline.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)  # fmt: skip

_FOLDING = (StaleElementReferenceException, ElementClickInterceptedException, ElementNotInteractableException)


class Browser:
    """One window of Chromium. Screenshots are numbered in the order in which the walk takes them."""

    def __init__(self, driver: webdriver.Chrome, shots: Path) -> None:
        self.driver = driver
        self.shots = shots
        self.wanted: dict[str, set[str]] = {}  # host outside of this machine -> pages that asked for it
        self._page = ""
        self._count = 0

    # -- going ---------------------------------------------------------------------------------------

    def open(self, address: str) -> None:
        self._note_requests()
        self._page = address
        self.driver.get(address)

    def refresh(self) -> None:
        self.driver.refresh()

    # -- finding -------------------------------------------------------------------------------------

    def all(self, xpath: str, within: WebElement | None = None) -> list[WebElement]:
        """What is visible now."""
        found = (within or self.driver).find_elements(By.XPATH, xpath)
        return [each for each in found if each.is_displayed()]

    def find(self, xpath: str, *, seconds: float = 180, within: WebElement | None = None) -> WebElement:
        """The first visible element, waited for."""
        return self.wait(lambda: next(iter(self.all(xpath, within)), None), f"{xpath} is shown", seconds)

    def sees(self, text: str) -> bool:
        return _flat(text) in _flat(self.text())

    def text(self) -> str:
        """All that the page shows as text, as its reader would select it."""
        return str(self.driver.execute_script("return document.body ? document.body.innerText : ''"))

    def read(self, pattern: str, *, seconds: float = 180) -> re.Match[str]:
        """Wait until the page's text has a match."""
        return self.wait(lambda: re.search(pattern, self.text()), f"the page says {pattern!r}", seconds)

    def wait(self, true: Callable[[], T | None], what: str, seconds: float = 180) -> T:
        """Ask until it is true; what a page redraws meanwhile is asked again."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                if found := true():
                    return found
            except (*_FOLDING, NoSuchElementException):
                pass
            time.sleep(0.25)
        raise AssertionError(
            f"after {seconds:g} s not: {what}\nat {self.driver.current_url}, which says:\n{self.text()[:3000]}"
        )

    # -- doing ---------------------------------------------------------------------------------------

    def click(self, xpath: str, *, seconds: float = 180, within: WebElement | None = None) -> None:
        def clicked() -> bool:
            found = self.find(xpath, seconds=5, within=within)
            self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", found)
            found.click()
            return True

        self.wait(lambda: _or_none(clicked), f"{xpath} is clicked", seconds)

    def fill(self, field: WebElement, text: str) -> None:
        """Replace what the field holds, by the keyboard."""
        field.click()
        field.send_keys(Keys.CONTROL, "a")
        field.send_keys(text)

    def press(self, *keys: str) -> None:
        self.driver.switch_to.active_element.send_keys(*keys)

    # -- keeping -------------------------------------------------------------------------------------

    def shoot(self, name: str) -> Path:
        """Keep what is on the screen as `NN-name.png`, with the text beside it."""
        self._count += 1
        place = self.shots / f"{self._count:02d}-{name}.png"
        self.driver.save_screenshot(str(place))
        place.with_suffix(".txt").write_text(f"{self.driver.current_url}\n\n{self.text()}\n")
        return place

    def outside(self) -> dict[str, set[str]]:
        """Hosts other than this machine that pages asked for, each with the pages that did."""
        self._note_requests()
        return self.wanted

    def _note_requests(self) -> None:
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                asked = message["params"]["request"]["url"]
            elif message["method"] == "Network.webSocketCreated":
                asked = message["params"]["url"]
            else:
                continue
            host = urlsplit(asked).hostname
            if host and host != "127.0.0.1" and urlsplit(asked).scheme in ("http", "https", "ws", "wss"):
                self.wanted.setdefault(host, set()).add(self._page)


@contextmanager
def chromium(shots: Path, profile: Path) -> Iterator[Browser]:
    """Start Chromium with a fresh *profile*; on an error the last screen is kept as `NN-failed.png`.

    Skips where this machine has no Chromium or no chromedriver.
    """
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if program is None or driver is None:
        pytest.skip("no Chromium with chromedriver on this machine: install chromium and chromium-driver")
    shots.mkdir(parents=True, exist_ok=True)
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    started = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver, env=kept))
    started.set_page_load_timeout(120)
    browser = Browser(started, shots)
    try:
        yield browser
    finally:
        started.quit()


def quoted(text: str) -> str:
    """*text* as a literal in XPath."""
    return f'"{text}"' if '"' not in text else f"'{text}'"


def saying(text: str) -> str:
    """XPath condition: the element's whole text is *text*, spaces aside."""
    return f"normalize-space(.)={quoted(text)}"


def showing(text: str) -> str:
    """XPath of the innermost element that shows just *text*, whatever its tag."""
    return f"//*[text()[normalize-space(.)={quoted(text)}]]"


def _flat(text: str) -> str:
    return " ".join(text.split())


def _or_none(do: Callable[[], T]) -> T | None:
    try:
        return do()
    except AssertionError:
        return None
