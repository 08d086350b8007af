"""Prefect's pages as an operator uses them: a deployment, its custom-run form, a run with its artifacts."""

from __future__ import annotations

from browser import Browser, saying, showing
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.select import Select

ENDED = "(Completed|Failed|Crashed|Cancelled)"


class PrefectPages:
    """Drives the UI of the Prefect server at *address*."""

    def __init__(self, browser: Browser, address: str) -> None:
        self.browser = browser
        self.address = address

    def sign_in(self, password: str) -> None:
        """As the page asks for it before anything else; the browser keeps it."""
        self.browser.open(self.address)
        self.browser.fill(self.browser.find("//input[@type='password']"), password)
        self.browser.press(Keys.ENTER)
        self.browser.find(f"//a[{saying('Deployments')}]")

    def open_deployment(self, flow: str, name: str) -> None:
        """From the server's first page by the navigation to the deployment *name* of *flow*."""
        self.browser.open(self.address)
        self.browser.click(f"//a[{saying('Deployments')}]")
        self.browser.find(f"//*[{saying('Deployments')}]")
        row = f"//tr[.//*[{saying(flow)}]]//a[{saying(name)}]"
        self.browser.click(row)
        self.browser.read(rf"Flow\s+{flow}")

    def open_custom_run(self) -> None:
        self.browser.click(f"//button[{saying('Run')}]")
        self.browser.click(f"//*[{saying('Custom run')}]")
        self.browser.find(f"//form//button[{saying('Submit')}]")

    def field(self, label: str, kind: str = "textarea") -> WebElement:
        """The control below the label that says *label*, required or not."""
        named = f"span[{saying(label)} or {saying(f'{label} (Optional)')}]"
        return self.browser.find(f"//form//label[.//{named} or ./{named}]/following::{kind}[1]")

    def labels(self) -> list[str]:
        """The parameters that the form asks for, as it words them."""
        within = "//form//h3[normalize-space(.)='Parameters']/following::label[.//span]"
        found = [each.text.strip() for each in self.browser.all(within)]
        return [each for each in found if each != "Validate parameters"]

    def write(self, label: str, text: str, kind: str = "textarea") -> None:
        self.browser.fill(self.field(label, kind), text)

    def choose(self, label: str, option: str) -> None:
        chosen = Select(self.field(label, "select"))
        chosen.select_by_visible_text(option)

    def options(self, label: str) -> list[str]:
        return [each.text for each in Select(self.field(label, "select")).options]

    def submit(self) -> None:
        self.browser.click(f"//form//button[{saying('Submit')}]")

    def open_new_run(self) -> None:
        """From the note that the form leaves after it was submitted to the run that it made."""
        self.browser.click("//a[contains(@href, '/runs/flow-run/')]")
        self.browser.wait(lambda: "/runs/flow-run/" in self.browser.driver.current_url or None, "the run's page opens")
        self.browser.read(r"Logs\nTask Runs")

    def watch(self, *, seconds: float) -> str:
        """Wait on the run's page until it ended; returns the state that the page shows."""
        return self.browser.read(rf"(?m)^{ENDED}$", seconds=seconds).group(1)

    def title(self) -> str:
        """The run's name, which tells what came of it."""
        return self.browser.read(rf"(?m)^Runs\n(?:/\n)?(.+)\n(?:.+\n){{0,4}}?{ENDED}$").group(1)

    def open_tab(self, name: str) -> None:
        self.browser.click(showing(name))

    def open_artifact(self, key: str) -> None:
        """From the run's tab *Artifacts* to one of them."""
        self.open_tab("Artifacts")
        self.browser.click(f"//a[contains(@href, '/artifacts/')][{saying(key)} or .{showing(key)}]")
        self.browser.wait(lambda: "/artifacts/" in self.browser.driver.current_url or None, f"the artifact {key} opens")
