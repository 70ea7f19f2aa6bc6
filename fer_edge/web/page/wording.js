// How things are told: expressions, durations, moments, figures; and making elements whose text can never become markup.

export const LABELS = ["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"];

/** Two letters that tell an expression where colour is not enough and the word does not fit. */
export const letters = (label) => label.charAt(0).toUpperCase() + label.charAt(1);

export const percent = (share) => (Number.isFinite(share) ? `${Math.round(100 * share)} %` : "–");

/** A confidence: never 100, as no network is quite sure. */
export const confidence = (share) => `${Math.min(99, Math.round(100 * (Number.isFinite(share) ? share : 0)))} %`;

export function figure(value) {
  if (!Number.isFinite(value)) return "–";
  return value < 99.95 ? value.toFixed(1) : String(Math.round(value));
}

export const signed = (value) => (Number.isFinite(value) ? `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)}` : "–");

export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min${whole % 60 ? ` ${whole % 60} s` : ""}`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

const two = (number) => String(number).padStart(2, "0");

export function clock(milliseconds, withSeconds = true) {
  const at = new Date(milliseconds);
  const minutes = `${two(at.getHours())}:${two(at.getMinutes())}`;
  return withSeconds ? `${minutes}:${two(at.getSeconds())}` : minutes;
}

/** Make an element. `properties` are set as properties, `data` as data attributes, the rest as attributes; children are text or elements. */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "data") Object.assign(element.dataset, value);
    else if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** Set a text only where it changed, so that nothing is laid out or read aloud anew. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
