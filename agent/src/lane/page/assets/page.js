// Keeps an open page up to date, and says that the state is unknown when nothing has come for four seconds: it says so
// within five seconds of the last word that could be true.
// Without this script the page asks for itself again (a rig's each minute, for somebody may be typing); all else works.
"use strict";

(() => {
  const address = document.body.dataset.events;
  const lost = document.getElementById("lost");
  if (!address || !lost || !window.EventSource) {
    return;
  }
  const LOST_MS = 4000;
  const RETRY_MS = 2000;
  // A connection that neither opens nor fails is given up after this long.
  const PATIENCE_MS = 10000;
  let heard = performance.now();
  let tried = heard;
  let source = null;
  let retry = 0;

  function alive() {
    heard = performance.now();
    lost.hidden = true;
  }

  // Fills an element and leaves what a person is typing in it alone.
  function fill(id, html) {
    const element = document.getElementById(id);
    if (!element) {
      return;
    }
    const focused = element.contains(document.activeElement) ? document.activeElement : null;
    const href = focused && focused.getAttribute("href");
    element.innerHTML = html;
    if (href) {
      const again = Array.from(element.querySelectorAll("a")).find((link) => link.getAttribute("href") === href);
      if (again) {
        again.focus({ preventScroll: true });
      }
    }
  }

  function open() {
    clearTimeout(retry);
    tried = performance.now();
    if (source) {
      source.close();
    }
    source = new EventSource(address);
    source.addEventListener("fragment", (event) => {
      const part = JSON.parse(event.data);
      fill(part.id, part.html);
    });
    source.addEventListener("beat", (event) => {
      if (event.data !== document.body.dataset.hash) {
        // Another version of the agent: its page, with its sheet and its script.
        source.close();
        location.reload();
        return;
      }
      alive();
    });
    source.onerror = () => {
      // Tried again here and not by the browser, which gives up after an answer such as 503.
      source.close();
      clearTimeout(retry);
      retry = setTimeout(open, RETRY_MS);
    };
  }

  setInterval(() => {
    const now = performance.now();
    const silent = now - heard;
    if (silent > LOST_MS) {
      document.getElementById("lost-for").textContent = String(Math.floor(silent / 1000));
      lost.hidden = false;
    }
    if (silent > PATIENCE_MS && now - tried > PATIENCE_MS) {
      open();
    }
  }, 250);

  // A browser scrolls to the field that has the focus from the start, and on a small screen the large word would be out of
  // sight. Focused here first, it is not scrolled to; where the browser was faster, that is taken back.
  const field = document.querySelector("[autofocus]");
  if (field && !location.hash) {
    const scrolled = document.activeElement === field;
    field.focus({ preventScroll: true });
    if (scrolled) {
      window.scrollTo(0, 0);
    }
  }
  window.addEventListener("pagehide", () => source && source.close());
  window.addEventListener("pageshow", (event) => event.persisted && open());
  open();
})();
