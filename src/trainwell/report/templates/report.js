"use strict";
// Draws the page's charts, in the colours of the person's scheme, and keeps them drawn for print.
(() => {
  const page = JSON.parse(document.getElementById("page-data").textContent);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const webgl = (() => {
    try {
      const context = document.createElement("canvas").getContext("webgl");
      if (!context) return false;
      context.getExtension("WEBGL_lose_context")?.loseContext();
      return true;
    } catch { return false; }
  })();

  const swapped = (value) => {
    if (typeof value === "string") return page.dark[value] ?? value;
    if (Array.isArray(value)) return typeof value[0] === "number" || value[0] === null ? value : value.map(swapped);
    if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, swapped(v)]));
    return value;
  };
  const config = {
    responsive: true, displaylogo: false, showTips: false,
    showSendToCloud: false, // no button of plotly's may send the figure anywhere
    modeBarButtonsToRemove: ["sendChartToCloud", "select2d", "lasso2d", "autoScale2d"],
  };
  const plots = [...document.querySelectorAll(".plot[data-chart]")];
  const state = new Map();

  const draw = (plot, night) => {
    const chart = page.charts[plot.dataset.chart];
    const { data, layout } = night ? swapped(chart.figure) : structuredClone(chart.figure);
    if (!webgl) for (const trace of data) if (trace.type === "scattergl") trace.type = "scatter";
    const scale = state.get(plot);
    if (scale) for (const axis of chart.toggles) {
      Object.assign(layout[axis] ??= {}, { type: scale, autorange: true, dtick: scale === "log" ? chart.dtick : undefined });
    }
    return Plotly.react(plot, data, layout, config);
  };
  const drawAll = (night) => { for (const plot of plots) draw(plot, night); };

  for (const button of document.querySelectorAll("[data-scale]")) {
    button.addEventListener("click", () => {
      const card = button.closest(".chart");
      const plot = card.querySelector(".plot");
      state.set(plot, button.dataset.scale);
      for (const other of card.querySelectorAll("[data-scale]")) other.setAttribute("aria-pressed", String(other === button));
      draw(plot, dark.matches);
    });
  }
  for (const block of document.querySelectorAll("pre.copy")) {
    block.title = "click to select";
    block.addEventListener("click", () => {
      if (String(window.getSelection())) return;
      window.getSelection().selectAllChildren(block);
    });
  }

  const links = new Map([...document.querySelectorAll("nav a[href^='#']")].map((a) => [a.hash.slice(1), a]));
  const sections = [...links.keys()].map((id) => document.getElementById(id)).filter(Boolean);
  const mark = () => {
    const end = window.innerHeight + window.scrollY >= document.body.scrollHeight - 4;
    let current = sections[0];
    for (const section of sections) if (section.getBoundingClientRect().top <= 120) current = section;
    if (end) current = sections.at(-1);
    for (const [id, link] of links) link.toggleAttribute("aria-current", id === current?.id);
  };
  window.addEventListener("scroll", mark, { passive: true });

  if (plots.length && window.Plotly) {
    drawAll(dark.matches);
    dark.addEventListener("change", () => drawAll(dark.matches));
    window.addEventListener("beforeprint", () => {
      for (const closed of document.querySelectorAll("details:not([open])")) { closed.open = true; closed.dataset.opened = ""; }
      drawAll(false);
      for (const plot of plots) Plotly.Plots.resize(plot);
    });
    window.addEventListener("afterprint", () => {
      for (const opened of document.querySelectorAll("details[data-opened]")) { opened.open = false; delete opened.dataset.opened; }
      drawAll(dark.matches);
    });
  }
  mark();
})();
