// The card of one camera: its name and state, picture, persons and timeline.

import { People } from "./people.js";
import { Picture } from "./pictures.js";
import { States } from "./states.js";
import { Timeline } from "./timeline.js";
import { figure, make, say } from "./wording.js";

const STATES = { live: "Live", waiting: "Waiting", lost: "Lost", ended: "Ended" };
const VEILS = { waiting: "Waiting for the first picture", lost: "Camera lost", ended: "The camera has ended" };

export class Camera {
  constructor(name, onenlarge) {
    this.name = name;
    this.state = "waiting";
    this.trouble = "";
    this.states = new States();
    this.people = new People(name);
    this.timeline = new Timeline(name, this.states);
    this.canvas = make("canvas", { className: "view", width: 640, height: 480, role: "img", "aria-label": `Live picture of ${name}` });
    this.picture = new Picture(name, this.canvas);
    this.picture.onchange = () => this.#veil();
    this.chip = make("span", { className: "chip" });
    this.rate = make("span", { className: "rate" });
    this.title = make("bdi", { className: "name", title: name }, name);
    this.enlarge = make("button", { type: "button", className: "enlarge", "aria-label": `Enlarge ${name}` }, "Enlarge");
    this.enlarge.addEventListener("click", () => onenlarge(name));
    this.veilTitle = make("strong");
    this.veilText = make("span");
    this.veil = make("div", { className: "veil" }, this.veilTitle, this.veilText);
    const head = make("header", {}, make("h3", {}, this.title), this.chip, this.rate, this.enlarge);
    this.frame = make("div", { className: "frame" }, this.canvas, this.veil);
    const body = make("div", { className: "body" }, head, this.frame, this.people.element, this.timeline.element);
    this.element = make("article", { className: "camera card", "aria-label": name }, body);
    this.context = { connected: false, pictures: true, paused: false };
    this.people.show([]);
  }

  /** Take what the program says of the camera. */
  told(said) {
    if (said.size) this.frame.style.setProperty("--ratio", `${said.size[0]} / ${said.size[1]}`);
    this.become(said.state, said.trouble);
    say(this.rate, said.fps ? `${figure(said.fps.total)} fps` : "");
    this.rate.title = said.fps ? Object.entries(said.fps).map(([stage, value]) => `FPS ${stage} ${figure(value)}`).join(", ") : "";
  }

  /** Take the state of the camera: live, waiting, lost or ended. */
  become(state, trouble) {
    Object.assign(this, { state, trouble });
    this.picture.live = state === "live";
    this.element.dataset.state = state;
    say(this.people.nobody, state === "live" ? "Nobody in view" : "Not known, as nothing comes from the camera");
    say(this.chip, STATES[state] || state);
    this.#veil();
  }

  /** Take the whole state, as after a new connection. */
  load(answer) {
    this.states.load(answer.timeline);
    if (this.state !== "live") this.states.silent();
    this.people.show(this.state === "live" ? answer.persons : []); // else those that were last seen
  }

  persons(event) {
    this.people.show(event.persons);
    const known = event.persons.map((person) => person.valence).filter(Number.isFinite);
    const mean = known.length ? known.reduce((sum, value) => sum + value, 0) / known.length : null;
    this.states.mean(Date.parse(event.time), mean);
  }

  /** Take what holds for the whole page. */
  surround(context) {
    this.context = context;
    this.element.classList.toggle("stale", !context.connected);
    this.element.classList.toggle("data-only", !context.pictures);
    this.#veil();
  }

  tick(now) {
    this.people.tick(now);
    this.timeline.paint(now);
  }

  /** Say in place of the picture, or above it, why there is none. */
  #veil() {
    const { connected, pictures, paused } = this.context;
    const { problem } = this.picture;
    let words = null;
    if (!connected) words = ["No connection", "to the program"];
    else if (this.state !== "live") words = [VEILS[this.state] || this.state, this.trouble];
    else if (!pictures) words = ["No pictures", "The program was started to give data only"];
    else if (problem) words = ["No picture", problem];
    else if (paused) words = ["Paused", ""];
    else if (!this.picture.drawn) words = ["", "Loading the picture…"];
    this.veil.hidden = !words;
    say(this.veilTitle, words ? words[0] : "");
    say(this.veilText, words ? words[1] : "");
  }
}
