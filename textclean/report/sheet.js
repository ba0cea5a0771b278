// One page: its pictures, flipped and tinted, and what was decided about its regions.

const ACTIONS = {
  fill: "filled", inpaint: "inpainted", unmix: "unmixed", keep: "kept", undecided: "undecided",
};
const sheet = { page: null, detail: null, after: false, mask: false, outlines: true, zoom: 0 };

function detailOf(page) {
  const held = byId(`page-${page.id}`);
  return held ? JSON.parse(held.textContent) : null;
}

function show(page) {
  sheet.page = page;
  sheet.detail = detailOf(page);
  sheet.zoom = 0;
  const { source, counts } = run.documents[page.document];
  byId("name").textContent = page.name;
  const several = run.documents.length > 1 ? ` of ${source}` : "";
  byId("place").textContent = counts.pages > 1 ? `Page ${figure.format(page.number)}${several}` : source;
  const reasons = page.reasons.length ? page.reasons : [summary(page)];
  byId("why").replaceChildren(...reasons.map((text, at) => {
    const item = make("li", { text });
    if (at === 0) item.prepend(levelTag(page), " ");
    return item;
  }));
  showPictures();
  showRegions();
  showNotes();
}

function levelTag(page) {
  const node = make("span", { class: "level", text: LEVELS[page.level] });
  node.dataset.level = page.level;
  return node;
}

function showPictures() {
  const { page, detail } = sheet;
  const there = page.pictures;
  byId("controls").hidden = !there;
  byId("paper").hidden = !there;
  byId("no-picture").hidden = there;
  for (const id of ["before", "after", "mask"]) byId(id).removeAttribute("src");
  byId("outlines").replaceChildren();
  byId("marks").replaceChildren();
  if (!there) {
    byId("no-picture").textContent = page.status === "skipped" ? "This page was not asked for."
      : run.left_out && page.thumbnail ? "This page's pictures were left out to bound the size of the report; more doubtful pages have theirs."
      : page.status === "failed" ? "This page could not be read, so there is no picture of it."
      : "An earlier run did this page; there is no picture of it here.";
    return;
  }
  byId("before").src = picture("before", page);
  if (page.patched) {
    byId("after").src = picture("patch", page);
    byId("mask").src = picture("patch", page);
  }
  byId("before").alt = `Page ${page.name}`;
  const [wide, high] = page.size;
  const regions = detail ? detail.regions : [];
  const lines = byId("outlines");
  lines.setAttribute("viewBox", `0 0 ${wide} ${high}`);
  regions.forEach((region, at) => {
    const shape = document.createElementNS("http://www.w3.org/2000/svg", "polygon");
    shape.setAttribute("points", region.polygon.map((point) => point.join()).join(" "));
    shape.dataset.action = actionOf(region);
    shape.dataset.at = at;
    shape.addEventListener("click", () => chooseRegion(at));
    lines.append(shape);
    const [x, y] = region.polygon.reduce((a, b) => (a[0] + a[1] <= b[0] + b[1] ? a : b));
    const label = make("span", { text: at + 1 });
    label.dataset.action = actionOf(region);
    label.style.left = `${(100 * Math.max(0, x)) / wide}%`;
    label.style.top = `${(100 * Math.max(0, y)) / high}%`;
    byId("marks").append(label);
  });
  flip();
  fit();
}

function actionOf(region) {
  return region.residual ? "residual" : region.action || "undecided";
}

function flip() {
  const { page } = sheet;
  const after = sheet.after && page !== null && page.patched && !looked;
  byId("after").hidden = !after;
  byId("mask").hidden = !(sheet.mask && page !== null && page.patched);
  byId("paper").dataset.outlines = String(sheet.outlines);
  byId("show-before").setAttribute("aria-pressed", String(!after));
  byId("show-after").setAttribute("aria-pressed", String(after));
  byId("show-after").disabled = page !== null && (!page.patched || looked);
  byId("show-mask").disabled = page !== null && !page.patched;
  byId("show-mask").setAttribute("aria-pressed", String(sheet.mask));
  byId("show-outlines").setAttribute("aria-pressed", String(sheet.outlines));
}

// Width of the picture at which all of it is seen; strips are shown at a width one can read.
function fitting() {
  const stage = byId("stage");
  const [wide, high] = sheet.page.size || [3, 4];
  const room = [Math.max(stage.offsetWidth - 26, 80), Math.max(stage.offsetHeight - 26, 80)];
  const whole = Math.min(room[0], (room[1] * wide) / high);
  return high > 3 * wide ? Math.max(whole, Math.min(room[0], 420)) : whole;
}

function fit() {
  sheet.zoom = 0;
  resize();
}

function resize() {
  if (!sheet.page) return;
  const [wide, high] = sheet.page.size || [3, 4];
  const width = fitting() * 1.25 ** sheet.zoom;
  byId("paper").style.width = `${width}px`;
  byId("paper").style.aspectRatio = `${wide} / ${high}`;
  byId("fit").setAttribute("aria-pressed", String(sheet.zoom === 0));
}

