// The timeline of a camera: states as bands with names, how pleasant they looked as a line, and the same as a table.

import { SPAN } from "./states.js";
import { clock, duration, letters, make, say, signed } from "./wording.js";

const BANDS = 66; // pixels, of all lanes together
const LANES = 3; // at least, so that a band keeps its height while persons come and go
const MOST_LANES = 8;
const GAP = 18; // with the words above the line
const LINE = 40;
const AXIS = 18;
const HEIGHT = BANDS + GAP + LINE + AXIS;
const MOST_ROWS = 200;

export class Timeline {
  constructor(camera, states) {
    this.states = states;
    this.canvas = make("canvas", { className: "bands", height: HEIGHT, role: "img", "aria-label": `Expressions seen by ${camera} in the last ten minutes; the table below has the same` });
    this.readout = make("span", { className: "readout" });
    this.rows = make("tbody");
    const head = ["Person", "Expression", "From", "To", "For", "Valence"].map((name) => make("th", { scope: "col" }, name));
    const table = make("table", {}, make("caption", { className: "unseen" }, `What ${camera} saw, newest first`), make("thead", {}, make("tr", {}, ...head)), this.rows);
    this.scroll = make("div", { className: "table", tabIndex: 0, role: "group", "aria-label": `Table of what ${camera} saw` }, table);
    this.details = make("details", {}, make("summary", {}, "As a table"), this.scroll);
    this.element = make("figure", { className: "timeline" }, make("figcaption", {}, make("span", {}, "Last ten minutes"), this.readout), this.canvas, this.details);
    this.pointer = null;
    this.canvas.addEventListener("pointermove", (event) => this.#point(event));
    this.canvas.addEventListener("pointerdown", (event) => this.#point(event));
    this.canvas.addEventListener("pointerleave", () => {
      this.pointer = null;
      say(this.readout, "");
    });
    this.details.addEventListener("toggle", () => this.#tabulate(this.at));
  }

  paint(now) {
    this.at = now;
    this.states.forget(now);
    const { canvas } = this;
    const width = canvas.clientWidth;
    if (!width) return;
    const ratio = window.devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
    if (canvas.height !== Math.round(HEIGHT * ratio)) canvas.height = Math.round(HEIGHT * ratio);
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, HEIGHT);
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    pen.font = `500 11px ${style.getPropertyValue("--font")}`;
    pen.textBaseline = "middle";
    const place = (moment) => width - ((now - moment) / SPAN) * width;
    this.#axis(pen, width, now, place, colour);
    this.#bands(pen, width, now, place, colour);
    this.#line(pen, width, now, place, colour);
    if (this.details.open) this.#tabulate(now);
    if (this.pointer) this.#read();
  }

  #axis(pen, width, now, place, colour) {
    const every = 120000;
    pen.fillStyle = colour("ground");
    pen.fillRect(0, 0, width, BANDS);
    pen.fillRect(0, BANDS + GAP, width, LINE);
    pen.textAlign = "center";
    for (let at = Math.ceil((now - SPAN) / every) * every; at <= now; at += every) {
      const x = Math.round(place(at)) + 0.5;
      pen.strokeStyle = colour("edge");
      pen.lineWidth = 1;
      pen.beginPath();
      pen.moveTo(x, 0);
      pen.lineTo(x, HEIGHT - AXIS);
      pen.stroke();
      pen.fillStyle = colour("soft");
      if (x > 18 && x < width - 18) pen.fillText(clock(at, false), x, HEIGHT - AXIS / 2 + 1);
    }
  }

  #bands(pen, width, now, place, colour) {
    const lanes = Math.max(LANES, Math.min(MOST_LANES, this.states.lanes()));
    const height = BANDS / lanes;
    pen.textAlign = "left";
    this.boxes = [];
    for (const state of this.states.states.values()) {
      if (state.lane >= MOST_LANES) continue;
      const left = Math.max(0, place(state.start));
      const right = Math.min(width, place(state.end ?? now));
      const box = { state, left, right: Math.max(right, left + 1.5), top: state.lane * height + 1, bottom: (state.lane + 1) * height - 1 };
      if (right < 0) continue;
      this.boxes.push(box);
      pen.fillStyle = colour(state.label) || colour("soft");
      pen.fillRect(box.left, box.top, box.right - box.left, box.bottom - box.top);
      pen.fillStyle = colour("card"); // where one state follows another, a line parts them
      pen.fillRect(box.left, box.top, Math.min(1, (box.right - box.left) / 3), box.bottom - box.top);
      if (height < 12) continue;
      const room = box.right - box.left - 7;
      const word = [state.label, letters(state.label)].find((text) => pen.measureText(text).width <= room);
      pen.fillStyle = colour("ink");
      if (word) pen.fillText(word, box.left + 4.5, (box.top + box.bottom) / 2 + 0.5);
    }
  }

  #line(pen, width, now, place, colour) {
    const middle = BANDS + GAP + LINE / 2;
    const reach = LINE / 2 - 4;
    pen.strokeStyle = colour("edge");
    pen.lineWidth = 1;
    pen.beginPath();
    pen.moveTo(0, middle + 0.5);
    pen.lineTo(width, middle + 0.5);
    pen.stroke();
    pen.strokeStyle = colour("accent");
    pen.lineWidth = 1.75;
    pen.lineJoin = "round";
    pen.beginPath();
    let drawn = false;
    let height = middle;
    for (const [at, mean] of this.states.valence) {
      const x = Math.max(0, place(at));
      if (mean === null && drawn) pen.lineTo(x, height);
      if (mean !== null) {
        height = middle - reach * Math.max(-1, Math.min(1, mean));
        if (drawn) pen.lineTo(x, height);
        else pen.moveTo(x, height);
      }
      drawn = mean !== null;
    }
    if (drawn) pen.lineTo(place(now), height);
    pen.stroke();
    pen.textAlign = "left";
    pen.fillStyle = colour("soft");
    pen.fillText("Valence, from −1 to +1", 0, BANDS + GAP / 2 + 1);
  }

  #point(event) {
    const frame = this.canvas.getBoundingClientRect();
    this.pointer = { x: event.clientX - frame.left, y: event.clientY - frame.top };
    this.#read();
  }

  #read() {
    const { x, y } = this.pointer;
    const box = (this.boxes || []).find((one) => x >= one.left - 1 && x <= one.right + 1 && y >= one.top && y <= one.bottom);
    say(this.readout, box ? told(box.state, this.at) : "");
  }

  #tabulate(now) {
    if (!this.details.open) return;
    const cells = this.states.newestFirst().slice(0, MOST_ROWS).map((state) => [
      String(state.id),
      state.label,
      clock(state.start),
      state.end === null ? "now" : clock(state.end),
      duration(((state.end ?? now) - state.start) / 1000),
      signed(state.valence),
    ]);
    while (this.rows.rows.length > cells.length) this.rows.deleteRow(-1);
    cells.forEach((texts, index) => {
      const row = this.rows.rows[index] || this.rows.insertRow();
      texts.forEach((text, column) => say(row.cells[column] || row.insertCell(), text));
    });
  }
}

function told(state, now) {
  const until = state.end === null ? "now" : clock(state.end);
  return `Person ${state.id} ${state.label}, ${clock(state.start)} to ${until} (${duration(((state.end ?? now) - state.start) / 1000)})`;
}
