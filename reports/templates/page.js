"use strict";
(() => {
  const all = (selector) => document.querySelectorAll(selector);
  const tools = document.querySelector(".tools");
  tools.hidden = false;
  tools.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    for (const details of all("details:not(.more)")) details.open = button.dataset.open === "1";
  });
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...all("details:not(.more):not([open])")];
    for (const details of folded) details.open = true;
  });
  addEventListener("afterprint", () => {
    for (const details of folded) details.open = false;
  });
})();
