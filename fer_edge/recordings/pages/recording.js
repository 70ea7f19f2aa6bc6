"use strict";
// Tells what is at a time: for a mouse, a finger and the arrow keys. Without it the page shows the same.
(() => {
  const page = JSON.parse(document.getElementById("figures").textContent);
  const place = document.getElementById("along");
  const slider = document.getElementById("overtime");
  const readout = document.getElementById("readout");
  const field = place.querySelector(".area");
  const cursor = document.createElement("div");
  const most = 6;
  let step = 0;
  cursor.id = "cursor";
  cursor.hidden = true;
  place.appendChild(cursor);

  // Patterns as wide as they are high, however far the areas are stretched.
  function unstretch() {
    const scale = field.viewBox.baseVal.width / field.getBoundingClientRect().width;
    if (!Number.isFinite(scale)) return;
    document.querySelectorAll("pattern[id^=area-]").forEach((one) => one.setAttribute("patternTransform", `scale(${scale.toFixed(3)} 1)`));
  }

  function told(at) {
    const words = [page.steps[at]];
    const shown = page.people.filter(([, row]) => row[at] !== "-").map(([name, row]) => `${name} ${page.labels[Number(row[at])]}`);
    const count = page.count[at];
    words.push(count === null ? "nothing measured" : count === 0 ? "nobody in view" : `${count.toFixed(1)} in view`);
    if (shown.length) words.push(shown.slice(0, most).join(", ") + (shown.length > most ? ` and ${shown.length - most} more` : ""));
    if (page.valence[at] !== null) words.push(`valence ${page.valence[at] > 0 ? "+" : ""}${page.valence[at].toFixed(2)}`);
    return words.join(" · ");
  }

  function show(at) {
    step = Math.max(0, Math.min(page.steps.length - 1, at));
    const outer = place.getBoundingClientRect(), inner = field.getBoundingClientRect();
    const middle = Math.min((step + 0.5) * page.width, page.length) / page.length;
    cursor.hidden = false;
    cursor.style.left = `${inner.left - outer.left + middle * inner.width - 1}px`;
    readout.textContent = told(step);
    slider.setAttribute("aria-valuenow", step);
    slider.setAttribute("aria-valuetext", readout.textContent);
  }

  function point(event) {
    const inner = field.getBoundingClientRect();
    const part = (event.clientX - inner.left) / inner.width;
    if (part >= 0 && part < 1) show(Math.floor(part * page.length / page.width));
  }

  const moves = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10, Home: -Infinity, End: Infinity };
  slider.addEventListener("keydown", (event) => {
    if (!(event.key in moves) || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    show(step + moves[event.key]);
  });
  place.addEventListener("pointermove", point);
  place.addEventListener("pointerdown", point);
  slider.addEventListener("focus", () => show(step));
  window.addEventListener("resize", () => {
    unstretch();
    if (!cursor.hidden) show(step);
  });
  unstretch();
  readout.textContent = "Point at a place in the charts, or step along them with the arrow keys.";
  document.body.dataset.drawn = "yes";
})();
