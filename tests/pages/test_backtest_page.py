"""The backtest's page in a browser: what its scripts add to what the page shows without them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from arms import arm, backtest, seven, step
from browser import Browser, chromium
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from ratoon.backtest.page import write_page

pytestmark = pytest.mark.slow
EVIL = "<img src=x onerror=\"document.title='run'\"> lasted 3 of 4 windows"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    folder = tmp_path_factory.mktemp("page")
    steps = (step(0), step(1, action="warm_start", outcome="refused", reason=EVIL), step(2, action="alert"))
    policy = arm("policy", "policy", 0.754, 9, 3.1, steps=steps)
    write_page(backtest(policy, *seven()[1:]), folder / "page.html")
    with chromium(folder / "shots", folder / "profile") as opened:
        opened.open((folder / "page.html").as_uri())
        yield opened


def shown(browser: Browser, css: str) -> list[str]:
    return [each.text for each in browser.driver.find_elements(By.CSS_SELECTOR, css) if each.is_displayed()]


def walk(browser: Browser, chart: str, *keys: str) -> str:
    browser.driver.execute_script("document.querySelector(arguments[0]).focus()", f"{chart} svg")
    browser.press(*keys)
    return shown(browser, f"{chart} .tip")[0]


def test_a_point_tells_its_reasons_to_who_taps_it(browser: Browser) -> None:
    """On a phone the tip stays within the screen, and no text in it becomes markup."""
    screen = {"width": 390, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    find = "document.querySelectorAll('#chart-time g[data-series=policy] > svg')[0]"
    browser.driver.execute_script(f"{find}.scrollIntoView({{block: 'center'}})")
    browser.driver.execute_script(
        f"const box = {find}.getBoundingClientRect();"
        "document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2).dispatchEvent(new MouseEvent('click',"
        "{bubbles: true, clientX: box.x + box.width / 2, clientY: box.y + box.height / 2}))"
    )
    text = shown(browser, "#chart-time .tip")[0]
    box = browser.driver.execute_script(
        "const b = document.querySelector('#chart-time .tip').getBoundingClientRect(); return [b.left, b.right]"
    )
    wide = browser.driver.execute_script("return document.documentElement.scrollWidth")
    browser.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})

    assert text.startswith("warm_start: refused") and " ".join(EVIL.split()) in " ".join(text.split())
    assert browser.driver.title == "Backtest of churn"
    assert box[0] >= 0 and box[1] <= 390 and wide == 390


def test_arrow_keys_walk_along_an_arm_and_to_the_next(browser: Browser) -> None:
    first = walk(browser, "#chart-cost", Keys.ARROW_RIGHT)
    second = walk(browser, "#chart-cost", Keys.ARROW_RIGHT)
    browser.press(Keys.ESCAPE)

    assert first.startswith("never") and second.startswith("policy")  # by what they cost
    assert not shown(browser, ".tip")


def test_the_legend_shows_and_hides_an_arm(browser: Browser) -> None:
    assert not shown(browser, "#chart-time [data-series=oracle]")
    for box in browser.driver.find_elements(By.CSS_SELECTOR, ".legend input"):
        box.click()

    assert {each.get_attribute("data-series") for each in browser.driver.find_elements(
        By.CSS_SELECTOR, "#chart-time [data-series]") if each.is_displayed()} == {"oracle"}  # fmt: skip
    assert walk(browser, "#chart-time", Keys.ARROW_RIGHT).startswith("oracle")


def test_names_of_the_cost_chart_do_not_cover_one_another(browser: Browser) -> None:
    boxes = browser.driver.execute_script(
        "return [...document.querySelectorAll('#chart-cost .name')].map((each) => {"
        "const b = each.getBoundingClientRect(); return [b.left, b.top, b.right, b.bottom]; })"
    )
    over = [
        (a, b)
        for n, a in enumerate(boxes)
        for b in boxes[:n]
        if min(a[2], b[2]) - max(a[0], b[0]) > 2 and min(a[3], b[3]) - max(a[1], b[1]) > 2
    ]

    assert len(boxes) == 7 and not over