// Larger or smaller, about a point given as shares of the picture.
function zoom(steps, x = null, y = null) {
  if (!sheet.page) return;
  const stage = byId("stage");
  const paper = byId("paper");
  const at = [
    x ?? (stage.scrollLeft + stage.clientWidth / 2) / Math.max(paper.offsetWidth, stage.clientWidth),
    y ?? (stage.scrollTop + stage.clientHeight / 2) / Math.max(paper.offsetHeight, stage.clientHeight),
  ];
  sheet.zoom = Math.max(-4, Math.min(12, sheet.zoom + steps));
  resize();
  stage.scrollLeft = paper.offsetLeft + at[0] * paper.offsetWidth - stage.clientWidth / 2;
  stage.scrollTop = paper.offsetTop + at[1] * paper.offsetHeight - stage.clientHeight / 2;
}

function chooseRegion(at) {
  const items = [...byId("regions").children];
  const again = items[at].getAttribute("aria-current") === "true";
  emphasize(again ? -1 : at, true);
  if (again) {
    fit();
    return;
  }
  items[at].scrollIntoView({ block: "nearest" });
  const [wide, high] = sheet.page.size;
  const xs = sheet.detail.regions[at].polygon.map((point) => point[0]);
  const ys = sheet.detail.regions[at].polygon.map((point) => point[1]);
  const [left, right] = [Math.min(...xs), Math.max(...xs)];
  const [top, bottom] = [Math.min(...ys), Math.max(...ys)];
  const stage = byId("stage");
  sheet.zoom = 0;
  // The region takes about half of the view, and never more than three times its own pixels.
  const width = fitting();
  const wanted = Math.min(
    (stage.clientWidth / 2 / Math.max(right - left, 1)) * wide,
    (stage.clientHeight / 2 / Math.max(bottom - top, 1)) * wide,
    3 * wide,
  );
  const steps = Math.floor(Math.log(Math.max(wanted / width, 1)) / Math.log(1.25));
  zoom(steps, (left + right) / 2 / wide, (top + bottom) / 2 / high);
}

function emphasize(at, lasting = false) {
  const select = (nodes, name, on) => {
    [...nodes].forEach((node, index) => {
      if (index === at && on) node.setAttribute(name, "true");
      else node.removeAttribute(name);
    });
  };
  select(byId("outlines").children, lasting ? "data-chosen" : "data-pointed", true);
  select(byId("marks").children, lasting ? "data-chosen" : "data-pointed", true);
  if (lasting) select(byId("regions").children, "aria-current", true);
}

function showRegions() {
  const regions = sheet.detail ? sheet.detail.regions : [];
  const count = sheet.page.removed + sheet.page.kept;
  byId("regions-title").textContent = plural(count, "region");
  if (regions.length < count) {
    byId("regions-title").append(sheet.detail
      ? ": an earlier run decided about them, and nothing more is known here"
      : ": left out here to bound the size; report.json has them");
  }
  byId("regions").replaceChildren(...regions.map((region, at) => {
    const action = region.action || "undecided";
    const chip = make("span", { class: "action", text: ACTIONS[action] });
    chip.dataset.action = actionOf(region);
    const facts = [region.kind];
    if (region.confidence !== undefined) facts.push(`expected error ${region.confidence.toFixed(1)}`);
    if (region.score !== undefined) facts.push(`score ${region.score.toFixed(2)}`);
    if (region.residual) facts.push(`text still found, score ${region.residual.toFixed(2)}`);
    if (region.grown) facts.push(`mask grown ${region.grown} px`);
    const button = make("button", { type: "button" },
      make("span", { class: "line" }, make("b", { text: at + 1 }), chip,
        make("span", { class: "facts", text: facts.join(" · ") })),
      make("span", { class: "reason", text: region.reason || "" }));
    if (region.text) button.append(make("q", { text: region.text.replaceAll("\n", " ") }));
    button.addEventListener("click", () => chooseRegion(at));
    const item = make("li", {}, button);
    item.addEventListener("pointerenter", () => emphasize(at));
    item.addEventListener("pointerleave", () => emphasize(-1));
    return item;
  }));
}

function showNotes() {
  const { page, detail } = sheet;
  const notes = detail ? detail.warnings : [];
  byId("notes").replaceChildren();
  if (notes.length) {
    byId("notes").append(make("h3", { text: plural(notes.length, "warning") }),
      make("ul", {}, ...notes.map((text) => make("li", { text }))));
  }
  const stages = Object.entries(detail ? detail.stages : {});
  const inside = stages.reduce((sum, [, seconds]) => sum + seconds, 0);
  if (page.seconds > inside) stages.push(["files", page.seconds - inside]);
  byId("stages").replaceChildren(...stageRows(stages, page.seconds));
}

const STAGES = {
  ink: "read the ink", detect: "detect", mask: "mask", fill: "fill and inpaint",
  verify: "look again", compose: "compose", files: "read and write",
};

function stageRows(stages, total) {
  return stages.map(([stage, seconds]) => {
    const bar = make("i");
    bar.style.width = `${total ? Math.min(100, (100 * seconds) / total) : 0}%`;
    return make("div", {}, make("span", { text: STAGES[stage] || stage }),
      make("span", { class: "meter" }, bar), make("span", { class: "figure", text: duration(seconds) }));
  });
}
