"use strict";
// Sorts the recordings by a column. Without it they stand in the order of their names.
(() => {
  const body = document.querySelector("#recordings tbody");
  const heads = [...document.querySelectorAll("#recordings thead th")];
  const before = body ? [...body.rows] : [];

  function figure(row, column) {
    const cell = row.cells[column].querySelector("[data-v]");
    return cell === null ? null : Number(cell.dataset.v);
  }

  function sort(column, falling) {
    const rows = before.slice();
    if (column > 0) {
      rows.sort((one, other) => {
        const a = figure(one, column), b = figure(other, column);
        // What is not known comes last, whichever way.
        if (a === null || b === null) return (a === null) - (b === null);
        return falling ? b - a : a - b;
      });
    } else if (falling) rows.reverse();
    body.append(...rows);
    heads.forEach((head, number) => {
      if (number === column) head.setAttribute("aria-sort", falling ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
  }

  heads.forEach((head, column) => {
    if (column > 0 && !before.some((row) => row.cells[column].querySelector("[data-v]"))) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const now = head.getAttribute("aria-sort");
      // Figures are mostly looked at for the largest.
      sort(column, column > 0 ? now !== "descending" : now === "ascending");
    });
  });
  if (heads.length) heads[0].setAttribute("aria-sort", "ascending");
  document.body.dataset.drawn = "yes";
})();
