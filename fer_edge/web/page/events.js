// The list of events, newest first: a row for each state, which gets its duration when the state is over, and rows for cameras.

import { clock, duration, letters, make, say } from "./wording.js";

const MOST = 120;

export class Events {
  constructor() {
    this.list = document.getElementById("events");
    this.nothing = document.getElementById("no-events");
    this.rows = new Map(); // by what they tell
  }

  /** Take the states that the program remembers in place of those that are shown; what became of cameras stays. */
  load(changes) {
    for (const [key, row] of this.rows) if (row.lasted) this.#drop(key);
    for (const change of changes) this.change(change);
    this.nothing.hidden = this.rows.size > 0;
  }

  /** Show that a state began; or, where it is there already, how long it took. */
  change(record) {
    const key = JSON.stringify([record.camera, record.track, record.start]);
    if (!this.rows.has(key)) {
      const lasted = make("span", { className: "lasted" });
      const badge = make("span", { className: "badge", "aria-hidden": "true" }, letters(record.expression));
      const what = make("span", { className: "what" }, make("strong", {}, record.expression), ` · person ${record.track}`);
      this.#add(key, record.start, record.camera, [badge, what, lasted], { label: record.expression }, lasted);
    }
    const seconds = (Date.parse(record.end) - Date.parse(record.start)) / 1000;
    const row = this.rows.get(key); // none where it is older than what is shown
    if (row) say(row.lasted, record.end ? duration(seconds) : "now");
  }

  /** Nobody knows how long what this camera showed lasts: nothing comes from it. */
  interrupt(camera) {
    for (const row of this.rows.values()) if (row.camera === camera && row.lasted?.textContent === "now") say(row.lasted, "–");
  }

  /** Show what became of a camera. */
  camera(event, words) {
    const badge = make("span", { className: "badge", "aria-hidden": "true" }, event.state === "live" ? "✓" : "!");
    const what = make("span", { className: "what" }, make("strong", {}, words));
    if (event.trouble) what.append(` · ${event.trouble}`);
    this.#add(JSON.stringify([event.camera, event.time]), event.time, event.camera, [badge, what], { state: event.state }, null);
  }

  #add(key, time, camera, parts, data, lasted) {
    const at = Date.parse(time);
    const moment = make("time", { dateTime: time }, clock(at));
    const name = make("bdi", { className: "from", title: camera }, camera);
    const element = make("li", { data }, ...parts, make("span", { className: "place" }, moment, " ", name));
    element.at = at;
    element.key = key;
    const later = [...this.list.children].find((one) => one.at <= at) || null;
    this.list.insertBefore(element, later);
    this.rows.set(key, { element, lasted, camera });
    while (this.list.children.length > MOST) this.#drop(this.list.lastChild.key);
    this.nothing.hidden = true;
  }

  #drop(key) {
    this.rows.get(key).element.remove();
    this.rows.delete(key);
  }
}
