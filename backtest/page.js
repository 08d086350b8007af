"use strict";
// The legend shows and hides arms.
(() => {
  const drawn = [...document.querySelectorAll("#chart-time [data-series]")];
  for (const box of document.querySelectorAll(".legend input")) {
    const show = () => {
      for (const each of drawn) {
        if (each.dataset.series === box.dataset.of) each.toggleAttribute("hidden", !box.checked);
      }
    };
    box.disabled = false;
    box.addEventListener("change", show);
    show();
  }
  for (const link of document.querySelectorAll("a[href='#decisions']")) {
    link.addEventListener("click", () => { document.querySelector("#decisions details").open = true; });
  }
})();

// Names beside their points: the nearest place that covers nothing, with a thin line if it is further off.
// Without this script each name stands right beside its point, and may cover another.
(() => {
  const LINE = 16; // height of a line of text
  const svg = document.querySelector("#chart-cost svg");
  const signs = [...svg.querySelectorAll("g[data-series]")].map((group) => {
    const text = group.querySelector(".name");
    const share = (element, name) => parseFloat(element.getAttribute(name)) / 100;
    const bar = group.querySelector(".interval");
    const [x, y] = [share(text, "x"), share(text, "y")];
    return { text, name: text.textContent, x, y, ends: bar ? [share(bar, "y1"), share(bar, "y2")] : [y, y] };
  });
  const make = (name, attributes, text = "") => {
    const made = document.createElementNS(svg.namespaceURI, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.textContent = text;
    return made;
  };
  const shared = (a, b) => Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0])) *
    Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]));
  const wrapped = (text, most) => text.split(" ").reduce((lines, word) => {
    const last = lines.at(-1);
    if (last && `${last} ${word}`.length <= most) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
    return lines;
  }, []);
  const spots = (x, y, wide, high) => {
    const found = [];
    for (const dy of [-14, 14, 0, -30, 30, -46, 46, -62, 62, -78, 78, -94, 94, -110, 110]) {
      for (const dx of [12, -12 - wide, -wide / 2, -40 - wide / 2, 40 - wide / 2]) {
        found.push({ middle: x + dx + wide / 2, dy,
          own: [x + dx - 2, y + dy - high / 2, x + dx + wide + 2, y + dy + high / 2] });
      }
    }
    return found;
  };
  const write = ({ text, name }, lines, middle, top) => {
    const rows = lines.map((row, i) => make("tspan", { x: middle, y: top + i * LINE + 12 }, row));
    text.replaceChildren(...rows);
    text.setAttribute("text-anchor", "middle");
    for (const old of ["x", "y", "dx", "dy"]) text.removeAttribute(old);
    text.setAttribute("aria-label", name);
  };
  const place = () => {
    const { width, height } = svg.getBoundingClientRect();
    const room = [-40, 0, width + 4, height]; // a name may reach a little over the ticks
    const points = signs.map((sign) => {
      const [x, y] = [sign.x * width, sign.y * height];
      const ends = sign.ends.map((end) => end * height);
      return { x, y, mark: [x - 8, y - 8, x + 8, y + 8], bar: [x - 4, Math.min(...ends), x + 4, Math.max(...ends)] };
    });
    const drawn = points.flatMap((point) => [point.mark, point.bar]);
    const names = [];
    const covered = (own) => drawn.reduce((sum, other) => sum + shared(own, other), 0) +
      4 * names.reduce((sum, other) => sum + shared(own, other), 0);
    for (const old of svg.querySelectorAll(".leader")) old.remove();
    for (const [i, sign] of signs.entries()) {
      const { x, y } = points[i];
      const lines = wrapped(sign.name, width < 500 ? 18 : 60);
      write(sign, lines, 0, 0);
      const wide = sign.text.getBBox().width;
      const high = lines.length * LINE;
      const costs = spots(x, y, wide, high).map((spot, order) => {
        const outside = (spot.own[2] - spot.own[0]) * high - shared(spot.own, room);
        return { ...spot, cost: covered(spot.own) + 4 * outside + order };
      });
      const best = costs.reduce((a, b) => (b.cost < a.cost ? b : a));
      names.push(best.own);
      write(sign, lines, best.middle, best.own[1]);
      if (Math.abs(best.dy) > 14) {
        const foot = best.dy > 0 ? best.own[1] : best.own[3];
        svg.prepend(make("line", { class: "leader", x1: x, y1: y, x2: best.middle, y2: foot }));
      }
    }
  };
  let width = 0;
  new ResizeObserver(() => {
    if (svg.clientWidth === width) return; // a phone's address bar comes and goes
    width = svg.clientWidth;
    place();
  }).observe(svg.parentNode);
})();
