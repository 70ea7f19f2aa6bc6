// Who is in view of a camera: for each person the label, since when, and seven bars.

import { LABELS, confidence, duration, letters, make, percent, say } from "./wording.js";

export class People {
  constructor(camera) {
    this.list = make("ul", { className: "people", "aria-label": `Persons in view of ${camera}` });
    this.nobody = make("p", { className: "empty" }, "Nobody in view");
    this.element = make("div", { className: "in-view" }, this.list, this.nobody);
    this.panels = new Map();
    this.now = 0;
  }

  /** Show these persons, each where it was; who is gone makes room. */
  show(persons) {
    const here = new Set(persons.map((person) => person.id));
    for (const [id, panel] of this.panels) {
      if (here.has(id)) continue;
      panel.element.remove();
      this.panels.delete(id);
    }
    for (const person of [...persons].sort((one, other) => one.id - other.id)) {
      if (!this.panels.has(person.id)) {
        const panel = new Panel(person.id);
        this.panels.set(person.id, panel);
        this.list.append(panel.element);
      }
      this.panels.get(person.id).show(person);
      this.panels.get(person.id).tick(this.now);
    }
    this.nobody.hidden = persons.length > 0;
    this.#reach();
  }

  tick(now) {
    this.now = now;
    for (const panel of this.panels.values()) panel.tick(now);
  }

  /** Let the keyboard scroll what is wider or higher than its place, and stop nowhere else. */
  #reach() {
    const { list } = this;
    const over = list.scrollWidth > list.clientWidth + 1 || list.scrollHeight > list.clientHeight + 1;
    if (over) list.tabIndex = 0;
    else list.removeAttribute("tabindex");
  }
}

class Panel {
  constructor(id) {
    this.badge = make("span", { className: "badge", "aria-hidden": "true" });
    this.label = make("strong", { className: "label" });
    this.sure = make("span", { className: "sure" });
    this.since = make("span", { className: "since" });
    this.bars = LABELS.map((label) => new Bar(label));
    this.element = make(
      "li",
      { className: "person" },
      make("div", { className: "shows" }, this.badge, this.label, this.sure),
      make("p", { className: "who" }, `Person ${id} · `, make("span", { className: "unseen" }, "for "), this.since),
      make("ul", { className: "bars", "aria-label": `Probabilities of person ${id}` }, ...this.bars.map((bar) => bar.element)),
    );
  }

  show(person) {
    this.element.dataset.label = person.label;
    this.element.classList.toggle("uncertain", Boolean(person.uncertain));
    say(this.badge, letters(person.label));
    say(this.label, person.label + (person.uncertain ? "?" : ""));
    // As on the picture: beside a reason for doubt a percentage would only look like an answer.
    const doubted = person.doubt && person.doubt !== "low confidence";
    say(this.sure, doubted ? person.doubt : confidence(person.confidence));
    this.element.title = person.uncertain ? `Not to be trusted${person.doubt ? `: ${person.doubt}` : ""}` : "";
    this.began = Date.parse(person.since);
    for (const bar of this.bars) bar.show(person.probabilities[bar.label], bar.label === person.label);
  }

  tick(now) {
    say(this.since, Number.isFinite(this.began) ? duration((now - this.began) / 1000) : "");
  }
}

class Bar {
  constructor(label) {
    this.label = label;
    this.fill = make("span", { className: "fill" });
    this.value = make("span", { className: "value" });
    this.element = make(
      "li",
      { data: { label } },
      make("span", { className: "name" }, label),
      make("span", { className: "rail", "aria-hidden": "true" }, this.fill),
      this.value,
    );
  }

  show(share, leads) {
    const known = Number.isFinite(share) ? Math.min(1, Math.max(0, share)) : 0;
    this.fill.style.setProperty("--share", known.toFixed(3));
    this.element.classList.toggle("leads", leads);
    say(this.value, percent(known));
  }
}
