"""The page in people's hands: in two languages, on a phone, by keyboard alone, with a browser that asks for no motion."""

import base64
import re
import time

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from cells import PATIENCE, PHONE, SCREEN, until_up
from page import Page
from world import LANE, PASSWORD, RIG, World, need

# What has the focus, and how that is seen.
FOCUS = """
const it = document.activeElement;
if (!it || it === document.body) return null;
const style = getComputedStyle(it), box = it.getBoundingClientRect();
const order = Array.from(document.querySelectorAll('a[href], input:not([type=hidden]), button, select, textarea, [tabindex]'));
return {
  tag: it.tagName, name: it.name || '', text: (it.innerText || it.value || '').trim().slice(0, 40),
  href: it.getAttribute('href') || '', action: it.getAttribute('formaction') || (it.form ? it.form.getAttribute('action') : '') || '',
  outline: style.outlineStyle === 'none' ? 0 : parseFloat(style.outlineWidth),
  inside: box.top < innerHeight && box.bottom > 0 && box.left < innerWidth && box.right > 0,
  place: order.indexOf(it), forced: order.filter((other) => other.tabIndex > 0).length,
};
"""
PAGES = ["/", f"/lane/{LANE}", f"/rig/{RIG}", "/history", "/stats", "/sign-in"]
CJK = re.compile("[一-鿿]")


class Hands:
    """Tab, Enter and the letters; nothing else is touched."""

    def __init__(self, page):
        self.page, self.driver, self.stops = page, page.driver, 0

    def press(self, *keys):
        self.driver.switch_to.active_element.send_keys(*keys)

    def focus(self):
        return self.driver.execute_script(FOCUS)

    def tab_to(self, what, wanted, most=60):
        """Tabs until the focus is where it is wanted; every stop on the way is seen, and they come in order."""
        last = None
        for _ in range(most):
            now = self.focus()
            if now:
                self.stops += 1
                need(now["forced"] == 0, "a tabindex forces another order")
                need(now["outline"] >= 2, f"the focus on {now} is not seen")
                need(now["inside"], f"the focus on {now} is out of sight")
                need(last is None or now["place"] > last, f"the focus jumps back to {now}")
                if wanted(now):
                    return now
                last = now["place"]
            self.press(Keys.TAB)
        raise AssertionError(f"{what}: not within {most} stops; the focus is on {self.focus()}")

    def until(self, what, condition, within=PATIENCE):
        begun = time.monotonic()
        while True:
            found = condition()
            if found:
                return found
            need(time.monotonic() - begun < within, f"{what}: not within {within} s on {self.driver.current_url}: {self.page.look()}")
            time.sleep(0.1)


def path_of(page):
    return re.sub(r"^https?://[^/]+", "", page.driver.current_url)


def keyboard(world, page):
    """Sign in, begin a run with a sample number, stop it, open its record, print its slip."""
    hands = Hands(page)
    page.open(f"{world.url}/rig/{RIG}?lang=en")
    hands.tab_to("the way to sign in", lambda it: it["tag"] == "A" and it["href"].startswith("/sign-in"))
    hands.press(Keys.ENTER)
    hands.until("the form", lambda: path_of(page).startswith("/sign-in") and (hands.focus() or {}).get("name") == "name")
    hands.press("lina", Keys.TAB)
    need(hands.focus()["name"] == "password", f"after the name comes {hands.focus()}")
    hands.press(PASSWORD, Keys.ENTER)
    hands.until("the rig again", lambda: path_of(page).startswith(f"/rig/{RIG}"))
    hands.until("a place for the sample number", lambda: (hands.focus() or {}).get("name") == "sample")
    hands.press("S-0117", Keys.ENTER)
    hands.until("the run", lambda: page.look()["word"] == "open" and "done=start" in path_of(page))
    need("S-0117" in page.driver.find_element(By.ID, "subject").text, "the sample is not on the page")
    time.sleep(1)
    hands.tab_to("Stop", lambda it: it["action"].endswith("/stop"))
    hands.press(Keys.ENTER)
    hands.until("the stop", lambda: "done=stop" in path_of(page))
    seen = hands.until("the result", lambda: (it := page.look())["sentence"].startswith("RECORDED") and it)
    number = int(re.search(r"#(\d+)", seen["sentence"]).group(1))
    record = world.record(number)
    need(record and record["place"] == RIG and record["disposition"] == seen["word"], f"{seen['sentence']}: {record}")
    hands.tab_to("the record", lambda it: it["href"] == f"/record/{number}", 90)
    hands.press(Keys.ENTER)
    hands.until("the record", lambda: path_of(page) == f"/record/{number}")
    hands.tab_to("the slip", lambda it: it["href"].endswith("/slip"), 90)
    hands.press(Keys.ENTER)
    hands.until("the slip", lambda: path_of(page).endswith("/slip"))
    text = page.driver.find_element(By.TAG_NAME, "main").text
    need("S-0117" in text and "Li Na" in text and f"#{number}" in text, f"the slip says {text!r}")
    printed = page.driver.print_page()
    need(base64.b64decode(printed).startswith(b"%PDF"), "the slip cannot be printed")
    return f"{hands.stops} stops, record {number}, slip printed"


