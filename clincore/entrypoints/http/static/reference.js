// The list of calls, narrowed while one types; without scripts the page only lacks this field.
"use strict";

const field = document.querySelector("nav input");
const entries = [...document.querySelectorAll("nav li")];
const groups = [...document.querySelectorAll("nav section")];

field.hidden = false;
field.addEventListener("input", () => {
  const wanted = field.value.trim().toLowerCase();
  for (const entry of entries) {
    const text = `${entry.textContent} ${entry.title}`.toLowerCase();
    entry.hidden = !wanted.split(/\s+/).every((word) => text.includes(word));
  }
  for (const group of groups) {
    group.hidden = !group.querySelector("li:not([hidden])");
  }
});
