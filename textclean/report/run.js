// The run as a whole: title, totals, filters, and what lies behind "About this run".

function documentName(path) {
  return path.split(/[\\/]/).filter(Boolean).pop() || path;
}

function showHeading() {
  const documents = run.documents;
  const named = documents.length === 1
    ? documentName(documents[0].source)
    : plural(documents.length, "document");
  byId("title").textContent = named;
  document.title = `${named}: textclean report`;
  const seconds = documents.reduce((sum, item) => sum + item.seconds, 0);
  const worked = run.total - (run.levels.skipped || 0);
  const parts = [
    `${plural(worked, "page")} ${looked ? "looked at" : "processed"} in ${duration(seconds)}`,
    seconds > 0 ? `${(worked / seconds).toFixed(2)} pages/s` : "",
    plural(documents.reduce((sum, item) => sum + item.counts.removed, 0), "region")
      + (looked ? " to remove" : " removed"),
    new Date(run.created).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" }),
  ];
  byId("facts").textContent = parts.filter(Boolean).join(" · ");
  if (run.failed_documents.length) {
    const failed = `${plural(run.failed_documents.length, "input")} failed`;
    byId("facts").prepend(make("span", { class: "failing", text: failed }), " · ");
  }
}

function showFilters() {
  const warned = pages.filter((page) => page.warned).length;
  const choices = [["all", "All", run.total]];
  for (const [level, name] of Object.entries(LEVELS)) {
    if (run.levels[level]) choices.push([level, name, run.levels[level]]);
  }
  if (warned) choices.push(["warned", "With warnings", warned]);
  byId("filters").replaceChildren(...choices.map(([level, name, count]) => {
    const button = make("button", { type: "button", "aria-pressed": String(level === list.level) },
      make("span", { text: name }), make("b", { text: figure.format(count) }));
    button.dataset.level = level;
    button.addEventListener("click", () => filter(level));
    return button;
  }));
  byId("share").replaceChildren(...choices.filter(([level]) => LEVELS[level]).map(
    ([level, , count]) => {
      const part = make("i");
      part.dataset.level = level;
      part.style.flexGrow = count;
      return part;
    },
  ));
}

function filter(level) {
  list.level = level;
  for (const button of byId("filters").children) {
    button.setAttribute("aria-pressed", String(button.dataset.level === level));
  }
  byId("scroll").scrollTop = 0;
  refresh();
}

// Columns whose heads begin with "#" hold figures.
function table(heads, rows) {
  const shape = (text, at) => (heads[at].startsWith("#") ? { text, class: "figure" } : { text });
  return make("div", { class: "wide" }, make("table", {},
    make("thead", {}, make("tr", {}, ...heads.map((head, at) =>
      make("th", { ...shape(head.replace("#", ""), at), scope: "col" })))),
    make("tbody", {}, ...rows.map((cells) => make("tr", {}, ...cells.map((text, at) =>
      make("td", shape(typeof text === "number" ? figure.format(text) : text, at))))))));
}

function pairs(values) {
  return make("dl", {}, ...values.flatMap(([name, text]) => [
    make("dt", { text: name }), make("dd", { text })]));
}

function plain(value) {
  if (value === null || value === "" || (Array.isArray(value) && !value.length)) return "–";
  if (value === true) return "yes";
  if (value === false) return "no";
  return Array.isArray(value) ? value.join(", ") : String(value);
}

function aboutRun() {
  const body = [];
  if (run.failed_documents.length) {
    body.push(make("h3", { text: "Inputs of which nothing came out" }), table(
      ["Input", "Why"], run.failed_documents.map(({ source, error }) => [
        source, error.message + (error.remedy ? `. ${error.remedy}` : "")])));
  }
  body.push(make("h3", { text: "Documents" }), table(
    ["Input", "Output", "#Pages", "#Removed", "#Left", "#Failed", "#Time"],
    run.documents.map(({ source, output, counts, seconds }) => [
      source, output || "none, only looked", counts.pages, counts.removed, counts.residual,
      counts.failed, duration(seconds)])));
  const said = run.documents.flatMap((item) => item.warnings.map((text) => [text, documentName(item.source)]));
  const warnings = [...said, ...run.warnings.map(([text, count]) => [text, plural(count, "page")])];
  if (warnings.length) {
    body.push(make("h3", { text: "Warnings" }), table(["What", "#Where"], warnings));
  }
  const total = Object.values(run.stages).reduce((sum, seconds) => sum + seconds, 0);
  const stages = make("div", { class: "stages" });
  stages.append(...stageRows(Object.entries(run.stages), total));
  body.push(make("h3", { text: "Time by stage, all pages" }), stages);
  body.push(make("h3", { text: "Options" }),
    pairs(Object.entries(run.options).map(([name, value]) => [name, plain(value)])));
  body.push(make("h3", { text: "Versions" }), pairs(Object.entries(run.versions)));
  body.push(make("h3", { text: "This report" }), make("p", { text: aboutPictures() }));
  byId("run-body").replaceChildren(...body);
  byId("run-dialog").showModal();
}

function aboutPictures() {
  const where = run.folder === null
    ? `Pictures (${bytes(run.picture_bytes)}) are inside this file.`
    : `Pictures (${bytes(run.picture_bytes)}) are in the folder ${run.folder} beside this file; move both together.`;
  const left = run.left_out
    ? ` ${plural(run.left_out, "page")} without much doubt came without, to bound the size.` : "";
  const rows = pages.length < run.total
    ? ` The ${figure.format(pages.length)} most doubtful pages are listed; report.json has all.` : "";
  return `${where}${left}${rows} Doubt counts like the error to expect of a fill, in grey levels of 255: ${run.look} and more is worth a look.`;
}
