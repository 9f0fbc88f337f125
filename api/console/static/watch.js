// A campaign's page follows the campaign: each part that changed comes as HTML and takes the place
// of the one that is there. (The SSE extension that travels with htmx is that of htmx 1.)
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const root = document.querySelector("[data-feed]");
  if (!root) return;
  const source = new EventSource(root.dataset.feed);
  const light = document.querySelector("[data-live]");

  function show(on) {
    light.hidden = false;
    light.querySelector("[data-live-on]").hidden = !on;
    light.querySelector("[data-live-off]").hidden = on;
  }

  // What the reader opened stays open, and a picture stays where it was scrolled to.
  function replace(part, html) {
    const opened = [...part.querySelectorAll("details")].map((each) => each.open);
    const places = [...part.querySelectorAll("[tabindex]")].map((each) => [each.scrollLeft, each.scrollTop]);
    part.innerHTML = html;
    part.querySelectorAll("details").forEach((each, i) => { each.open = opened[i] ?? false; });
    part.querySelectorAll("[tabindex]").forEach((each, i) => { if (places[i]) each.scrollTo(...places[i]); });
    part.dispatchEvent(new CustomEvent("htmx:afterSettle", { bubbles: true })); // charts draw themselves
  }

  source.addEventListener("open", () => show(true));
  source.addEventListener("error", () => show(false));
  source.addEventListener("over", () => { source.close(); light.hidden = true; }); // the last figures
  for (const part of root.querySelectorAll("[data-part]"))
    source.addEventListener(part.dataset.part, (event) => replace(part, event.data));
});
