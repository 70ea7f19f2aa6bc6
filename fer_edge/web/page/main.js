// The page: cameras, figures and events, as the program tells them.

import { Camera } from "./camera.js";
import { Connection } from "./connection.js";
import { Events } from "./events.js";
import { Figures } from "./figures.js";
import { PictureDesk } from "./pictures.js";
import { clock, say } from "./wording.js";

const find = (id) => document.getElementById(id);
const BECAME = { live: "Camera is back", waiting: "Camera is awaited", lost: "Camera lost", ended: "Camera has ended" };

const MANY = 6; // from more than so many cameras on, each is told in less room
const LEAST = 336; // pixels in width for a camera
const LEAST_OF_MANY = 272;

const cameras = new Map();
const desk = new PictureDesk();
const events = new Events();
const figures = new Figures();
const connection = new Connection(heard, changed, () => desk.yieldOne());
const page = { pictures: true, paused: false, health: "", outage: 0, news: [], host: "", reloading: 0, late: [] };

function heard(kind, data) {
  if (kind === "hello" || kind === "status") run(data);
  if (kind === "hello" || kind === "lost") reload();
  const camera = cameras.get(data.camera);
  if (!camera) return;
  if (kind === "persons") camera.persons(data);
  if (kind === "change") {
    change(camera, data);
    if (page.reloading) page.late.push(data);
  }
  if (kind === "camera" && data.state !== camera.state) became(camera, data);
}

function change(camera, data) {
  camera.states.change(data);
  events.change(data);
}

function became(camera, data) {
  if (data.state !== "live") {
    camera.states.interrupt(Date.parse(data.time));
    camera.people.show([]);
    events.interrupt(camera.name);
  }
  // The first picture of a run is no news; a camera that comes back is.
  const back = data.state === "live" && camera.state === "lost";
  if (data.state !== "live" || back) {
    events.camera(data, BECAME[data.state] || data.state);
    announce(`${camera.name}: ${BECAME[data.state] || data.state}`);
  }
  camera.become(data.state, data.trouble);
  desk.arrange();
  if (back) reload();
}

/** Take the figures of the run and of every camera. */
function run(data) {
  page.pictures = data.pictures;
  page.host = data.host;
  say(find("host"), data.host);
  say(find("version"), `fer-edge ${data.version}`);
  find("logout").hidden = !data.login;
  find("pause").hidden = !data.pictures;
  const status = figures.show(data.session);
  if (page.health && status !== page.health) announce(`The run is ${status.toLowerCase()}. ${data.session.health.reasons.join(". ")}`);
  page.health = status;
  deal(data.cameras, data.time);
  title();
}

/** Have a card for each camera, in the order that the program has. */
function deal(told, time) {
  const names = new Set(told.map((one) => one.name));
  for (const [name, camera] of cameras) {
    if (names.has(name)) continue;
    desk.remove(camera.picture);
    camera.element.remove();
    cameras.delete(name);
  }
  for (const one of told) {
    let camera = cameras.get(one.name);
    if (!camera) {
      camera = new Camera(one.name, enlarge);
      cameras.set(one.name, camera);
      find("cameras").append(camera.element);
      desk.add(camera.picture);
    } else if (one.state !== camera.state) {
      became(camera, { camera: one.name, state: one.state, trouble: one.trouble, time });
    }
    camera.told(one);
  }
  find("loading").hidden = cameras.size > 0;
  find("cameras").classList.toggle("many", cameras.size > MANY);
  columns();
  surround();
  route();
}

/** Lay the cameras out in rows that are as full as can be: nine stand three by three, not four, four and one. */
function columns() {
  const most = Math.max(1, Math.floor(find("cameras").clientWidth / (cameras.size > MANY ? LEAST_OF_MANY : LEAST)));
  const rows = Math.ceil(cameras.size / most) || 1;
  find("cameras").style.setProperty("--columns", Math.ceil(cameras.size / rows) || 1);
}

