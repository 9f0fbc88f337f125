// The editor: line numbers that grow, and findings that take the cursor to their line. Without it
// the Check button does the same.
"use strict";

(() => {
  const LINE_SPARE = 1;

  function number(box) {
    const area = box.querySelector("textarea"), lines = box.querySelector(".code-lines");
    const count = area.value.split("\n").length + LINE_SPARE;
    area.rows = count;
    while (lines.childElementCount > count) { lines.lastElementChild.remove(); }
    for (let n = lines.childElementCount + 1; n <= count; n += 1) {
      const span = document.createElement("span");
      span.id = `line-${box.dataset.code}-${n}`;
      span.textContent = n;
      lines.append(span, "\n");
    }
  }

  // Every finding marks its line and the tab it stands in.
  function mark() {
    for (const span of document.querySelectorAll(".code-lines .found")) span.classList.remove("found");
    for (const dot of document.querySelectorAll("[data-tab-found]")) dot.hidden = true;
    for (const link of document.querySelectorAll(".findings [data-line]")) {
      document.getElementById(`line-${link.dataset.tab}-${link.dataset.line}`)?.classList.add("found");
      const dot = document.querySelector(`[data-tab-found="${link.dataset.tab}"]`);
      if (dot) dot.hidden = false;
    }
  }

  function goTo(link) {
    const box = document.querySelector(`[data-code="${link.dataset.tab}"]`);
    const tab = document.getElementById(`tab-${link.dataset.tab}`);
    if (!box) return;
    if (tab) tab.checked = true;
    const area = box.querySelector("textarea"), lines = area.value.split("\n");
    const line = Math.min(Number(link.dataset.line), lines.length) - 1;
    const begin = lines.slice(0, line).reduce((sum, each) => sum + each.length + 1, 0);
    const from = Math.min(begin + Number(link.dataset.column || 1) - 1, begin + lines[line].length);
    area.focus({ preventScroll: true });
    area.setSelectionRange(from, begin + lines[line].length);
    const place = document.getElementById(`line-${link.dataset.tab}-${line + 1}`);
    place?.scrollIntoView({ block: "center", inline: "nearest" });
  }

  document.addEventListener("input", (event) => {
    const box = event.target.closest?.(".code");
    if (box) number(box);
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.(".findings a[data-line]");
    if (link) { event.preventDefault(); goTo(link); }
  });
  document.addEventListener("htmx:afterSettle", mark);
})();
