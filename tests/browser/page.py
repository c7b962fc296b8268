"""A page in headless Chromium, and what a person can see of it."""

import json
import shutil

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

# What the page says now. The curtain of a page that has lost its agent covers everything else, whatever stands behind it.
LOOK = """
const text = (query) => { const it = document.querySelector(query); return it ? it.innerText.trim() : ''; };
const all = (query) => Array.from(document.querySelectorAll(query)).map((it) => it.innerText.trim());
const lost = document.getElementById('lost');
const isLost = Boolean(lost) && getComputedStyle(lost).display !== 'none';
const stage = document.querySelector('#stage .stage');
const names = stage ? stage.className.split(/\\s+/).filter((it) => it !== 'stage') : [];
return {
  lost: isLost,
  word: isLost ? 'unknown' : names.filter((it) => it !== 'old')[0] || '',
  name: isLost ? text('#lost .word') : text('#stage .word'),
  action: isLost ? all('#lost .action').join(' ') : text('#stage .action'),
  besides: isLost ? [] : all('#stage .age'),
  verdict: isLost ? '' : text('#stage .verdict'),
  sentence: isLost ? '' : text('.sentence'),
  notices: isLost ? [] : all('#notices li'),
  figures: isLost ? [] : all('#figures p'),
  rules: isLost ? [] : all('#figures li'),
  instruments: isLost ? '' : text('#instruments'),
  why: isLost ? '' : text('#why'),
};
"""

# Contrast of every visible text with the ground that it stands on (WCAG 2.2, 1.4.6), and what the large word measures.
AUDIT = """
const parts = (colour) => (colour.match(/[\\d.]+/g) || []).map(Number);
const light = (colour) => {
  const [r, g, b] = parts(colour).map((it) => it / 255).map((it) => it <= 0.04045 ? it / 12.92 : ((it + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const ground = (element) => {
  for (let it = element; it; it = it.parentElement) {
    const colour = getComputedStyle(it).backgroundColor;
    const [, , , alpha = 1] = parts(colour);
    if (alpha > 0) return colour;
  }
  return 'rgb(255, 255, 255)';
};
const lost = document.getElementById('lost');
const isLost = Boolean(lost) && getComputedStyle(lost).display !== 'none';
const root = isLost ? lost : document.body;
const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
let least = [99, ''];
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  const said = walker.currentNode.data.trim();
  if (!said || !element.checkVisibility() || element.closest('svg, script, style, noscript, .skip')) continue;
  const [a, b] = [light(getComputedStyle(element).color), light(ground(element))].sort((x, y) => y - x);
  const ratio = (a + 0.05) / (b + 0.05);
  if (ratio < least[0]) least = [ratio, said.slice(0, 40)];
}
const word = isLost ? lost.querySelector('.word') : document.querySelector('#stage .word, main .name');
const box = word ? word.getBoundingClientRect() : { width: 0, height: 0, top: 0, bottom: 0 };
const sign = (isLost ? lost : document.querySelector('main')).querySelector('.sign svg');
const range = document.createRange();
if (word) range.selectNodeContents(word);
const drawn = word ? range.getBoundingClientRect() : box;
return {
  contrast: least[0], weakest: least[1],
  word: word ? word.innerText : '', height: drawn.height / innerHeight, width: drawn.width / innerWidth, bottom: box.bottom / innerHeight,
  size: word ? parseFloat(getComputedStyle(word).fontSize) / innerHeight : 0,
  sign: sign ? sign.getBoundingClientRect().height / innerHeight : 0,
  shape: sign ? sign.innerHTML.length : 0,
  ground: word ? ground(word) : '',
  overflow: document.documentElement.scrollWidth - innerWidth,
  moving: document.getAnimations().length,
};
"""

# Counts what the policy of the page forbids, from the first byte on.
VIOLATIONS = """
window.forbidden = [];
document.addEventListener('securitypolicyviolation', (it) => window.forbidden.push(it.violatedDirective + ' ' + it.blockedURI));
"""


class Page:
    def __init__(self, width=1280, height=800, reduced=False):
        options = Options()
        options.binary_location = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-extensions",
                         "--disable-background-networking", "--disable-component-update", "--no-first-run",
                         f"--window-size={width},{height}", *(["--force-prefers-reduced-motion"] if reduced else [])):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
        self.driver.set_script_timeout(10)
        self.driver.set_page_load_timeout(20)
        self.run("Page.addScriptToEvaluateOnNewDocument", source=VIOLATIONS)
        self.size(width, height)
        self.errors, self.strangers, self.broken = [], set(), []

    def run(self, command, **arguments):
        return self.driver.execute_cdp_cmd(command, arguments)

    def size(self, width, height):
        self.run("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500)

    def open(self, url):
        self.driver.get(url)

    def look(self):
        return self.driver.execute_script(LOOK)

    def audit(self):
        return self.driver.execute_script(AUDIT)

    def shoot(self, path):
        self.driver.save_screenshot(str(path))

    def take_logs(self, origin):
        """Console errors, requests to anywhere else, and violations of the policy, since the last time."""
        for entry in self.driver.get_log("browser"):
            if entry["level"] == "SEVERE":
                self.errors.append(entry["message"])
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                url = message["params"]["request"]["url"]
                if not url.startswith((origin, "data:", "about:", "chrome:", "chrome-error:")):
                    self.strangers.add(url)
        self.broken += self.driver.execute_script("return window.forbidden.splice(0)") or []

    def close(self):
        self.driver.quit()