/** Ask for what happened before this page looked. */
async function reload() {
  page.reloading += 1;
  const answers = await Promise.all(
    [...cameras.values()].map(async (camera) => {
      const answer = await connection.ask(`api/cameras/${encodeURIComponent(camera.name)}/state?minutes=10`).catch(() => null);
      if (answer) camera.load(answer);
      return answer;
    }),
  );
  const states = answers.filter(Boolean).flatMap(({ camera, timeline }) =>
    timeline.states.map((state) => ({ camera, track: state.id, expression: state.label, start: state.start, end: state.end })),
  );
  if (answers.some(Boolean)) events.load(states);
  page.reloading -= 1;
  // What came meanwhile may not be in the answers.
  for (const data of page.late) if (cameras.has(data.camera)) change(cameras.get(data.camera), data);
  if (!page.reloading) page.late = [];
  for (const camera of cameras.values()) if (camera.state !== "live") events.interrupt(camera.name);
  tick();
}

function changed(connected) {
  if (!connected && !page.outage) page.outage = Date.now();
  if (connected) page.outage = 0;
  const banner = find("banner");
  banner.hidden = connected;
  if (!connected) say(banner, `No connection to the program since ${clock(page.outage)}. Trying again by itself.`);
  if (!connected || page.told === false) announce(connected ? "Connected again." : "No connection to the program.");
  page.told = connected;
  surround();
  title();
}

function surround() {
  const { pictures, paused } = page;
  const connected = Boolean(connection.connected);
  for (const camera of cameras.values()) camera.surround({ connected, pictures, paused });
  desk.allowed = connected && pictures && !paused && !document.hidden;
  desk.arrange();
}

function title() {
  const lost = [...cameras.values()].some((camera) => camera.state === "lost");
  document.title = `${page.outage ? "No connection – " : lost ? "Camera lost – " : ""}fer-edge${page.host ? ` on ${page.host}` : ""}`;
}

/** Read something aloud to who cannot see it; what comes together is told together. */
function announce(text) {
  page.news.push(text);
  clearTimeout(page.speak);
  page.speak = setTimeout(() => {
    say(find("announcer"), page.news.join(" "));
    page.news = [];
  }, 1000);
}

const chosen = () => {
  try {
    return decodeURIComponent(location.hash.replace(/^#camera=/, ""));
  } catch {
    return "";
  }
};

function enlarge(name) {
  location.hash = `camera=${encodeURIComponent(name)}`;
}

/** Show all cameras, or the one that the address names. */
function route() {
  const name = location.hash.startsWith("#camera=") && cameras.has(chosen()) ? chosen() : "";
  find("all").hidden = !name;
  find("cameras").classList.toggle("one", Boolean(name));
  for (const camera of cameras.values()) {
    camera.element.hidden = Boolean(name) && camera.name !== name;
    camera.enlarge.hidden = Boolean(name) || cameras.size < 2;
  }
}

function tick() {
  if (document.hidden) return;
  const now = connection.connected ? connection.now() : (page.outage || Date.now()) + connection.offset;
  for (const camera of cameras.values()) if (!camera.element.hidden) camera.tick(now);
}

find("pause").addEventListener("click", (event) => {
  page.paused = !page.paused;
  event.target.setAttribute("aria-pressed", String(page.paused));
  surround();
});
find("all").addEventListener("click", () => {
  const name = chosen();
  location.hash = "cameras";
  route();
  cameras.get(name)?.enlarge.focus();
});
window.addEventListener("hashchange", () => {
  route();
  tick();
});
window.addEventListener("resize", () => {
  columns();
  tick();
});
document.documentElement.addEventListener("themechange", tick);
document.addEventListener("visibilitychange", () => {
  // A page that nobody sees costs the program nothing.
  if (document.hidden) connection.close();
  else connection.open();
  surround();
  tick();
});
setInterval(tick, 1000);
if (!document.hidden) connection.open();
