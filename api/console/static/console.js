// What pages gain when scripts run: charts, menus that close, focus on the first error, a question
// before what was typed is left behind. All else works without.
"use strict";

(() => {
  const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  function option({ unit, data }) {
    const ink = token("--ink-soft"), line = token("--line");
    const number = new Intl.NumberFormat(document.documentElement.lang);
    return {
      animation: false,
      color: [0, 1, 2, 3, 4, 5].map((n) => token(`--series-${n}`)),
      textStyle: { fontFamily: token("--font"), color: ink },
      // Written into the picture, never as HTML: the page's policy forbids inline styles.
      tooltip: { renderMode: "richText", trigger: "axis", confine: true,
        backgroundColor: token("--card"), borderColor: line, textStyle: { color: token("--ink") },
        valueFormatter: (value) => `${number.format(value)} ${unit || ""}`.trim() },
      grid: { left: 8, right: 16, top: data.series.length > 1 ? 36 : 16, bottom: 8, containLabel: true },
      legend: data.series.length > 1 ? { top: 0, textStyle: { color: ink } } : undefined,
      xAxis: { type: "category", data: data.labels, axisLine: { lineStyle: { color: line } }, axisLabel: { color: ink } },
      yAxis: { type: "value", minInterval: 1, splitLine: { lineStyle: { color: line } }, axisLabel: { color: ink } },
      series: data.series.map((each) => ({ name: each.name, type: "bar", data: each.values,
        barMaxWidth: 36, itemStyle: { borderRadius: [3, 3, 0, 0] } })),
    };
  }

  function draw(root) {
    if (!window.echarts) return;
    for (const box of root.querySelectorAll("[data-chart]")) {
      const source = document.getElementById(box.dataset.chart);
      if (!source) continue;
      const still = box.parentElement.querySelector(".chart-still");
      box.hidden = false;
      if (still) still.setAttribute("hidden", "");
      let chart = window.echarts.getInstanceByDom(box);
      if (!chart) {
        chart = window.echarts.init(box, null, { renderer: "svg" });
        new ResizeObserver(() => chart.resize()).observe(box);
      }
      chart.setOption(option(JSON.parse(source.textContent)), true);
    }
  }

  document.addEventListener("DOMContentLoaded", () => {
    draw(document);
    // Where a menu or tabs are wider than the screen, the present place comes into view.
    for (const here of document.querySelectorAll(".side > [aria-current], .tabs > [aria-current]")) {
      const strip = here.parentElement;
      if (strip.scrollWidth > strip.clientWidth)
        strip.scrollLeft += here.getBoundingClientRect().left - strip.getBoundingClientRect().left - 16;
    }
    document.querySelector(".callout.bad[tabindex], [aria-invalid]")?.focus();
  });
  document.addEventListener("htmx:afterSettle", (event) => draw(event.target));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw(document));

  // What an answer brings back stands nowhere else yet: as if it had been typed just now. Another
  // form of the page (language, theme, search, signing out) would lose it, as a link does.
  let typed = document.querySelector("form[data-unsaved]") !== null;
  document.addEventListener("input", (event) => {
    if (event.target.closest?.("form[data-asks]")) typed = true;
  });
  document.addEventListener("submit", (event) => {
    if (event.target.matches("form[data-asks]")) typed = false;
  });
  addEventListener("beforeunload", (event) => { if (typed) event.preventDefault(); });

  // Whose session ended is told so beside the page, once: what they typed stays.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const place = document.getElementById("signed-out");
    if (event.detail.xhr.status === 401) {
      event.detail.isError = false;
      event.detail.shouldSwap = !place.childElementCount;
    } else { place?.replaceChildren(); }
  });

  // A menu closes when one clicks elsewhere or presses Escape.
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]"))
      if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = event.target.closest?.("details[open].menu, details[open].confirm");
    if (menu) { menu.open = false; menu.querySelector("summary").focus(); }
  });
})();
