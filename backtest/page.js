"use strict";
(() => {
  const charts = JSON.parse(document.getElementById("charts").textContent);
  const places = ["chart-time", "chart-cost"].map((id) => document.getElementById(id));
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

  // What depends on light or dark, and on how much room there is.
  const look = (chart, place) => {
    const [ink, quiet, rule, back] = ["ink", "quiet", "rule", "back"].map(colour);
    const narrow = place.clientWidth < 600;
    const axis = { gridcolor: rule, linecolor: rule, zeroline: false, automargin: true, tickfont: { color: quiet } };
    return {
      ...chart.layout,
      autosize: true,
      showlegend: false,
      hovermode: "closest",
      hoverdistance: 24,
      dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom",
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: "system-ui, sans-serif", size: 12, color: ink },
      margin: narrow ? { l: 44, r: 12, t: 12, b: 44 } : { l: 64, r: 24, t: 16, b: 52 },
      hoverlabel: { bgcolor: back, bordercolor: quiet, align: "left", font: { family: "system-ui, sans-serif", color: ink, size: narrow ? 11 : 12 } },
      modebar: { color: quiet, activecolor: ink, bgcolor: "rgba(0,0,0,0)" },
      xaxis: { ...chart.layout.xaxis, ...axis, nticks: narrow ? 5 : 0, fixedrange: narrow,
        title: { ...chart.layout.xaxis.title, standoff: 10 } },
      yaxis: { ...chart.layout.yaxis, ...axis, nticks: narrow ? 6 : 0, fixedrange: narrow },
      shapes: chart.layout.shapes.map((shape) =>
        shape.name === "harm"
          ? { ...shape, fillcolor: colour("harm") }
          : { ...shape, line: { ...shape.line, color: quiet } }),
    };
  };

  const coloured = (trace) => {
    const own = colour(trace.meta.colour || "ink");
    const marker = trace.meta.decisions
      ? { ...trace.marker, line: { ...trace.marker.line, color: trace.marker.symbol.map((symbol, i) =>
          symbol.endsWith("-open") ? trace.marker.color[i] : colour("ink")) } }
      : { ...trace.marker, color: own };
    return {
      ...trace,
      marker,
      line: trace.line && { ...trace.line, color: own },
      error_y: trace.error_y && { ...trace.error_y, color: own },
    };
  };

  const boxes = [...document.querySelectorAll(".legend input")];
  const applyBoxes = () => {
    for (const box of boxes) {
      for (const n of box.dataset.traces.split(" ").filter(Boolean)) charts[0].data[n].visible = box.checked;
    }
  };

  // Names beside their points: the nearest place that covers nothing, with a thin line where it is further off.
  const pen = document.createElement("canvas").getContext("2d");
  const plain = (text) => new DOMParser().parseFromString(text, "text/html").documentElement.textContent;
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
        found.push({ dx: dx + wide / 2, dy, own: [x + dx - 2, y + dy - high / 2, x + dx + wide + 2, y + dy + high / 2] });
      }
    }
    return found;
  };
  const named = (place) => {
    const { xaxis, yaxis } = place._fullLayout;
    const room = [0, 0, xaxis._length, yaxis._length];
    const points = place.data.map((trace) => {
      const [x, y] = [xaxis.d2p(trace.x[0]), yaxis.d2p(trace.y[0])];
      const { array = [0], arrayminus = [0] } = trace.error_y;
      const ends = [yaxis.d2p(trace.y[0] + array[0]), yaxis.d2p(trace.y[0] - arrayminus[0])];
      return { x, y, mark: [x - 8, y - 8, x + 8, y + 8], bar: [x - 4, Math.min(...ends), x + 4, Math.max(...ends)] };
    });
    pen.font = "12px system-ui, sans-serif";
    const drawn = points.flatMap((point) => [point.mark, point.bar]);
    const names = [];
    const covered = (own) => drawn.reduce((sum, other) => sum + shared(own, other), 0) +
      4 * names.reduce((sum, other) => sum + shared(own, other), 0);
    return place.data.map((trace, i) => {
      const { x, y } = points[i];
      const lines = wrapped(plain(trace.name), room[2] < 500 ? 18 : 60);
      const wide = Math.max(...lines.map((line) => pen.measureText(line).width));
      const costs = spots(x, y, wide, lines.length * 16).map((spot, order) => {
        const outside = (spot.own[2] - spot.own[0]) * lines.length * 16 - shared(spot.own, room);
        return { ...spot, cost: covered(spot.own) + 4 * outside + order };
      });
      const best = costs.reduce((a, b) => (b.cost < a.cost ? b : a));
      names.push(best.own);
      return {
        x: xaxis.type === "log" ? Math.log10(trace.x[0]) : trace.x[0], y: trace.y[0],
        text: lines.map((line) => line.replaceAll("&", "&amp;").replaceAll("<", "&lt;")).join("<br>"),
        ax: best.dx, ay: best.dy, showarrow: true, arrowhead: 0, arrowwidth: 1, borderpad: 1,
        arrowcolor: Math.abs(best.dy) > 14 ? colour("quiet") : "rgba(0,0,0,0)",
        standoff: 8, font: { color: colour("ink"), size: 12 },
      };
    });
  };

  const config = (place) => ({
    responsive: false, displaylogo: false, displayModeBar: place.clientWidth < 600 ? false : "hover",
    modeBarButtonsToRemove: ["lasso2d", "select2d"],
  });
  const draw = async () => {
    applyBoxes();
    for (const [i, chart] of charts.entries()) {
      await Plotly.react(places[i], chart.data.map(coloured), look(chart, places[i]), config(places[i]));
    }
    await Plotly.relayout(places[1], { annotations: named(places[1]) });
  };

  for (const each of boxes) each.addEventListener("change", draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  let width = innerWidth;
  let soon;
  addEventListener("resize", () => {
    if (innerWidth === width) return; // a phone's address bar comes and goes
    width = innerWidth;
    clearTimeout(soon);
    soon = setTimeout(draw, 100);
  });
  for (const link of document.querySelectorAll("a[href='#decisions']")) {
    link.addEventListener("click", () => { document.querySelector("#decisions details").open = true; });
  }
  draw();
})();
