"use strict";
// The list of pages: what is shown, in which order, and only the rows that are in view.

const byId = (id) => document.getElementById(id);
const run = JSON.parse(byId("run").textContent);
const pages = run.pages;
const figure = new Intl.NumberFormat("en");

const LEVELS = {
  failed: "Failed",
  residual: "Text left",
  look: "Worth a look",
  clean: "Clean",
  untouched: "Untouched",
  skipped: "Skipped",
};
const looked = run.documents.length > 0 && run.documents.every((item) => item.output === null);
if (looked) LEVELS.clean = "To be cleaned";

const ROW = 68; // pixels; as in the style
const SPARE = 6; // rows above and below the view

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") node.textContent = value;
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

function plural(count, noun) {
  return `${figure.format(count)} ${noun}${count === 1 ? "" : "s"}`;
}

function duration(seconds) {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 100) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 100 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function bytes(count) {
  if (count < 1e6) return `${Math.ceil(count / 1e3)} kB`;
  return `${(count / 1e6).toFixed(count < 1e7 ? 1 : 0)} MB`;
}

// Where a picture is: in an inert element of this file, or in the folder beside it.
function picture(kind, page) {
  const format = kind === "patch" ? "webp" : "jpeg";
  if (run.folder === null) {
    const held = byId(`${kind}-${page.id}`);
    return held ? `data:image/${format};base64,${held.textContent}` : "";
  }
  const name = `${String(page.id).padStart(6, "0")}-${kind}.${format.replace("jpeg", "jpg")}`;
  return `${encodeURIComponent(run.folder)}/${name}`;
}

const orders = {
  doubt: (a, b) => a.rank - b.rank,
  run: (a, b) => a.id - b.id,
  seconds: (a, b) => b.seconds - a.seconds || a.rank - b.rank,
  regions: (a, b) => b.removed + b.kept - a.removed - a.kept || a.rank - b.rank,
  name: (a, b) => a.name.localeCompare(b.name, "en", { numeric: true }) || a.id - b.id,
};

pages.forEach((page, rank) => {
  page.rank = rank;
  page.words = [page.name, page.status, ...page.kinds, ...page.actions, ...page.reasons]
    .join("\n").toLowerCase();
});

const list = { shown: [], level: "all", query: "", order: "doubt", chosen: null, nodes: new Map() };

function refresh() {
  const words = list.query.toLowerCase().split(/\s+/).filter(Boolean);
  list.shown = pages.filter(
    (page) =>
      (list.level === "all" || list.level === page.level ||
        (list.level === "warned" && page.warned)) &&
      words.every((word) => page.words.includes(word)),
  );
  list.shown.sort(orders[list.order]);
  list.shown.forEach((page, at) => { page.at = at; });
  for (const node of list.nodes.values()) node.remove();
  list.nodes.clear();
  byId("rows").style.height = `${list.shown.length * ROW}px`;
  byId("count").textContent = counted();
  draw();
}

function counted() {
  if (!run.total) return "No page was processed.";
  if (!list.shown.length) return "No page fits. Clear the search or choose All.";
  const whole = plural(run.total, "page");
  const shown = list.shown.length;
  return shown === run.total ? whole : `${figure.format(shown)} of ${whole}`;
}

function draw() {
  const scroll = byId("scroll");
  const first = Math.max(0, Math.floor(scroll.scrollTop / ROW) - SPARE);
  const last = Math.min(
    list.shown.length, Math.ceil((scroll.scrollTop + scroll.clientHeight) / ROW) + SPARE,
  );
  for (const [id, node] of list.nodes) {
    const at = Number(node.dataset.at);
    if (at < first || at >= last) {
      node.remove();
      list.nodes.delete(id);
    }
  }
  for (let at = first; at < last; at += 1) {
    const page = list.shown[at];
    if (list.nodes.has(page.id)) continue;
    const node = row(page, at);
    list.nodes.set(page.id, node);
    byId("rows").append(node);
  }
}

function row(page, at) {
  const node = make("div", {
    class: "row", role: "option", id: `row-${page.id}`,
    "aria-selected": String(page === list.chosen),
    "aria-posinset": at + 1, "aria-setsize": list.shown.length,
  });
  node.dataset.at = at;
  node.dataset.level = page.level;
  node.style.transform = `translateY(${at * ROW}px)`;
  const thumb = make("div", { class: "thumb" });
  if (page.thumbnail) {
    thumb.append(make("img", { src: picture("thumbnail", page), alt: "", decoding: "async" }));
  }
  const name = make("div", { class: "name", text: page.name, title: page.name });
  if (run.documents.length > 1) {
    const source = documentName(run.documents[page.document].source);
    if (source !== page.name) name.append(make("span", { class: "of", text: source }));
  }
  const why = make("div", { class: "reason", text: summary(page) });
  const aside = make("div", { class: "aside" }, badge(page), make("span", {
    class: "seconds", text: page.status === "skipped" ? "" : duration(page.seconds),
  }));
  node.append(thumb, make("div", { class: "what" }, name, why), aside);
  node.addEventListener("click", () => choose(page, { open: true }));
  return node;
}

function summary(page) {
  if (page.reasons.length && page.level !== "clean") return page.reasons[0];
  const parts = [];
  if (page.removed) parts.push(`${page.removed} ${looked ? "to remove" : "removed"}`);
  if (page.kept) parts.push(`${page.kept} kept`);
  return parts.join(", ") || "no text found";
}

function badge(page) {
  const node = make("span", { class: "badge" });
  node.dataset.level = page.level;
  if (page.level === "look" || page.level === "clean") {
    node.textContent = Math.floor(page.value);
    node.title = `Doubt ${page.value.toFixed(1)}, as an expected error in grey levels of 255`;
  } else {
    node.textContent = LEVELS[page.level].toLowerCase();
  }
  return node;
}

function reveal(page) {
  const scroll = byId("scroll");
  const top = page.at * ROW;
  if (top < scroll.scrollTop) scroll.scrollTop = top;
  else if (top + ROW > scroll.scrollTop + scroll.clientHeight) {
    scroll.scrollTop = top + ROW - scroll.clientHeight;
  }
  draw();
}

function mark(page) {
  const before = list.chosen && list.nodes.get(list.chosen.id);
  if (before) before.setAttribute("aria-selected", "false");
  list.chosen = page;
  if (list.shown[page.at] === page) reveal(page);
  const node = list.nodes.get(page.id);
  if (node) node.setAttribute("aria-selected", "true");
  byId("scroll").setAttribute("aria-activedescendant", node ? node.id : "");
}

// The page so many rows further down, or the nearest there is.
function neighbour(steps) {
  if (!list.shown.length) return null;
  const here = list.chosen && list.shown[list.chosen.at] === list.chosen ? list.chosen.at : -1;
  const at = here < 0 ? 0 : Math.min(list.shown.length - 1, Math.max(0, here + steps));
  return list.shown[at];
}
