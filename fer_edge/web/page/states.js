// What a camera saw in the last ten minutes: the states of its persons, and how pleasant they looked.

export const SPAN = 600000; // milliseconds
const SILENCE = 15000; // milliseconds without a result after which the program calls a camera lost

export class States {
  constructor() {
    this.states = new Map(); // by person and beginning
    this.valence = []; // [milliseconds, mean or null]
  }

  /** Take what the program remembers, in place of what was known. */
  load(timeline) {
    this.states.clear();
    for (const state of timeline.states) this.#put(state.id, state.label, state.start, state.end, state.valence);
    this.valence = [];
    for (const [seconds, mean] of timeline.valence) {
      const last = this.valence[this.valence.length - 1];
      if (last && seconds * 1000 - last[0] > SILENCE) this.valence.push([last[0] + 1000, null]);
      this.valence.push([seconds * 1000, mean]);
    }
  }

  /** Take it that nothing has come since the last result that is known. */
  silent() {
    const last = this.valence[this.valence.length - 1];
    if (last) this.interrupt(last[0] + 1000);
  }

  /** Take the beginning or the end of a state. */
  change(record) {
    this.#put(record.track, record.expression, record.start, record.end, record.valence);
  }

  /** Take how pleasant the persons look now, at most once a second; null where there is nobody. */
  mean(at, value) {
    const last = this.valence[this.valence.length - 1];
    if (last && at - last[0] < 1000 && (last[1] === null) === (value === null)) return;
    this.valence.push([at, value]);
  }

  forget(now) {
    for (const [key, state] of this.states) if ((state.end ?? now) < now - SPAN) this.states.delete(key);
    const first = this.valence.findIndex(([at]) => at >= now - SPAN);
    if (first > 1) this.valence.splice(0, first - 1); // one that is older leads into the picture
  }

  /** Nobody can be seen any more: what is open ends. */
  interrupt(at) {
    for (const state of this.states.values()) state.end ??= Math.max(at, state.start);
    this.mean(at, null);
  }

  newestFirst() {
    return [...this.states.values()].sort((one, other) => other.start - one.start);
  }

  /** Deal the states onto lanes on which none lies over another; a person stays on one where that can be. */
  lanes() {
    const lanes = [];
    const home = new Map();
    for (const state of this.newestFirst().reverse()) {
      const free = (lane) => lanes[lane] === undefined || lanes[lane] <= state.start;
      let lane = home.get(state.id);
      if (lane === undefined || !free(lane)) for (lane = 0; !free(lane); lane += 1);
      home.set(state.id, lane);
      lanes[lane] = state.end ?? Infinity;
      state.lane = lane;
    }
    return lanes.length;
  }

  #put(id, label, start, end, valence) {
    const began = Date.parse(start);
    const state = { id, label, start: began, end: end ? Date.parse(end) : null, valence };
    if (Number.isFinite(began)) this.states.set(`${id} ${began}`, state);
  }
}
