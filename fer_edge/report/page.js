(function () {
  "use strict";

  const page = JSON.parse(document.getElementById("figures").textContent);
  const config = {
    responsive: true,
    displaylogo: false,
    plotlyServerURL: "",
    // Named one by one: others, now or in a later Plotly, send a chart away.
    modeBarButtons: [["toImage"], ["zoom2d", "pan2d"], ["zoomIn2d", "zoomOut2d", "resetScale2d"]],
    toImageButtonOptions: { filename: "fer-edge", scale: 2 },
  };
  const cameras = document.getElementById("camera");
  const hours = document.getElementById("hours");
  const paper = 680; // Pixels of the printable width of A4 at 96 to the inch.
  const charts = ["people", "valence", "shares", "week", "uptime"];
  const zoomed = ["people", "valence"];
  const touched = window.matchMedia("(pointer: coarse)").matches;

  function view() {
    return page.views[cameras ? cameras.selectedIndex : 0];
  }

  // The same steps as seven areas: on paper two thousand bars with patterns take minutes and megabytes. White is white there,
  // whether nobody was in view or nothing was measured.
  function asAreas(trace) {
    // A bar stands on the middle of its step, an area begins with it and needs an end.
    const begin = Date.parse(`${trace.x0.replace(" ", "T")}Z`) - trace.dx / 2;
    const heights = [...trace.y, trace.y[trace.y.length - 1]].map((value) => value || 0);
    return {
      type: "scatter", mode: "none", stackgroup: "all", name: trace.name, x: heights.map((_, step) => begin + step * trace.dx),
      y: heights, line: { shape: "hv" },
      fillcolor: trace.marker.color, fillpattern: trace.marker.pattern,
    };
  }

  // What a phone has no room for, and what paper cannot do.
  function fitted(name, chart, width) {
    const layout = Object.assign({}, chart.layout, { width: width || undefined, autosize: !width });
    const narrow = (width || document.body.clientWidth) < 640;
    let data = chart.data;
    if (name === "week") {
      const less = narrow ? { texttemplate: "", showscale: false } : width ? { textfont: { size: 8 } } : {};
      data = data.map((trace) => Object.assign({}, trace, less));
    }
    if (width && name === "people") data = data.map(asAreas);
    // A finger that moves the page shall not zoom.
    if (touched) layout.dragmode = false;
    if (narrow && name === "people") {
      layout.margin = Object.assign({}, layout.margin, { t: 72 });
      layout.height = layout.height + 32;
    }
    // The first chart has the same one.
    if (narrow && name === "shares") {
      layout.showlegend = false;
      layout.margin = Object.assign({}, layout.margin, { t: 8 });
      layout.height = layout.height - 32;
    }
    return { data: data, layout: layout };
  }

  function draw(name, chart, width) {
    const place = document.getElementById(name);
    const made = fitted(name, chart, width);
    const bar = zoomed.includes(name) && !width && !touched;
    return Plotly.react(place, made.data, made.layout, Object.assign({}, config, { responsive: !width, displayModeBar: bar ? "hover" : false }));
  }

  function cell(row, text, head) {
    const made = document.createElement(head ? "th" : "td");
    if (head) made.scope = head;
    made.textContent = text;
    row.appendChild(made);
  }

  function figure(value, places) {
    return value === null || value === undefined ? "–" : value.toFixed(places);
  }

  // The figures of the first two charts, in words and numbers.
  function fillTable() {
    const body = document.querySelector("#steps tbody");
    body.textContent = "";
    const now = view();
    page.steps.forEach((told, at) => {
      if (told === null) return;
      const row = document.createElement("tr");
      cell(row, told, "row");
      now.people.data.forEach((trace) => cell(row, figure(trace.y[at], 2)));
      cell(row, figure(now.valence.data[0].y[at], 2));
      body.appendChild(row);
    });
  }

  function show(width) {
    const now = view();
    draw("people", now.people, width);
    draw("valence", now.valence, width);
    draw("week", now.week[hours.value], width);
    draw("shares", page.shares, width);
    draw("uptime", page.uptime, width);
    document.querySelectorAll(".chosen").forEach((place) => {
      const choice = document.getElementById(place.dataset.of);
      place.textContent = choice.options[choice.selectedIndex].text;
    });
    if (document.getElementById("steps").closest("details").open) fillTable();
  }

  function tieTimes() {
    // Whoever looks closer at one chart wants to see the same time in the others.
    const tied = ["people", "valence", "uptime"].map((name) => document.getElementById(name));
    let busy = false;
    tied.forEach((one) => {
      one.on("plotly_relayout", (change) => {
        const from = change["xaxis.range[0]"];
        if (busy || (from === undefined && !change["xaxis.autorange"])) return;
        busy = true;
        const to = from === undefined
          ? { "xaxis.range": page.uptime.layout.xaxis.range.slice() }
          : { "xaxis.range": [from, change["xaxis.range[1]"]] };
        Promise.all(tied.filter((other) => other !== one || from === undefined).map((other) => Plotly.relayout(other, to)))
          .then(() => { busy = false; }, () => { busy = false; });
      });
    });
  }

  if (cameras) cameras.addEventListener("change", () => show());
  hours.addEventListener("change", () => draw("week", view().week[hours.value]));
  document.getElementById("steps").closest("details").addEventListener("toggle", fillTable);
  window.addEventListener("beforeprint", () => show(paper));
  window.addEventListener("afterprint", () => show());
  let narrow = document.body.clientWidth < 640;
  window.addEventListener("resize", () => {
    const now = document.body.clientWidth < 640;
    if (now !== narrow) { narrow = now; show(); }
  });
  charts.forEach((name) => { document.getElementById(name).textContent = ""; });
  show();
  tieTimes();
  document.body.dataset.drawn = "yes";
})();
