/* Sorts a table by the column whose heading is pressed, and names each cell by its column, for where there is no room
   for columns. Without it the page is the same, in its own order, and wide tables are scrolled. */
"use strict";
for (const table of document.querySelectorAll("table")) {
  const body = table.tBodies[0], headings = table.tHead ? [...table.tHead.rows[0].cells] : [];
  for (const row of body ? body.rows : [])
    [...row.cells].forEach((cell, place) => { cell.dataset.head = headings[place] ? headings[place].textContent : ""; });
  if (body && headings.length) table.classList.add("stacks");
  if (!body || body.rows.length < 2) continue;
  headings.forEach((heading, place) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const down = heading.getAttribute("aria-sort") !== "descending";
      headings.forEach((each) => each.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", down ? "descending" : "ascending");
      const rows = [...body.rows].map((row) => [key(row.cells[place]), row]);
      const numbers = rows.every(([text]) => text === "" || !Number.isNaN(number(text)));
      rows.sort(([a], [b]) => {
        if (a === "" || b === "") return (a === "") - (b === "");
        const order = numbers ? number(a) - number(b) : a.localeCompare(b, "en", { numeric: true });
        return down ? -order : order;
      });
      body.append(...rows.map(([, row]) => row));
    });
  });
}

function key(cell) {
  const text = cell ? (cell.dataset.key ?? cell.textContent).replace(/\s+/g, " ").trim() : "";
  return text === "–" ? "" : text;
}

function number(text) {
  if (/^\d{4}-\d\d-\d\d/.test(text)) return NaN;
  const found = /^[≤≥+]? ?(-?[\d,]+(?:\.\d+)?(?:e-?\d+)?)(?![\w-])/.exec(text);
  return found ? Number(found[1].replaceAll(",", "")) : NaN;
}