def everywhere(world, page, out):
    """Every page in both languages, on a screen and on a phone: nothing too wide, nothing too faint, nothing in the other language."""
    newest = world.newest()
    pages = PAGES + ([f"/record/{newest[0]}", f"/record/{newest[0]}/slip"] if newest else [])
    for language in ("en", "zh-CN"):
        for size in (SCREEN, PHONE):
            page.size(*size)
            for path in pages:
                page.open(f"{world.url}{path}{'&' if '?' in path else '?'}lang={language}")
                audit = page.audit()
                where = f"{path} in {language} at {size[0]} px"
                name = re.sub(r"\d+", "n", path.strip("/").replace("/", "-")) or "overview"
                page.shoot(out / f"page-{name}-{language}-{size[0]}.png")
                need(audit["overflow"] <= 0, f"{where} is {audit['overflow']} px too wide")
                need(not audit["word"] or 0 < audit["bottom"] <= 1, f"{where}: the word {audit['word']!r} is out of sight")
                need(audit["contrast"] >= 7, f"{where}: contrast {audit['contrast']:.2f}:1 of {audit['weakest']!r}")
                need(page.driver.execute_script("return document.documentElement.lang") == language, f"{where}: lang")
                text = page.driver.find_element(By.TAG_NAME, "h1").text if not path.endswith("/slip") else ""
                need(not text or language == "zh-CN" or not CJK.search(text), f"{where}: {text}")
    page.size(*SCREEN)
    return f"{len(pages)} pages, two languages, two widths"


def still(world):
    """Who asks for no motion gets none."""
    page = Page(reduced=True)
    try:
        page.open(f"{world.url}/lane/{LANE}?lang=en")
        need(page.driver.execute_script("return matchMedia('(prefers-reduced-motion: reduce)').matches"), "the browser does not ask")
        world.mass = 24000
        until = time.monotonic() + 3
        while time.monotonic() < until:
            moving = page.driver.execute_script(
                "return Array.from(document.querySelectorAll('*')).filter((it) => { const s = getComputedStyle(it);"
                " return s.animationName !== 'none' || parseFloat(s.transitionDuration) > 0; }).length + document.getAnimations().length;"
            )
            need(moving == 0, f"{moving} elements move")
            time.sleep(0.2)
        return "nothing moves"
    finally:
        world.mass = 0
        page.close()


def run(programs, shim, root, out, asked):
    world, page, failures = World(programs, shim, root, "people"), None, []
    try:
        world.start()
        until_up(world)
        page = Page(*SCREEN)
        world.mass = 24000
        time.sleep(2.5)
        world.mass = 0
        time.sleep(2)
        tried = {
            "keyboard": lambda: keyboard(world, page), "everywhere": lambda: everywhere(world, page, out), "still": lambda: still(world)
        }
        for name, trial in tried.items():
            try:
                print(f"{name}: {trial()}", flush=True)
            except Exception as why:  # noqa: BLE001
                page.shoot(out / f"failed-{name}.png")
                failures.append(f"{name}: {type(why).__name__}: {why}")
        page.take_logs(world.url)
        failures += [f"console: {it}" for it in page.errors]
        failures += [f"asked elsewhere: {it}" for it in sorted(page.strangers)]
        failures += [f"forbidden by the policy: {it}" for it in page.broken]
        print(f"console errors {len(page.errors)}, requests off the origin {len(page.strangers)}, policy violations {len(page.broken)}")
        return failures
    finally:
        if page:
            page.close()
        world.close()
