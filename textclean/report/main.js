// Putting it together: choosing pages, keys, and the address, which remembers the page.

const narrow = window.matchMedia("(max-width: 859px)");

function choose(page, { open = false } = {}) {
  if (page === null) return;
  mark(page);
  show(page);
  const address = `#page-${page.id}`;
  if (open && narrow.matches && !document.body.classList.contains("open")) {
    document.body.classList.add("open");
    window.history.pushState(null, "", address);
    byId("back").focus();
  } else {
    window.history.replaceState(null, "", address);
  }
  if (narrow.matches) fit();
}

function close() {
  document.body.classList.remove("open");
  byId("scroll").focus();
}

function toggle(name) {
  sheet[name] = !sheet[name];
  flip();
}

const keys = {
  j: () => choose(neighbour(1)),
  k: () => choose(neighbour(-1)),
  " ": () => toggle("after"),
  f: () => toggle("after"),
  m: () => toggle("mask"),
  o: () => toggle("outlines"),
  "+": () => zoom(1),
  "=": () => zoom(1),
  "-": () => zoom(-1),
  0: fit,
  "/": () => byId("search").focus(),
};

const listKeys = {
  ArrowDown: () => neighbour(1),
  ArrowUp: () => neighbour(-1),
  PageDown: () => neighbour(Math.max(1, Math.floor(byId("scroll").clientHeight / ROW) - 1)),
  PageUp: () => neighbour(-Math.max(1, Math.floor(byId("scroll").clientHeight / ROW) - 1)),
  Home: () => list.shown[0] || null,
  End: () => list.shown[list.shown.length - 1] || null,
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || byId("run-dialog").open) return;
  const target = event.target;
  if (event.key === "Escape") {
    if (target === byId("search")) {
      byId("scroll").focus();
    } else if (document.body.classList.contains("open") && narrow.matches) {
      window.history.back();
    } else {
      emphasize(-1, true);
      fit();
    }
    return;
  }
  if (target.matches("input, select")) return;
  if (target === byId("scroll") && listKeys[event.key]) {
    event.preventDefault();
    choose(listKeys[event.key]());
    return;
  }
  if (target === byId("scroll") && event.key === "Enter") {
    choose(list.chosen, { open: true });
    return;
  }
  // Space and letters do what a focused button does, not what the page does.
  if (event.key === " " && target.matches("button")) return;
  const act = keys[event.key.length === 1 ? event.key.toLowerCase() : ""];
  if (act) {
    event.preventDefault();
    act();
  }
});

// After a click with a pointer the keys are the page's again: Space flips, whatever was clicked.
document.addEventListener("click", (event) => {
  if (event.detail > 0 && event.target.closest(".controls button, .regions button")) {
    byId("stage").focus({ preventScroll: true });
  }
});

byId("scroll").addEventListener("scroll", () => window.requestAnimationFrame(draw), { passive: true });
byId("search").addEventListener("input", (event) => {
  list.query = event.target.value;
  byId("scroll").scrollTop = 0;
  refresh();
});
byId("order").addEventListener("change", (event) => {
  list.order = event.target.value;
  byId("scroll").scrollTop = 0;
  refresh();
});
byId("previous").addEventListener("click", () => choose(neighbour(-1)));
byId("next").addEventListener("click", () => choose(neighbour(1)));
byId("show-before").addEventListener("click", () => { sheet.after = false; flip(); });
byId("show-after").addEventListener("click", () => { sheet.after = true; flip(); });
byId("show-mask").addEventListener("click", () => toggle("mask"));
byId("show-outlines").addEventListener("click", () => toggle("outlines"));
byId("fit").addEventListener("click", fit);
byId("larger").addEventListener("click", () => zoom(1));
byId("smaller").addEventListener("click", () => zoom(-1));
byId("about").addEventListener("click", aboutRun);
byId("back").addEventListener("click", () => window.history.back());
window.addEventListener("popstate", close);
new ResizeObserver(() => { if (sheet.page && sheet.page.pictures) resize(); }).observe(byId("stage"));
new ResizeObserver(draw).observe(byId("scroll"));

showHeading();
showFilters();
refresh();
if (list.shown.length) {
  const wanted = pages.find((page) => `#page-${page.id}` === window.location.hash);
  choose(wanted || list.shown[0]);
} else {
  document.body.classList.add("nothing");
}
