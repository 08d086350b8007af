"use strict";
// What the points of a chart tell, to who points at one, taps it, or walks there by the arrow keys.
// Without this script the browser shows the same texts, as titles, to who points.
(() => {
  const REACH = 24; // pixels around a point in which it answers

  const pointsOf = (svg) => [...svg.querySelectorAll("[data-series] title")].map((title) => {
    const drawn = title.parentNode;
    const at = (name) => parseFloat(drawn.getAttribute(`c${name}`) ?? drawn.getAttribute(name)) / 100;
    const bonus = drawn.localName === "circle" || drawn.classList.contains("small") ? 0 : 8; // a mark above a dot
    const point = { x: at("x"), y: at("y"), bonus, text: title.textContent, series: drawn.closest("[data-series]") };
    title.remove(); // or the browser would show it as well
    return point;
  });

  const tell = (plot) => {
    const svg = plot.querySelector("svg");
    const points = pointsOf(svg);
    if (!points.length) return;
    const tip = plot.appendChild(document.createElement("div"));
    tip.className = "tip";
    tip.setAttribute("role", "status");
    const ring = document.createElementNS(svg.namespaceURI, "circle");
    ring.setAttribute("class", "ring");
    ring.setAttribute("r", 10);
    let current = null;

    const hide = () => {
      current = null;
      tip.hidden = true;
      ring.remove();
    };
    const show = (point) => {
      if (point === current) return;
      current = point;
      ring.setAttribute("cx", `${100 * point.x}%`);
      ring.setAttribute("cy", `${100 * point.y}%`);
      svg.append(ring);
      tip.hidden = false;
      tip.textContent = point.text;
      tip.style.left = "0"; // its width is measured with all the room it may have
      const box = svg.getBoundingClientRect();
      const [x, y] = [point.x * box.width, point.y * box.height];
      const room = document.documentElement.clientWidth - 8 - box.left - tip.offsetWidth;
      tip.style.left = `${Math.max(8 - box.left, Math.min(room, x - tip.offsetWidth / 2))}px`;
      const above = y - tip.offsetHeight - 14;
      tip.style.top = `${box.top + above < 0 ? y + 14 : above}px`;
    };

    const shown = () => points.filter((point) => !point.series.hasAttribute("hidden"));
    const nearest = (event) => {
      const box = svg.getBoundingClientRect();
      const off = (p) =>
        Math.hypot(box.left + p.x * box.width - event.clientX, box.top + p.y * box.height - event.clientY) - p.bonus;
      const best = shown().reduce((a, b) => (a && off(a) < off(b) ? a : b), null);
      return best && off(best) < REACH ? best : null;
    };
    const point = (event) => {
      const best = nearest(event);
      if (best) show(best);
      else hide();
    };

    const along = (list, from, step) => {
      const row = [...list].sort((a, b) => a.x - b.x);
      return row[Math.max(0, Math.min(row.length - 1, row.indexOf(from) + step))];
    };
    const walked = (key) => {
      const all = shown();
      const from = current ?? all.at(-1); // the last series lies above all
      const own = all.filter((p) => p.series === from.series);
      const row = own.length > 1 ? own : all;
      if (!current) return along(row, from, -row.length);
      const step = key === "ArrowRight" || key === "ArrowDown" ? 1 : -1;
      if (key === "ArrowLeft" || key === "ArrowRight") return along(row, from, step);
      const series = [...new Set(all.map((p) => p.series))];
      const next = series[(series.indexOf(from.series) + step + series.length) % series.length];
      const near = (p) => Math.abs(p.x - from.x);
      return all.filter((p) => p.series === next).reduce((a, b) => (near(b) < near(a) ? b : a));
    };

    hide();
    svg.setAttribute("tabindex", "0");
    plot.addEventListener("pointermove", (event) => event.pointerType === "mouse" && point(event));
    plot.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && hide());
    plot.addEventListener("click", point);
    svg.addEventListener("blur", hide);
    svg.addEventListener("keydown", (event) => {
      if (event.key === "Escape") hide();
      if (!event.key.startsWith("Arrow") || event.ctrlKey || event.altKey || event.metaKey || !shown().length) return;
      event.preventDefault();
      show(walked(event.key));
    });
    document.addEventListener("click", (event) => plot.contains(event.target) || hide());
    addEventListener("resize", hide);
  };

  for (const plot of document.querySelectorAll(".plot:not(.across)")) tell(plot);
})();
