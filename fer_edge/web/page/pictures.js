// Pictures: which cameras give a stream, which a picture a second, and the canvas on which they are drawn.

const STREAMS = 3; // browsers open six connections to an address, and others of our windows need some
const AGAIN = 60000; // milliseconds for which one less is taken, where other questions had to wait
const STALE = 6000; // milliseconds without a picture from a camera that gives some
const LARGEST = 32 << 20;
const END_OF_HEAD = [13, 10, 13, 10];

/** The picture of one camera. */
export class Picture {
  constructor(name, canvas) {
    this.name = encodeURIComponent(name);
    this.canvas = canvas;
    this.visible = false;
    this.live = false;
    this.problem = ""; // why there is none, as the program says it
    this.drawn = false; // whether there ever was one
    this.onchange = () => {};
    this.waits = 0; // until then nothing is asked for
  }

  stream() {
    if (this.control || Date.now() < this.waits) return;
    const control = new AbortController();
    this.control = control;
    this.seen = Date.now();
    this.#read(control).catch((error) => {
      control.abort();
      if (this.control === control) this.control = null;
      this.#failed(error);
    });
  }

  stop() {
    if (this.control) this.control.abort();
    this.control = null;
  }

  /** Begin anew where nothing has come for long. */
  check() {
    if (this.control && this.live && Date.now() - this.seen > STALE) this.stop();
  }

  async snapshot() {
    if (Date.now() < this.waits) return;
    try {
      const answer = await fetch(`api/cameras/${this.name}/snapshot.jpg`, { signal: AbortSignal.timeout(8000), cache: "no-store" });
      await this.#accepted(answer);
      await this.#draw(await answer.blob());
    } catch (error) {
      this.#failed(error);
    }
  }

  async #read(control) {
    const answer = await fetch(`api/cameras/${this.name}/live.mjpg`, { signal: control.signal, cache: "no-store" });
    await this.#accepted(answer);
    const reader = answer.body.getReader();
    let held = new Uint8Array(0);
    for (;;) {
      const { done, value } = await reader.read();
      if (done) throw new Error("the stream ended");
      held = joined(held, value);
      let newest = null;
      for (let part = cut(held); part; part = cut(held)) {
        newest = part.picture;
        held = part.rest;
      }
      if (newest && control === this.control) {
        this.seen = Date.now();
        await this.#draw(new Blob([newest], { type: "image/jpeg" }));
      }
    }
  }

  async #accepted(answer) {
    if (answer.ok) return;
    if (answer.status === 401) location.assign("login");
    const told = await answer.json().catch(() => ({}));
    const error = new Error(told.error || `The program answered ${answer.status}.`);
    error.told = true;
    throw error;
  }

  async #draw(blob) {
    const bitmap = await createImageBitmap(blob);
    const { canvas } = this;
    if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) {
      canvas.width = bitmap.width;
      canvas.height = bitmap.height;
    }
    canvas.getContext("2d").drawImage(bitmap, 0, 0);
    bitmap.close();
    if (this.drawn && !this.problem) return;
    this.drawn = true;
    this.#tell("");
  }

  #failed(error) {
    if (error.name === "AbortError") return;
    this.waits = Date.now() + (error.told ? 5000 : 1500);
    if (error.told) this.#tell(error.message);
  }

  #tell(problem) {
    this.problem = problem;
    this.onchange();
  }
}

/** Deals out the few connections to the pictures that somebody can see. */
export class PictureDesk {
  constructor() {
    this.pictures = [];
    this.allowed = false;
    this.limit = STREAMS;
    this.turning = false;
    this.observer = new IntersectionObserver((entries) => {
      for (const entry of entries) this.#of(entry.target).visible = entry.isIntersecting;
      this.arrange();
    });
    setInterval(() => this.arrange(), 1000);
  }

  add(picture) {
    this.pictures.push(picture);
    this.observer.observe(picture.canvas);
  }

  remove(picture) {
    picture.stop();
    this.observer.unobserve(picture.canvas);
    this.pictures = this.pictures.filter((one) => one !== picture);
  }

  /** Give a connection back: other questions wait for one. */
  yieldOne() {
    if (!this.limit) return;
    this.limit -= 1;
    setTimeout(() => (this.limit += 1), AGAIN);
    this.arrange();
  }

  arrange() {
    const wanted = this.allowed ? this.pictures.filter((one) => one.visible && one.live) : [];
    const streams = new Set(wanted.slice(0, this.limit));
    for (const picture of this.pictures) {
      picture.check();
      if (!streams.has(picture)) picture.stop();
    }
    for (const picture of streams) picture.stream();
    this.turn = wanted.filter((one) => !streams.has(one));
    if (this.turn.length && !this.turning) this.#inTurn();
  }

  async #inTurn() {
    this.turning = true;
    while (this.turn.length) {
      const pause = new Promise((resolve) => setTimeout(resolve, 1000));
      for (const picture of [...this.turn]) if (this.turn.includes(picture)) await picture.snapshot();
      await pause;
    }
    this.turning = false;
  }

  #of(canvas) {
    return this.pictures.find((one) => one.canvas === canvas) || {};
  }
}

function joined(first, second) {
  if (!first.length) return second;
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

/** Take the first whole part off what was read, or null while there is none. */
function cut(bytes) {
  const head = ends(bytes);
  if (head < 0) {
    if (bytes.length > 4096) throw new Error("this is no stream of pictures");
    return null;
  }
  const length = /content-length:\s*(\d+)/i.exec(new TextDecoder("latin1").decode(bytes.subarray(0, head)));
  if (!length || Number(length[1]) > LARGEST) throw new Error("this is no stream of pictures");
  const end = head + Number(length[1]);
  return bytes.length < end ? null : { picture: bytes.subarray(head, end), rest: bytes.subarray(end) };
}

function ends(bytes) {
  const last = Math.min(bytes.length - 4, 4096);
  for (let at = 0; at <= last; at += 1) if (END_OF_HEAD.every((byte, index) => bytes[at + index] === byte)) return at + 4;
  return -1;
}
