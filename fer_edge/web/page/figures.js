// How the run is: health with its reasons, the FPS figures, the share of the machine, the temperature.

import { figure, make, percent, say } from "./wording.js";

const STATUS = { healthy: "Healthy", degraded: "Degraded", down: "Down" };

export class Figures {
  constructor() {
    this.health = document.getElementById("health");
    this.status = document.getElementById("status");
    this.reasons = document.getElementById("reasons");
    this.list = document.getElementById("figures");
    this.values = new Map();
  }

  show(session) {
    const { fps, health } = session;
    const status = STATUS[health.status] || health.status;
    this.health.dataset.status = status.toLowerCase();
    say(this.status, status);
    const reasons = health.reasons.join("\n");
    if (reasons !== this.told) {
      this.told = reasons;
      this.reasons.replaceChildren(...health.reasons.map((reason) => make("li", {}, reason)));
    }
    this.#put("total", "FPS total", figure(fps.total), "frames a second that went through the whole chain");
    for (const [stage, value] of Object.entries(fps)) {
      if (stage !== "total") this.#put(stage, `FPS ${stage}`, figure(value), "what this stage alone could do a second", "capacity");
    }
    this.#put("share", "Share of the machine", percent(session.share ?? NaN), "processor time of this program, of all there is");
    const degrees = session.temperature_c;
    this.#put("heat", "Temperature", Number.isFinite(degrees) ? `${degrees.toFixed(1)} °C` : "–", "as the board tells it");
    return status;
  }

  #put(key, name, text, title, kind = "") {
    if (!this.values.has(key)) {
      const value = make("span");
      this.list.append(make("div", { title }, make("dt", {}, name), make("dd", {}, value, " ", make("small", {}, kind))));
      this.values.set(key, value);
    }
    say(this.values.get(key), text);
  }
}
