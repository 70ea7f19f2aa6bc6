// The line to the program: events as they come, answers to questions, and the way back when it is lost.

const SILENCE = 12000; // milliseconds; figures come every two seconds
const PATIENCE = 8000; // milliseconds for an answer
const LONGEST_PAUSE = 10000;
const KINDS = ["hello", "status", "persons", "change", "camera", "lost"];

export class Connection {
  /**
   * @param {(kind: string, data: object) => void} told called with each event
   * @param {(connected: boolean) => void} changed called when the line is there, and when it is gone
   * @param {() => void} starved called when an answer takes too long: the browser may have no connection left for it
   */
  constructor(told, changed, starved) {
    Object.assign(this, { told, changed, starved });
    this.source = null;
    this.connected = null;
    this.pause = 500;
    this.offset = 0; // of the program's clock to ours, in milliseconds
  }

  /** The time of the machine that watches, in milliseconds. */
  now() {
    return Date.now() + this.offset;
  }

  open() {
    if (this.source || this.timer) return;
    this.source = new EventSource("api/events");
    for (const kind of KINDS) this.source.addEventListener(kind, (event) => this.#heard(kind, event.data));
    this.source.onerror = () => this.#again();
    this.#listen();
  }

  /** Let go of the line, and do not look for it. */
  close() {
    clearTimeout(this.timer);
    clearTimeout(this.watchdog);
    this.timer = null;
    if (this.source) this.source.close();
    this.source = null;
  }

  /** Ask for JSON. Throws where there is no answer; sends people who are not logged in to where they can. */
  async ask(path) {
    let answer;
    try {
      answer = await fetch(path, { signal: AbortSignal.timeout(PATIENCE), headers: { Accept: "application/json" } });
    } catch (error) {
      if (error.name === "TimeoutError") this.starved();
      throw error;
    }
    if (answer.status === 401) location.assign("login");
    if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
    return answer.json();
  }

  #listen() {
    clearTimeout(this.watchdog);
    this.watchdog = setTimeout(() => this.#again(), SILENCE);
  }

  #heard(kind, text) {
    this.#listen();
    let data;
    try {
      data = JSON.parse(text);
    } catch {
      return;
    }
    if (kind === "hello" || kind === "status") this.offset = (Date.parse(data.time) || Date.now()) - Date.now();
    if (kind === "hello") this.pause = 500;
    this.told(kind, data);
    if (kind === "hello") this.#set(true);
  }

  #set(connected) {
    if (connected === this.connected) return;
    this.connected = connected;
    this.changed(connected);
  }

  #again() {
    this.close();
    this.#set(false);
    this.timer = setTimeout(async () => {
      // A refusal cannot be told from silence by what EventSource says, so it is asked for by hand.
      await this.ask("api/cameras").catch(() => null);
      if (!this.timer) return;
      this.timer = null;
      this.open();
    }, this.pause);
    this.pause = Math.min(LONGEST_PAUSE, this.pause * 1.6);
  }
}
